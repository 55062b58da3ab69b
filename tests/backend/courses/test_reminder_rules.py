"""When a reminder is due: a table of cases, and what holds for every course and every quiet."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.courses.rules import reminders as rules
from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.reminders import Learning, Look
from backend.kernel.ids import UserId, new_id

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEVER = Look(False, None)


def student(**changes: Any) -> Learning:
    """Active three days ago, with a lesson that has been open for four."""
    usual = Learning(
        id=EnrolmentId(new_id()), user_id=UserId(new_id()), course_id=CourseId(new_id()), live=True, completed=False,
        paused=False, off=False, remind_days=3, active_at=NOW - 3 * DAY, todo_at=NOW - 4 * DAY, todo=LessonId(new_id()),
        reminders=0, reminded_at=None, look_at=NOW,
    )  # fmt: skip
    return replace(usual, **changes)


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, Look(True, NOW + 6 * DAY)),
    ({"active_at": NOW - 3 * DAY + timedelta(seconds=1)}, Look(False, NOW + timedelta(seconds=1))),
    # What counts is since when there is something to do.
    ({"active_at": NOW - 9 * DAY, "todo_at": NOW - DAY}, Look(False, NOW + 2 * DAY)),
    ({"reminders": 1, "reminded_at": NOW - 6 * DAY}, Look(True, NOW + 12 * DAY)),
    ({"reminders": 1, "reminded_at": NOW - 5 * DAY}, Look(False, NOW + DAY)),
    ({"reminders": 2, "reminded_at": NOW - 12 * DAY}, Look(True, None)),
    ({"reminders": 3, "reminded_at": NOW - 90 * DAY}, NEVER),
    ({"paused": True}, Look(False, NOW + DAY)),
    ({"todo_at": None, "todo": None}, Look(False, NOW + DAY)),
    ({"live": False}, NEVER), ({"completed": True}, NEVER), ({"off": True}, NEVER), ({"remind_days": 0}, NEVER),
    # The worker was down for three weeks; or they were paused for three weeks, and looked at again since.
    ({"active_at": NOW - 30 * DAY, "todo_at": NOW - 30 * DAY, "look_at": NOW - 21 * DAY}, NEVER),
    ({"active_at": NOW - 30 * DAY, "todo_at": NOW - 30 * DAY, "look_at": NOW - DAY}, Look(True, NOW + 6 * DAY)),
])  # fmt: skip
def test_a_student(changes: dict[str, Any], expected: Look) -> None:
    assert rules.look(student(**changes), NOW, reachable=True) == expected


def test_who_cannot_be_reached_is_not_looked_at_until_they_can() -> None:
    assert rules.look(student(), NOW, reachable=False) == NEVER


@given(days=st.integers(1, 90), minutes=st.lists(st.integers(1, 5000), max_size=400))
def test_a_quiet_of_any_length_brings_three_at_most_each_after_a_longer_pause(days: int, minutes: list[int]) -> None:
    """Looked at when that was asked for, or somewhat later, as by a worker that has much to do."""
    one = student(remind_days=days, active_at=NOW, todo_at=NOW - DAY)
    at, sent = NOW, [NOW]
    for late in [*minutes, *([1] * 400)]:
        said = rules.look(replace(one, look_at=at), at, reachable=True)
        if said.remind:
            sent.append(at)
            one = replace(one, reminders=one.reminders + 1, reminded_at=at)
        if said.again_at is None:
            break
        assert said.again_at > at
        at = said.again_at + timedelta(minutes=late)
    assert said.again_at is None and len(sent) == 1 + rules.MOST
    pauses = [after - before for before, after in itertools.pairwise(sent)]
    assert all(pause >= timedelta(days=days * 2**number) for number, pause in enumerate(pauses))
