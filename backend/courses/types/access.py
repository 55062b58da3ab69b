"""Whether a person may see a lesson, and how far they are in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.courses.types import CourseId, EnrolmentId, LessonId


class Closed(StrEnum):
    """Why a lesson is closed to a person."""

    NO_ACCESS = "no_access"
    """They never had the course."""
    ACCESS_ENDED = "access_ended"
    LOCKED = "locked"
    """It is not due yet."""


class AssignmentNeed(StrEnum):
    """Whether a lesson has an assignment, and what that means for its completion."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"
    """The lesson is completed by submitting it."""


class QuizNeed(StrEnum):
    """Whether a lesson has a quiz, and what that means for its completion."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"
    """The lesson is completed by passing it, or by the last attempt."""


class LessonAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson that is not deleted, as one person has it."""

    lesson_id: LessonId
    course_id: CourseId
    slug: str
    position: int
    day: int
    """Its number among the course's lessons, from 1."""
    required: bool
    minutes: int | None
    version: int
    enrolment_id: EnrolmentId | None
    """The person's enrolment in the newest run in which they have access; else in the newest."""
    closed: Closed | None
    """None where it is open."""
    opens_at: datetime | None
    """Since when it is open, or from when on it will be, as far as that is known."""
    preview: bool
    """A teacher sees it as such, not as a student: nothing of that is stored as progress."""
    opened_at: datetime | None
    completed_at: datetime | None
    place: int
    """Where the student left it: seconds of a video, or a block's number."""
    assignment: AssignmentNeed = AssignmentNeed.NONE
    submitted_at: datetime | None = None
    """When the student first submitted its assignment."""
    quiz: QuizNeed = QuizNeed.NONE
    quiz_done_at: datetime | None = None
    """When the student passed its quiz, or had no attempt left."""

    @property
    def is_open(self) -> bool:
        """Whether the person may read it now."""
        return self.closed is None


class Progress(msgspec.Struct, frozen=True):
    """How many of the required lessons that there are now are completed; ``percent`` is rounded down."""

    done: int
    required: int
    completed_at: datetime | None
    """When the course was completed, which lessons that are added later don't undo."""

    @property
    def percent(self) -> int:
        """From 0 to 100; 100 only where every required lesson is completed."""
        return self.done * 100 // self.required if self.required else 0

    @property
    def is_whole(self) -> bool:
        """Whether every required lesson that there is now is completed."""
        return 0 < self.required == self.done
