"""Work that needs an admin, and today's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from backend.infra.formatting import format_date
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.core.back_office import ROOMS, Room
from webapp.core.parts import Chip, address
from webapp.orders.screens.admin import ManageOrderRow
from webapp.wallet.screens.admin import LedgerStat


def percent_change(now: int, before: int) -> int:
    """The change from ``before`` to ``now`` in per cent; 100 if ``before`` is zero and ``now`` is not."""
    return round((now - before) * 100 / before) if before else 100 if now else 0


class StatView(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of today, compared with the same weekday last week until the same time of the day.

    ``percent`` is the change; None when there was nothing then. ``spark`` are the points of a line through eight days.
    """

    key: Literal["sales", "orders", "people", "readings"]
    value: Money | int
    before: Money | int
    percent: int | None
    spark: str


def stat(key: Literal["orders", "people", "readings"], days: Sequence[int], before: int) -> StatView:
    """A count of eight days, the last of which is today, beside ``before`` of a week ago."""
    percent = percent_change(days[-1], before) if before else None
    return StatView(key=key, value=days[-1], before=before, percent=percent, spark=spark(days))


def sales_stat(days: Sequence[Money], before: Money) -> StatView:
    """The sales of eight days, the last of which is today, beside ``before`` of a week ago."""
    percent = percent_change(days[-1].amount, before.amount) if before.amount > 0 else None
    line = spark([day.amount for day in days])
    return StatView(key="sales", value=days[-1], before=before, percent=percent, spark=line)


def spark(values: Sequence[int]) -> str:
    """The points of a line through values in a box of 100 by 28, with a margin for its stroke."""
    low, high = min(*values, 0), max(values)
    span, step = (high - low) or 1, 100 / (len(values) - 1)
    return " ".join(f"{at * step:.1f},{26 - (value - low) * 24 / span:.1f}" for at, value in enumerate(values))


class Range(StrEnum):
    """How far the chart of sales reaches back."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class BarView(msgspec.Struct, frozen=True):
    """A bar of the chart: ``height`` of 100; ``label`` is empty where there is no room for it."""

    label: str
    amount: Money
    height: int
    now: bool


class ChartView(msgspec.Struct, frozen=True):
    """The sales of a range, with the ranges to choose from."""

    chosen: Range
    ranges: tuple[Chip, ...]
    total: Money
    bars: tuple[BarView, ...]


_EVERY: Final = {Range.DAY: 6, Range.WEEK: 1, Range.MONTH: 7, Range.YEAR: 1}
_PATTERNS: Final = {Range.DAY: "HH", Range.WEEK: "EEE", Range.MONTH: "d MMM", Range.YEAR: "LLLLL"}


def chart(chosen: Range, starts: Sequence[datetime], sales: Sequence[Money], locale: Locale) -> ChartView:
    """The sales that began at each of ``starts``, the last of which is now."""
    values, last = [one.amount for one in sales], len(starts) - 1
    most = max(values)
    return ChartView(
        chosen=chosen,
        ranges=tuple(Chip(href=_range_href(one), active=one is chosen, key=one.value) for one in Range),
        total=Money(sum(values), sales[0].currency),
        bars=tuple(
            BarView(
                label="" if (last - at) % _EVERY[chosen] else _label(chosen, starts[at], locale),
                amount=sales[at],
                height=_share(value, most),
                now=at == last,
            )
            for at, value in enumerate(values)
        ),
    )


def _share(value: int, most: int) -> int:
    """``value`` in hundredths of ``most``; nothing for less than nothing."""
    return max(round(value * 100 / most), 0) if most > 0 else 0


def _label(chosen: Range, at: datetime, locale: Locale) -> str:
    return f"{at:%H}" if chosen is Range.DAY else format_date(at.date(), locale, _PATTERNS[chosen])


def _range_href(one: Range) -> str:
    return address("/admin", range=None if one is Range.WEEK else one.value)


class HandRow(msgspec.Struct, frozen=True):
    """Work for an admin; ``urgent`` makes its count red.

    ``since`` is since when the oldest waits; ``about`` names one thing, of which ``left`` are left.
    """

    key: Literal[
        "orders_waiting",
        "assignments",
        "claims",
        "stock_low",
        "deliveries",
        "unmatched",
        "deposits",
        "approvals",
        "reconciliation",
        "work",
        "tickets",
        "refunds",
    ]
    href: str
    count: int
    urgent: bool = False
    since: datetime | None = None
    about: str = ""
    left: int = 0


_ROOM_OF: Final[Mapping[str, Room]] = {
    "work": "orders",
    "claims": "orders",
    "tickets": "tickets",
    "stock_low": "stock",
    "assignments": "assignments",
    "deliveries": "deliveries",
    "unmatched": "payments",
    "deposits": "payments",
    "approvals": "payments",
    "reconciliation": "payments",
    "refunds": "payments",
}


class RoomCount(msgspec.Struct, frozen=True):
    """The open work of the room at ``href``."""

    href: str
    count: int


class CountsView(msgspec.Struct, frozen=True):
    """admin/_counts.html: the rooms that the admin may enter and that have open work."""

    rooms: tuple[RoomCount, ...]


def counts(rows: Sequence[HandRow], rooms: Sequence[Room]) -> CountsView:
    """The open work by room; what only waits for its buyer is no work."""
    open_work: Counter[Room] = Counter()
    for row in rows:
        room = _ROOM_OF.get(row.key)
        if room is not None and room in rooms:
            open_work[room] += row.count
    return CountsView(tuple(RoomCount(ROOMS[room][0], count) for room, count in open_work.items() if count))


def ordered(rows: Sequence[HandRow]) -> tuple[HandRow, ...]:
    """What is urgent first; only the first count is red."""
    by_urgency = sorted(rows, key=lambda row: not row.urgent)
    return tuple(msgspec.structs.replace(row, urgent=row.urgent and at == 0) for at, row in enumerate(by_urgency))


class ManageHome(msgspec.Struct, frozen=True):
    """admin/home.html; ``rooms`` are the sections that this admin may open; ``no_contact``: no contact is set."""

    hands: tuple[HandRow, ...]
    stats: tuple[StatView, ...]
    books: LedgerStat | None
    chart: ChartView | None = None
    latest: tuple[ManageOrderRow, ...] = ()
    rooms: tuple[str, ...] = ()
    no_contact: bool = False
