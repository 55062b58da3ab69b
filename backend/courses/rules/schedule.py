"""When lessons come: pure rules on local clocks.

The k-th lesson of a student has the k-th slot. Slots count from ``started_at`` and move by ``shift_minutes``; what
decides over a slot is only how many lessons came before it, never what these are, so that a change of texts or of the
order moves no date. On a local clock a time that does not exist becomes the first one after the gap, one that comes
twice its first occurrence, and a day that does not exist the next day.
"""

from __future__ import annotations

import functools
import importlib.metadata
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from backend.courses.types import LateRule, ScheduleMode

DAY_MINUTES: Final = 1440
_DAY: Final = timedelta(days=1)


@functools.cache
def zones_version() -> str:
    """The release of the time zones' data, as PyPI names it: 2026.6 for IANA's 2026f."""
    return importlib.metadata.version("tzdata")


@functools.lru_cache(maxsize=1024)
def find_zone(name: str | None) -> ZoneInfo | None:
    """The IANA zone; None for an unknown name, such as "", "GMT+3", "../etc/passwd" or "Etc/Unknown"."""
    # Files of the database that are no places on earth.
    if not name or name in {"Factory", "localtime", "posixrules"}:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone_of(person: str | None, course: str) -> tuple[ZoneInfo, bool]:
    """The zone by which a student's lessons come, the course's where their own is unknown, and whether it is known."""
    own = find_zone(person)
    return own or find_zone(course) or ZoneInfo("UTC"), own is not None


def first_moment(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which a clock in ``zone`` shows ``local`` (without a zone) for the first time.

    In a gap, such as of the night on which clocks go forward, the moment that the old offset gives: the clock then
    shows as much after the gap as ``local`` lies in it.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date of a moment on the clock of a zone."""
    return moment.astimezone(zone).date()


class DueRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a due moment was computed from; stored beside it."""

    mode: ScheduleMode
    number: int
    """Which slot it is, from 1."""
    zone: str
    minute: int
    shift: int
    tzdata: str
    """The version of the zones' data; another version may give another moment."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that a student's slots follow from. Minutes are of the day on the clock of ``zone``."""

    mode: ScheduleMode
    started_at: datetime
    zone: str
    local_minute: int
    interval_days: int = 1
    shift_minutes: int = 0
    starts_on: date | None = None
    """The first day of a cohort; None where the first lesson comes at ``started_at``."""

    def slot(self, number: int, completed_at: datetime | None = None) -> datetime | None:
        """The moment of the ``number``-th lesson (from 1), in UTC.

        ``completed_at``: when the lesson before was completed, for AFTER_COMPLETION; None while it is not.
        """
        if self.mode is ScheduleMode.EVERY_24H:
            return self.started_at + (number - 1) * _DAY + self._shift
        if self.starts_on is not None:
            return self._on(self.starts_on + (number - 1) * _DAY)
        if number == 1:
            return self.started_at + self._shift
        if self.mode is ScheduleMode.AFTER_COMPLETION:
            if completed_at is None:
                return None
            return self._on(local_date(completed_at, self._zone) + self.interval_days * _DAY)
        return self._on(local_date(self.started_at, self._zone) + (number - 1) * _DAY)

    def day_of(self, moment: datetime) -> date:
        """The day to which a lesson at the moment belongs: no student gets two on one. UTC's in EVERY_24H."""
        return moment.astimezone(UTC).date() if self.mode is ScheduleMode.EVERY_24H else local_date(moment, self._zone)

    def not_before(self, number: int, day: date, completed_at: datetime | None = None) -> tuple[Plan, datetime | None]:
        """The plan with as few whole days more that its ``number``-th slot lies on ``day`` or later, and that slot.

        Unchanged where it does already, and where there is none yet.
        """
        plan, at = self, self.slot(number, completed_at)
        while at is not None and (behind := (day - plan.day_of(at)).days) > 0:
            plan = msgspec.structs.replace(plan, shift_minutes=plan.shift_minutes + behind * DAY_MINUTES)
            at = plan.slot(number, completed_at)
        return plan, at

    def rule(self, number: int) -> DueRule:
        """What is stored beside the moment of a slot."""
        return DueRule(
            mode=self.mode, number=number, zone=self.zone, minute=self.local_minute, shift=self.shift_minutes,
            tzdata=zones_version(),
        )  # fmt: skip

    def count_past(self, number: int, now: datetime, most: int) -> int:
        """How many slots from the ``number``-th on, ``most`` at most, are not after ``now``."""
        count = 0
        while count < most and (at := self.slot(number + count)) is not None and at <= now:
            count += 1
        return count

    @property
    def _zone(self) -> ZoneInfo:
        return find_zone(self.zone) or ZoneInfo("UTC")

    @property
    def _shift(self) -> timedelta:
        return timedelta(minutes=self.shift_minutes)

    def _on(self, day: date) -> datetime:
        """The local hour of a day, moved by the shift on the wall clock: a day more is the same hour."""
        return first_moment(
            datetime.combine(day, time(self.local_minute // 60, self.local_minute % 60)) + self._shift, self._zone
        )


def joins_late(late: LateRule, cohort: Plan, now: datetime, lessons: int) -> tuple[Plan, int]:
    """The plan of somebody who joins a cohort now, and how many lessons are opened to them at once.

    Before the start, the cohort's. After it: ALL_AT_ONCE opens what the others have had; FROM_TODAY what they had
    before today; ONE_A_DAY begins a plan of their own with the first lesson now.
    """
    past = cohort.count_past(1, now, lessons)
    if not past:
        return cohort, 0
    if late is LateRule.ALL_AT_ONCE:
        return cohort, past
    if late is LateRule.FROM_TODAY:
        today = cohort.day_of(now)
        at = cohort.slot(past)
        return cohort, past - 1 if at is not None and cohort.day_of(at) == today else past
    return msgspec.structs.replace(cohort, started_at=now, starts_on=None), 0


def in_window(minute: int, start: int | None, end: int | None) -> bool:
    """Whether students may move their lessons to a minute of the day; a window may cross midnight, None forbids."""
    if start is None or end is None or not 0 <= minute < DAY_MINUTES:
        return False
    return start <= minute <= end if start <= end else minute >= start or minute <= end
