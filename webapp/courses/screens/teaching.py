"""Courses in the back office: the list, one of them with its plans and runs, and its form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from backend.courses.types import CourseState, LateRule, ScheduleMode
from backend.courses.types.authoring import TimeOfDay
from backend.courses.types.teaching import CourseRecord, Run, Schedule, Tariff
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.fields import LANGUAGES, Choice, Fields, switch, typed_texts
from webapp.core.looks import Picture, tile
from webapp.core.parts import TileView

_DAY: Final = 24 * 60


class CourseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A course in the list."""

    id: str
    slug: str
    title: str
    tile: TileView
    state: CourseState
    lessons: int
    students: int


class CoursesPage(msgspec.Struct, frozen=True):
    """courses/admin/courses.html"""

    rows: tuple[CourseRow, ...]


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff of a course; ``starts_on`` is the first day of its cohort."""

    id: str
    name: str
    price: Money
    feedback_hours: int | None
    groups: bool
    certificate: bool
    taken: int
    places: int | None
    retired: bool
    starts_on: date | None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a course."""

    id: str
    number: int
    starts_on: date | None
    timezone: str
    students: int
    closed: bool


class CoursePage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/course.html"""

    row: CourseRow
    summary: str
    mode: ScheduleMode
    hour: str
    interval_days: int
    timezone: str
    plans: tuple[PlanRow, ...]
    runs: tuple[RunRow, ...]
    failed: int
    """How many messages of lessons failed, as far as they were counted."""
    no_plan: bool = False
    """It could not be published: nothing is for sale."""

    @property
    def path(self) -> str:
        """Its address in the back office."""
        return f"/admin/courses/{self.row.id}"


class CourseFormPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/course_form.html: a new course (``id`` is empty), or one that is edited."""

    form: Fields
    categories: tuple[Choice, ...]
    id: str = ""
    title: str = ""
    languages: tuple[tuple[str, str], ...] = LANGUAGES


class RunSheet(msgspec.Struct, frozen=True):
    """courses/admin/_run.html: a new run."""

    course_id: str
    form: Fields


def course_row(course: CourseRecord, locale: Locale, picture: Picture) -> CourseRow:
    """A course in a list."""
    title, look = pick(course.product.name, locale), course.product
    return CourseRow(
        id=str(course.id),
        slug=course.slug,
        title=title,
        tile=tile(title, look.hue, look.icon, "", picture(look.picture)),
        state=course.state,
        lessons=course.lessons,
        students=course.students,
    )


def plan_rows(tariffs: Sequence[Tariff], runs: Sequence[Run], locale: Locale) -> tuple[PlanRow, ...]:
    """The tariffs of a course, those on sale first."""
    starts = {run.id: run.starts_on for run in runs}
    return tuple(
        PlanRow(
            id=str(one.id),
            name=pick(one.fields.name, locale),
            price=one.fields.price,
            feedback_hours=one.fields.feedback_hours,
            groups=one.fields.groups,
            certificate=one.fields.certificate,
            taken=one.taken,
            places=one.fields.places,
            retired=one.retired_at is not None,
            starts_on=starts.get(one.fields.run_id) if one.fields.run_id else None,
        )
        for one in sorted(tariffs, key=lambda one: one.retired_at is not None)
    )


def run_rows(runs: Sequence[Run]) -> tuple[RunRow, ...]:
    """The runs of a course, the latest first."""
    return tuple(
        RunRow(
            id=str(run.id),
            number=run.number,
            starts_on=run.starts_on,
            timezone=(run.timezone or "").replace("_", " "),
            students=run.students,
            closed=run.closed_at is not None,
        )
        for run in reversed(runs)
    )


def course_form(course: CourseRecord) -> Fields:
    """The form of a stored course."""
    when = course.schedule
    return Fields(
        {
            **typed_texts(course.product.name, "title"),
            **typed_texts(course.product.summary, "summary"),
            "category": course.product.category,
            "mode": when.mode,
            "hour": clock_text(when.local_minute),
            "interval_days": str(when.interval_days),
            "moves": switch(when.student_from is not None),
            "student_from": clock_text(when.student_from),
            "student_to": clock_text(when.student_to),
            "late_rule": when.late_rule,
            "timezone": when.timezone,
            "digest_after_days": str(when.digest_after_days),
            "new_lessons": switch(when.new_lessons_after_completion),
            "remind_days": str(when.remind_days),
        }
    )


def new_course_form(timezone: str) -> Fields:
    """The form of a course that is made."""
    usual = Schedule(mode=ScheduleMode.LOCAL_HOUR)
    return Fields(
        {
            "mode": usual.mode,
            "hour": clock_text(usual.local_minute),
            "interval_days": str(usual.interval_days),
            "late_rule": LateRule.ONE_A_DAY,
            "timezone": timezone,
            "digest_after_days": str(usual.digest_after_days),
            "remind_days": str(usual.remind_days),
        }
    )


def clock_text(minute: int | None) -> str:
    """A minute of the day as a time field has it: "09:30"; empty for None."""
    return "" if minute is None else str(TimeOfDay(minute))


def minute_of(text: str) -> int | None:
    """The minute of the day that "09:30" says; None for anything else."""
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == 2 and len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()):
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total < _DAY else None
