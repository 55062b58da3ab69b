"""Pure decisions about premium membership: how long it lasts. See decisions/0052."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from backend.catalog.types import MOST_PREMIUM_MONTHS
from backend.growth.types.premium import Membership, PremiumState
from backend.identity.types import PremiumPeriod

_YEAR = 12


def add_months(start: datetime, months: int) -> datetime:
    """The same day and time ``months`` calendar months later, or the last day of a month that has no such day."""
    year, month = divmod(start.year * _YEAR + start.month - 1 + months, _YEAR)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def is_running(period: PremiumPeriod | None, now: datetime, grace: timedelta) -> bool:
    """Whether the period, or the days of ``grace`` after it, is not over."""
    return period is not None and now < period.until + grace


def extended(period: PremiumPeriod | None, months: int, now: datetime, grace: timedelta) -> PremiumPeriod | None:
    """The period after ``months`` more, or None where it would last longer than is allowed.

    Months are added to what is left, and in the days of grace to the old end; otherwise they count from now. A
    period's months are counted from its beginning all together: 31 January, and two purchases of one month, is
    31 March, in whichever order things are bought.
    """
    longest = add_months(now, MOST_PREMIUM_MONTHS)
    started_at, total = now, months
    if period is not None and is_running(period, now, grace):
        started_at, total = period.started_at, period.months + months
    if total > (longest.year - started_at.year + 1) * _YEAR:
        return None
    until = add_months(started_at, total)
    return PremiumPeriod(started_at, total, until) if until <= longest else None


def shortened(period: PremiumPeriod | None, months: int, now: datetime) -> PremiumPeriod | None:
    """The period without ``months`` of it; None where nothing is left then, which has no days of grace."""
    left = period.months - months if period else 0
    if period is None or left <= 0:
        return None
    until = add_months(period.started_at, left)
    return PremiumPeriod(period.started_at, left, until) if until > now else None


def part_of(months: int, taken: int, quantity: int, of: int) -> int:
    """How many months ``quantity`` units of a line are that gave ``months`` for ``of`` units; what is left at most."""
    return min(months // of * quantity, months - taken)


def membership(until: datetime | None, now: datetime, grace: timedelta, *, endless: bool) -> Membership:
    """Somebody's premium now."""
    if endless:
        return Membership(PremiumState.ENDLESS)
    if until is None:
        return Membership(PremiumState.NONE)
    state = PremiumState.ENDED
    if now < until:
        state = PremiumState.ACTIVE
    elif now < until + grace:
        state = PremiumState.GRACE
    return Membership(state, until, until + grace)
