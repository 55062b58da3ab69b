"""Whether a lesson is open."""

from __future__ import annotations

from datetime import datetime

from backend.courses.types.access import AssignmentNeed, Closed, QuizNeed


def opening(due_at: datetime | None, publish_at: datetime | None) -> datetime | None:
    """When a lesson opens that is due at a time and published at another: the later; None while it is not due."""
    if due_at is None:
        return None
    return due_at if publish_at is None else max(due_at, publish_at)


def closed_to_student(*, enrolled: bool, live: bool, opens_at: datetime | None, now: datetime) -> Closed | None:
    """Why a lesson is closed to somebody who is or was ``enrolled``; None where it is open."""
    if not enrolled:
        return Closed.NO_ACCESS
    if not live:
        return Closed.ACCESS_ENDED
    return None if opens_at is not None and opens_at <= now else Closed.LOCKED


def closed_to_teacher(day: int, as_day: int | None) -> Closed | None:
    """Why a lesson is closed to a teacher who looks as a student does on day ``as_day``; None where it is open."""
    return None if as_day is None or day <= as_day else Closed.LOCKED


def assignment_need(*, has: bool, required: bool) -> AssignmentNeed:
    """What a lesson's assignment means for its completion."""
    if not has:
        return AssignmentNeed.NONE
    return AssignmentNeed.REQUIRED if required else AssignmentNeed.OPTIONAL


def quiz_need(*, has: bool, required: bool) -> QuizNeed:
    """What a lesson's quiz means for its completion."""
    if not has:
        return QuizNeed.NONE
    return QuizNeed.REQUIRED if required else QuizNeed.OPTIONAL
