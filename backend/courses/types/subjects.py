"""What messages say of an enrolment."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from backend.courses.types import CourseId, EndReason, LessonId, TariffId


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A person's course as a message names it; names by language."""

    slug: str
    name: dict[str, str]
    tariff: dict[str, str] | None
    """The highest tariff that they have now; None where their access has ended."""
    starts_on: date | None
    """The day on which their cohort starts; None for a start at once."""
    next_due_at: datetime | None
    """When their next lesson comes; None where none comes by the clock."""
    end_reason: EndReason | None
    """Why the grant ended that the message is about; None while it is live."""


class LessonSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson as messages and lists name it; names by language. ``day`` counts the course's lessons from 1."""

    lesson_id: LessonId
    slug: str
    course_slug: str
    name: dict[str, str]
    course: dict[str, str]
    day: int
    deleted: bool

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/learn/{self.course_slug}/{self.slug}"


class PlanSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of a course as lists and messages name it; names by language. ``students`` have it now."""

    tariff_id: TariffId
    course_id: CourseId
    slug: str
    course: dict[str, str]
    plan: dict[str, str]
    promises_groups: bool
    """Its offer says that it comes with closed groups."""
    retired: bool
    students: int
