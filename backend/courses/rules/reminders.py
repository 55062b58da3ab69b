"""When a quiet student is reminded. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from backend.courses.types.reminders import Learning, Look

MOST: Final = 3
"""Reminders in a row to somebody who does nothing."""
_AGAIN: Final = timedelta(days=1)
"""Who has nothing to do now is looked at again."""
_TOO_LATE: Final = timedelta(days=14)
"""Nobody is reminded so long after it was due: the worker was down, and they have gone their ways."""


def look(student: Learning, now: datetime, *, reachable: bool) -> Look:
    """Whether a student is reminded now: after the course's days of quiet, then after twice and four times as many.

    They are quiet since they were last active, or since they have had something to do, whichever is later.
    """
    may_be = student.live and reachable and not (student.completed or student.off)
    if not may_be or student.remind_days == 0 or student.reminders >= MOST:
        return Look(False, None)
    if student.paused or student.todo_at is None:
        return Look(False, now + _AGAIN)
    pause = timedelta(days=student.remind_days * 2**student.reminders)
    since = student.reminded_at if student.reminders and student.reminded_at else _quiet_since(student, student.todo_at)
    due = since + pause
    if now < due:
        return Look(False, due)
    if now - max(due, student.look_at) > _TOO_LATE:
        return Look(False, None)
    return Look(True, now + 2 * pause if student.reminders + 1 < MOST else None)


def another_day(now: datetime) -> Look:
    """What comes of a reminder for which the person has had one of another course: they are looked at tomorrow."""
    return Look(False, now + _AGAIN)


def _quiet_since(student: Learning, todo_at: datetime) -> datetime:
    return max(student.active_at, todo_at)
