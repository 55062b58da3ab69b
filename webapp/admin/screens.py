"""Work that needs an admin, and figures of today."""

from __future__ import annotations

from typing import Literal

import msgspec

from backend.kernel.money import Money
from backend.orders import types as orders
from webapp.identity.screens.admin import _ALL
from webapp.orders.screens.admin import ManageOrderRow
from webapp.wallet.screens.admin import BooksStat


def percent_change(now: int, before: int) -> int:
    """By how much of a hundred ``now`` differs from ``before``; after nothing, anything is all of it."""
    return round((now - before) * _ALL / before) if before else _ALL if now else 0


class StatView(msgspec.Struct, frozen=True):
    """A figure of today beside the same time a day earlier."""

    key: Literal["sales", "orders", "people"]
    value: Money | int
    change: int | None = None
    change_percent: int | None = None


def stats(
    today: orders.SalesFigures, before: orders.SalesFigures, people: tuple[int, int] | None
) -> tuple[StatView, ...]:
    """Today's figures beside those of yesterday at the same time."""
    found = [
        StatView("sales", today.revenue, change_percent=percent_change(today.revenue.amount, before.revenue.amount)),
        StatView("orders", today.orders, change=today.orders - before.orders),
    ]
    if people is not None:
        found.append(StatView("people", people[0], change=people[0] - people[1]))
    return tuple(found)


class HandRow(msgspec.Struct, frozen=True):
    """Work that waits for a person; ``urgent`` is the page's one red count."""

    key: Literal["orders_waiting", "stock_low", "deliveries", "unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int
    urgent: bool = False


class ManageHome(msgspec.Struct, frozen=True):
    """admin/home.html; ``rooms`` are those that this admin may enter. ``no_contact``: no support address is set."""

    hands: tuple[HandRow, ...]
    stats: tuple[StatView, ...]
    books: BooksStat | None
    latest: tuple[ManageOrderRow, ...] = ()
    rooms: tuple[str, ...] = ()
    no_contact: bool = False
