"""When somebody can turn over a free card: one a local date, and 20 hours apart wherever they are."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

APART: Final = timedelta(hours=20)
"""A zone that is changed moves the date, and never this."""


class Turned(msgspec.Struct, frozen=True):
    """The last free card that somebody has turned over, and the date it was on their clock."""

    local_date: date
    turned_at: datetime


def local_date(now: datetime, zone: str) -> date:
    """The date on somebody's clock."""
    return now.astimezone(ZoneInfo(zone)).date()


def next_at(last: Turned | None, now: datetime, zone: str) -> datetime | None:
    """When the next card can be turned over; None for now."""
    if last is None:
        return None
    earliest = last.turned_at + APART
    if local_date(now, zone) > last.local_date:
        return earliest if now < earliest else None
    tomorrow = datetime.combine(last.local_date + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return max(earliest, tomorrow.astimezone(now.tzinfo))
