"""When lessons open, in words and on the reader's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from backend.courses.types import ScheduleMode
from backend.courses.types.learning import CourseView
from backend.identity.types import Actor, ZoneSource
from backend.infra.formatting import format_date, format_day, format_number, format_time, zone_city
from webapp.core.rendering import Viewer

_WEEK: Final = 7
_OWN_CLOCK: Final = frozenset({ScheduleMode.LOCAL_HOUR, ScheduleMode.AFTER_COMPLETION})
"""The modes in which lessons come by the student's own clock."""


class LessonTimes(msgspec.Struct, frozen=True):
    """At which hour a person's lessons come, and by the clock of which city.

    ``known``: it is the city of their own time zone, and not the course's because theirs is unknown.
    """

    hour: str
    city: str
    known: bool


def takes(view: CourseView) -> bool:
    """Whether the reader has the course now."""
    return view.mine is not None and view.mine.plan is not None


def has_own_clock(view: CourseView) -> bool:
    """Whether lessons come by the reader's own clock; to a cohort they come at one moment."""
    together = view.mine is not None and view.mine.run.starts_on is not None and takes(view)
    return view.schedule.mode in _OWN_CLOCK and not together


def lesson_times(view: CourseView, actor: Actor) -> LessonTimes | None:
    """When lessons come; None where that does not depend on the reader's clock."""
    if not has_own_clock(view):
        return None
    own = view.mine.local_minute if view.mine is not None else None
    known = actor.zone_source is not ZoneSource.UNKNOWN
    zone = actor.timezone if known else view.schedule.timezone
    return LessonTimes(
        clock(view.schedule.local_minute if own is None else own), zone_city(zone, actor.language), known
    )


def opening(at: datetime, viewer: Viewer) -> str:
    """When a lesson opens: today, tomorrow, on a day of the week, on a date."""
    _ = viewer.words.gettext
    time, ahead = _time_and_days(at, viewer)
    if at <= viewer.now:
        return _("Opens in a moment")
    if ahead == 0:
        return _("Opens today, {time}").format(time=time)
    if ahead == 1:
        return _("Opens tomorrow, {time}").format(time=time)
    return _("Opens {day}, {time}").format(day=_day(at, ahead, viewer), time=time)


def opening_of(number: int, at: datetime, viewer: Viewer) -> str:
    """When the lesson with a number opens."""
    _ = viewer.words.gettext
    time, ahead = _time_and_days(at, viewer)
    shown = format_number(number, viewer.locale)
    if at <= viewer.now:
        return _("Day {number} opens in a moment").format(number=shown)
    if ahead == 0:
        return _("Day {number} opens today, {time}").format(number=shown, time=time)
    if ahead == 1:
        return _("Day {number} opens tomorrow, {time}").format(number=shown, time=time)
    return _("Day {number} opens {day}, {time}").format(number=shown, day=_day(at, ahead, viewer), time=time)


def weekday(at: datetime, viewer: Viewer) -> str:
    """The short name of a moment's day of the week."""
    return format_date(at.astimezone(viewer.timezone).date(), viewer.locale, "EEE")


def clock(minute: int) -> str:
    """A minute of the day: "09:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _time_and_days(at: datetime, viewer: Viewer) -> tuple[str, int]:
    local = at.astimezone(viewer.timezone)
    return format_time(local), (local.date() - viewer.today).days


def _day(at: datetime, ahead: int, viewer: Viewer) -> str:
    day = at.astimezone(viewer.timezone).date()
    if ahead < _WEEK:
        return format_date(day, viewer.locale, "EEEE")
    return format_day(day, viewer.today, viewer.locale)
