"""When lessons come to students, and what became of their messages."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from backend.courses.types import CourseId, DeliveryState, EnrolmentId, LateRule, LessonId, ScheduleMode
from backend.courses.types.lessons import ChatPart
from backend.kernel.ids import UserId

SUBMIT_PREFIX: Final = "submit:"
"""The callback data of a button that submits an assignment: this and the lesson's id."""


class DeliveryReason(StrEnum):
    """Why a lesson has no message of its own, or why its message did not go out."""

    DIGEST = "digest"
    """Several lessons are announced in one message."""
    BEFORE_JOINING = "before_joining"
    """The cohort had it before this student joined."""
    BOT_BLOCKED = "bot_blocked"
    """The student has blocked the bot; it is sent once they unblock it."""
    BLOCKED = "blocked"
    """An admin has blocked the student."""
    REFUSED = "refused"
    """Telegram never takes this message."""
    TELEGRAM_DOWN = "telegram_down"
    RATE_LIMITED = "rate_limited"
    ACCESS_ENDED = "access_ended"
    LESSON_DELETED = "lesson_deleted"


class LessonSlot(msgspec.Struct, frozen=True):
    """A live lesson of a course, for planning."""

    id: LessonId
    position: int
    publish_at: datetime | None


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A student and all that their schedule follows from. Minutes are of the day."""

    id: EnrolmentId
    user_id: UserId
    course_id: CourseId
    started_at: datetime | None
    local_minute: int | None
    """The hour that the student has moved their lessons to; None for the course's."""
    shift_minutes: int
    paused_at: datetime | None
    completed_at: datetime | None
    next_lesson_id: LessonId | None
    next_due_at: datetime | None
    live: bool
    """Whether they have access."""
    delivered: frozenset[UUID]
    """The lessons that are open to them."""
    last_due_at: datetime | None
    """When the last of these was due."""
    last_sent_at: datetime | None
    """When the message of the last of these was sent; None of a digest."""
    last_completed_at: datetime | None
    """When the last of these was completed."""
    pending: bool
    """Whether the message of one of these is still to be sent."""
    mode: ScheduleMode
    course_minute: int
    student_from: int | None
    student_to: int | None
    interval_days: int
    late_rule: LateRule
    course_zone: str
    digest_after_days: int
    new_lessons_after_completion: bool
    starts_on: date | None
    run_zone: str | None
    zone: str = ""
    """The student's own zone; empty where it is unknown."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this worker sends until ``lease_until``."""

    enrolment_id: EnrolmentId
    lesson_id: LessonId
    due_at: datetime
    lease_until: datetime
    digest: bool = False
    parts_sent: int = 0
    """How many of its messages have arrived before."""
    version: int | None = None
    """The version of the text that these were of."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson of a student on the deliveries page."""

    enrolment_id: EnrolmentId
    lesson_id: LessonId
    user_id: UserId
    position: int
    title: str
    due_at: datetime
    state: DeliveryState
    reason: DeliveryReason | None
    message_id: int | None
    lesson_version: int | None
    retry_at: datetime | None
    sent_at: datetime | None


class CalendarDay(msgspec.Struct, frozen=True):
    """A lesson in a student's calendar; ``at`` is None where it waits for the one before to be completed."""

    lesson_id: LessonId
    at: datetime | None
    open: bool


class Verb(StrEnum):
    """What teachers do to the schedule of one student, many, or all of a course."""

    PAUSE = "pause"
    RESUME = "resume"
    SHIFT = "shift"
    OPEN = "open"
    REPLAN = "replan"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of schedules: ``minutes`` for SHIFT; ``until``, the last lesson that OPEN opens, None for all."""

    verb: Verb
    minutes: int = 0
    until: LessonId | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does, or in a dry run would do."""

    students: int
    """How many it was asked for."""
    changed: int
    """How many it changes."""
    moved: dict[int, int]
    """How many whose next lesson is known before and after, by the minutes by which it moves."""
    opened: int = 0
    """How many lessons are opened, of all students together."""
    undo: UUID | None = None
    """Takes the change back; None in a dry run and where nothing changed."""


class PastChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was made: ``id`` takes it back, unless it is ``undone`` already."""

    id: UUID
    at: datetime
    by: UserId | None
    """The teacher; None for the system."""
    change: Change
    outcome: Outcome
    undone: bool


class Undone(msgspec.Struct, frozen=True):
    """What became of an undo: ``left`` are those whose schedule has changed since, and stays."""

    restored: int
    left: int


class LessonMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson, or a digest, as messages of a chat: Telegram's HTML; ``protect``: nobody forwards or saves them."""

    parts: tuple[ChatPart, ...]
    button: str
    url: str
    callback_button: str = ""
    callback: str = ""
    """What a second button sends to the bot; empty for no second button."""
    quiz_button: str = ""
    quiz_url: str = ""
    """The page of the lesson's quiz; empty for no quiz."""
    protect: bool = True
