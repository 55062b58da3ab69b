"""Students of a course in the back office: the list with its filters, one of them, a change of schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from backend.courses.types import EndReason, GrantSource
from backend.courses.types.editing import EditedLesson
from backend.courses.types.sale import Grant
from backend.courses.types.schedule import CalendarDay, Verb
from backend.courses.types.teaching import Run, StudentFilter, StudentRow, StudentState, Tariff
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.fields import Choice, Fields
from webapp.core.parts import Chip, Hue, address
from webapp.core.tiles import hue_of, initial_of
from webapp.courses.screens.lessons import title_of
from webapp.courses.screens.teaching import CourseRow

StateKey = Literal["all", "active", "paused", "completed", "ended"]


class StudentView(msgspec.Struct, frozen=True, kw_only=True):
    """A student in the list; ``plan`` is the highest that they have now."""

    id: str
    user_id: str
    name: str
    initial: str
    hue: Hue
    plan: str
    run_number: int
    state: StudentState
    percent: int
    done: int
    required: int
    enrolled_at: datetime


class UndoNote(msgspec.Struct, frozen=True):
    """What a change of schedules did, in the reader's words; ``id`` takes it back, empty once it is taken back."""

    id: str
    text: str


class StudentsPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/students.html; ``change`` is the address of the sheet that changes the schedules of these."""

    course: CourseRow
    query: str
    states: tuple[Chip, ...]
    plans: tuple[Chip, ...]
    hidden: tuple[tuple[str, str], ...]
    """The filter that a search keeps."""
    rows: tuple[StudentView, ...]
    csv_url: str
    """The signed address of the same students as a file."""
    change: str
    next_url: str | None = None
    more: bool = False
    filtered: bool = False
    undo: UndoNote | None = None


class GrantRow(msgspec.Struct, frozen=True, kw_only=True):
    """What gives or gave access; ``by`` is the admin who gave it."""

    id: str
    plan: str
    source: GrantSource
    paid: Money
    by: str
    granted_at: datetime
    ended_at: datetime | None
    end_reason: EndReason | None


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson of a student's calendar; ``at`` is None where it waits for the one before."""

    number: int
    title: str
    at: datetime | None
    open: bool


class StudentPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/student.html"""

    course: CourseRow
    row: StudentView
    grants: tuple[GrantRow, ...]
    days: tuple[DayRow, ...]
    completed_at: datetime | None
    may_see_people: bool
    undo: UndoNote | None = None

    @property
    def path(self) -> str:
        """Its address."""
        return f"/admin/courses/{self.course.id}/students/{self.row.id}"


class Stepper(msgspec.Struct, frozen=True):
    """Days by which schedules move; below zero to an earlier time."""

    value: int = 1
    minimum: int = -30
    maximum: int = 30


class ScheduleSheet(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/_schedule.html: what is done to the schedules of the students of a filter, or of one."""

    action: str
    fields: tuple[tuple[str, str], ...]
    lessons: tuple[Choice, ...]
    name: str = ""
    """Of the one student; empty for a filter."""
    verb: Verb = Verb.SHIFT
    stepper: Stepper = Stepper()


class GiftSheet(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/_gift.html: a tariff for somebody, with a reason."""

    action: str
    name: str
    plans: tuple[Choice, ...]
    form: Fields = Fields()
    owned: bool = False
    """They have the chosen one, or a higher one."""
    closed: bool = False
    """No run is open that it could start in."""


class RevokeSheet(msgspec.Struct, frozen=True):
    """courses/admin/_revoke.html: a reason before a grant is ended."""

    action: str
    plan: str
    error: str = ""


def student_view(row: StudentRow, tariffs: Sequence[Tariff], locale: Locale) -> StudentView:
    """A student in a list."""
    names = {one.id: pick(one.fields.name, locale) for one in tariffs}
    return StudentView(
        id=str(row.enrolment_id),
        user_id=str(row.user_id),
        name=row.name or "—",
        initial=initial_of(row.name),
        hue=hue_of(str(row.user_id)),
        plan=names.get(row.tariff_id, "") if row.tariff_id else "",
        run_number=row.run_number,
        state=row.state,
        percent=row.progress.percent,
        done=row.progress.done,
        required=row.progress.required,
        enrolled_at=row.enrolled_at,
    )


def filter_query(chosen: StudentFilter) -> dict[str, str]:
    """A filter as parameters of an address."""
    query = {
        "q": chosen.query,
        "state": chosen.state or "",
        "run": str(chosen.run_id or ""),
        "plan": str(chosen.tariff_id or ""),
    }
    return {name: value for name, value in query.items() if value}


def state_chips(path: str, chosen: StudentFilter) -> tuple[Chip, ...]:
    """The states to filter by; ``all`` first."""
    query = filter_query(chosen)
    keys: tuple[StudentState | None, ...] = (None, *StudentState)
    return tuple(
        Chip(
            href=address(path, **{**query, "state": key.value if key else None}),
            active=key == chosen.state,
            key=key.value if key else "all",
        )
        for key in keys
    )


def plan_chips(
    path: str, chosen: StudentFilter, tariffs: Sequence[Tariff], runs: Sequence[Run], locale: Locale, words: str
) -> tuple[Chip, ...]:
    """The tariffs, and where there are several the runs, to filter by; a second tap takes one off."""
    query = filter_query(chosen)
    plans = [
        Chip(
            href=address(path, **{**query, "plan": None if one.id == chosen.tariff_id else str(one.id)}),
            active=one.id == chosen.tariff_id,
            label=pick(one.fields.name, locale),
        )
        for one in tariffs
    ]
    several = runs if len(runs) > 1 else ()
    return (
        *plans,
        *(
            Chip(
                href=address(path, **{**query, "run": None if run.id == chosen.run_id else str(run.id)}),
                active=run.id == chosen.run_id,
                label=words % {"number": run.number},
            )
            for run in several
        ),
    )


def grant_rows(
    grants: Sequence[Grant], tariffs: Sequence[Tariff], names: Mapping[UserId, str], locale: Locale
) -> tuple[GrantRow, ...]:
    """The grants of a student, the latest first."""
    plans = {one.id: pick(one.fields.name, locale) for one in tariffs}
    return tuple(
        GrantRow(
            id=str(one.id),
            plan=plans.get(one.tariff_id, "—"),
            source=one.source,
            paid=one.paid,
            by=names.get(one.granted_by, "—") if one.granted_by else "",
            granted_at=one.granted_at,
            ended_at=one.ended_at,
            end_reason=one.end_reason,
        )
        for one in reversed(grants)
    )


def day_rows(days: Sequence[CalendarDay], lessons: Sequence[EditedLesson], locale: Locale) -> tuple[DayRow, ...]:
    """A student's calendar."""
    titles = {one.id: title_of(one.fields, locale) for one in lessons}
    return tuple(
        DayRow(number=number, title=titles.get(day.lesson_id, "—"), at=day.at, open=day.open)
        for number, day in enumerate(days, start=1)
    )


def lesson_choices(lessons: Sequence[EditedLesson], locale: Locale) -> tuple[Choice, ...]:
    """The lessons up to which others may be opened."""
    return tuple(
        Choice(str(one.id), f"{number}. {title_of(one.fields, locale)}") for number, one in enumerate(lessons, start=1)
    )


def plan_choices(tariffs: Sequence[Tariff], locale: Locale) -> tuple[Choice, ...]:
    """The tariffs that may be given, retired ones too."""
    return tuple(Choice(str(one.id), pick(one.fields.name, locale)) for one in tariffs)
