"""What courses are to the outside."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from backend.kernel.events import Event
from backend.kernel.ids import UserId

CourseId = NewType("CourseId", UUID)
RunId = NewType("RunId", UUID)
TariffId = NewType("TariffId", UUID)
LessonId = NewType("LessonId", UUID)
MediaId = NewType("MediaId", UUID)
EnrolmentId = NewType("EnrolmentId", UUID)
GrantId = NewType("GrantId", UUID)


class CourseState(StrEnum):
    """Whether a course is sold; those who have it keep it in either state."""

    DRAFT = "draft"
    PUBLISHED = "published"


class ScheduleMode(StrEnum):
    """When lessons come."""

    EVERY_24H = "every_24h"
    """The first at the start, the others every 24 hours from it."""
    LOCAL_HOUR = "local_hour"
    """The first at the start, then one a day at the student's local hour."""
    AFTER_COMPLETION = "after_completion"
    """Some days after the one before is completed."""
    COHORT = "cohort"
    """One a day for everybody, from the date on which the run starts."""


class LateRule(StrEnum):
    """What somebody gets who joins a cohort after its start."""

    ALL_AT_ONCE = "all_at_once"
    """Everything that the others have had."""
    ONE_A_DAY = "one_a_day"
    """From the first lesson, one a day."""
    FROM_TODAY = "from_today"
    """What the others get from today on; the lessons before are open to read."""


class GrantSource(StrEnum):
    """Why somebody has access."""

    ORDER_LINE = "order_line"
    UPGRADE = "upgrade"
    """A paid line, too, for which what was paid for the course before counted."""
    GIFT = "gift"
    """From an admin."""


class EndReason(StrEnum):
    """Why a grant ended."""

    REFUNDED = "refunded"
    REVOKED = "revoked"


class DeliveryState(StrEnum):
    """What became of a lesson's message in the chat."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    """A worker is sending it, until its lease ends."""
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    """No message was sent for it on purpose, such as in a digest; the lesson is open."""


class MediaKind(StrEnum):
    """How a file of a lesson is shown."""

    PICTURE = "picture"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


class CourseJoined(Event, frozen=True, kw_only=True):
    """Somebody has access to a run of a course who had none: for the first time, or again."""

    enrolment_id: EnrolmentId
    grant_id: GrantId
    user_id: UserId
    first: bool
    """The enrolment is new."""


class CourseUpgraded(Event, frozen=True, kw_only=True):
    """Somebody who has access got one more grant of a higher tariff."""

    enrolment_id: EnrolmentId
    grant_id: GrantId
    user_id: UserId


class CourseDowngraded(Event, frozen=True, kw_only=True):
    """A grant ended, and the person's access goes on with a lower tariff."""

    enrolment_id: EnrolmentId
    grant_id: GrantId
    user_id: UserId


class CourseAccessEnded(Event, frozen=True, kw_only=True):
    """The last grant of an enrolment ended, because of ``reason``; progress stays."""

    enrolment_id: EnrolmentId
    grant_id: GrantId
    user_id: UserId
    reason: EndReason


class CourseGrantChanged(Event, frozen=True, kw_only=True):
    """A grant began (``live``) or ended, whatever else the person has of the course."""

    grant_id: GrantId
    user_id: UserId
    live: bool


class CourseCompleted(Event, frozen=True, kw_only=True):
    """A student has completed all required lessons; emitted once an enrolment."""

    enrolment_id: EnrolmentId
    user_id: UserId
    completed_at: datetime
