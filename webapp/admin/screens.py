"""Work that needs an admin, and today's figures."""

from __future__ import annotations

from typing import Literal

import msgspec

from backend.kernel.money import Money
from backend.orders.types.reports import SalesFigures
from webapp.orders.screens.admin import ManageOrderRow
from webapp.wallet.screens.admin import LedgerStat


def percent_change(now: int, before: int) -> int:
    """The change from ``before`` to ``now`` in per cent; 100 if ``before`` is zero and ``now`` is not."""
    return round((now - before) * 100 / before) if before else 100 if now else 0


class StatView(msgspec.Struct, frozen=True):
    """A figure of today, compared with the same time yesterday."""

    key: Literal["sales", "orders", "people"]
    value: Money | int
    change: int | None = None
    change_percent: int | None = None


def stats(today: SalesFigures, before: SalesFigures, people: tuple[int, int] | None) -> tuple[StatView, ...]:
    """Today's figures, compared with the same time yesterday."""
    views = [
        StatView("sales", today.revenue, change_percent=percent_change(today.revenue.amount, before.revenue.amount)),
        StatView("orders", today.orders, change=today.orders - before.orders),
    ]
    if people is not None:
        views.append(StatView("people", people[0], change=people[0] - people[1]))
    return tuple(views)


class HandRow(msgspec.Struct, frozen=True):
    """Work for an admin; ``urgent`` makes its count red."""

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
    ]
    href: str
    count: int
    urgent: bool = False


class ManageHome(msgspec.Struct, frozen=True):
    """admin/home.html; ``rooms`` are the sections that this admin may open; ``no_contact``: no contact is set."""

    hands: tuple[HandRow, ...]
    stats: tuple[StatView, ...]
    books: LedgerStat | None
    latest: tuple[ManageOrderRow, ...] = ()
    rooms: tuple[str, ...] = ()
    no_contact: bool = False
