"""Reminders to students who have done nothing in a course for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.kernel.events import Event
from backend.kernel.ids import UserId

REMINDERS_OFF: Final = "reminders:off"
"""What the button of a reminder sends to the bot."""


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """All that follows from what is stored of an enrolment for its reminders."""

    id: EnrolmentId
    user_id: UserId
    course_id: CourseId
    live: bool
    """They have access, and no later run of the course has taken over."""
    completed: bool
    paused: bool
    off: bool
    """They want no reminders."""
    remind_days: int
    """The course's setting; 0 for no reminders."""
    active_at: datetime
    """When they last did something; else when they began."""
    todo_at: datetime | None
    """Since when a required lesson has been open to them that is not done; None where there is none."""
    todo: LessonId | None
    """The lesson where they go on: of those that are not done the last opened, else the first."""
    reminders: int
    """How many they have got since they were last active."""
    reminded_at: datetime | None
    look_at: datetime
    """When they were to be looked at."""


class Look(msgspec.Struct, frozen=True):
    """What comes of looking at a student: a reminder or none, and when they are looked at again; None for never."""

    remind: bool
    again_at: datetime | None


class ReminderDue(Event, frozen=True, kw_only=True):
    """A student is to be reminded of a course for the ``number``th time since they were last active."""

    enrolment_id: EnrolmentId
    user_id: UserId
    number: int
    at: datetime
