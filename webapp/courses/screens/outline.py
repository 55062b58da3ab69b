"""The lessons of a course as one person has them: the list, the strip of days, and which lesson is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.courses.types import LessonId
from backend.courses.types.access import LessonAccess
from backend.courses.types.lessons import LessonTitle
from backend.courses.types.schedule import CalendarDay
from webapp.core.parts import address
from webapp.core.rendering import Viewer
from webapp.courses.screens.times import opening, weekday

_STRIP: Final = 7
"""How many days the strip shows."""
_BEFORE: Final = 3
"""How many of them lie before the next lesson, where there are so many."""


class LessonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the list of its course; ``state`` is "now" for the first that is open and not done.

    ``opens`` says when a locked one opens; empty where nobody knows. ``day`` is its number, from 1.
    """

    href: str
    title: str
    day: int
    state: Literal["done", "now", "open", "locked"]
    minutes: int | None = None
    at: datetime | None = None
    opens: str = ""
    waits: bool = False
    """It opens once the one before is done."""


class DayView(msgspec.Struct, frozen=True):
    """A day of the strip; ``name`` is its day of the week, empty where nobody knows it."""

    number: int
    state: Literal["done", "now", "todo"]
    name: str = ""


def lesson_href(course: str, lesson: str, as_day: int | None) -> str:
    """The page of a lesson, as on a day of the course where a teacher looks so."""
    return address(f"/learn/{course}/{lesson}", day=str(as_day) if as_day else None)


def rows(
    course: str,
    lessons: Sequence[LessonAccess],
    titles: Sequence[LessonTitle],
    calendar: Sequence[CalendarDay],
    viewer: Viewer,
    *,
    as_day: int | None = None,
    paused: bool = False,
) -> tuple[LessonRow, ...]:
    """The list of lessons. What waits for the one before to be completed has no moment yet."""
    named = {item.id: item.title for item in titles}
    moments: Mapping[LessonId, datetime | None] = {day.lesson_id: day.at for day in calendar}
    rows: list[LessonRow] = []
    ahead = True
    for lesson in lessons:
        at = lesson.opens_at if lesson.is_open else moments.get(lesson.lesson_id)
        state: Literal["done", "now", "open", "locked"] = "locked"
        if lesson.completed_at is not None:
            state = "done"
        elif lesson.is_open:
            state, ahead = ("now" if ahead else "open"), False
        rows.append(
            LessonRow(
                href=lesson_href(course, lesson.slug, as_day),
                title=named.get(lesson.lesson_id, lesson.slug),
                day=lesson.day,
                state=state,
                minutes=lesson.minutes,
                at=at,
                opens=opening(at, viewer) if state == "locked" and at is not None and not paused else "",
                waits=state == "locked" and at is None and lesson.lesson_id in moments and not paused,
            )
        )
    return tuple(rows)


def next_row(lessons: Sequence[LessonRow]) -> LessonRow | None:
    """The lesson to read now, if one is open."""
    return next((row for row in lessons if row.state == "now"), None)


def next_locked(lessons: Sequence[LessonRow]) -> LessonRow | None:
    """The lesson that opens next, if its moment is known."""
    return next((row for row in lessons if row.state == "locked" and row.at is not None), None)


def strip(lessons: Sequence[LessonRow], viewer: Viewer) -> tuple[DayView, ...]:
    """A week of the course around the lesson that is next."""
    here = next((place for place, row in enumerate(lessons) if row.state != "done"), max(len(lessons) - 1, 0))
    first = max(min(here - _BEFORE, len(lessons) - _STRIP), 0)
    return tuple(
        DayView(
            number=row.day,
            state="done" if row.state == "done" else "now" if row.state == "now" else "todo",
            name=weekday(row.at, viewer) if row.at is not None else "",
        )
        for row in lessons[first : first + _STRIP]
    )
