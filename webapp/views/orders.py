"""Orders and keys, as their buyer sees them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.core.parts import Hue, TileView

OrderStatus = Literal["waiting", "delivered", "cancelled", "expired", "refunded"]


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list."""

    number: str
    title: str
    quantity: int
    tile: TileView
    total: Money
    status: OrderStatus
    at: datetime
    pay_until: datetime | None = None


class OrderDay(msgspec.Struct, frozen=True):
    """Orders of one day of the reader's timezone."""

    day: date
    rows: tuple[OrderRow, ...]


class OrdersPage(msgspec.Struct, frozen=True):
    """orders/list.html; orders/_rows.html takes the same for a next page."""

    segment: Literal["all", "waiting"]
    days: tuple[OrderDay, ...]
    next_url: str | None = None


class KeyView(msgspec.Struct, frozen=True):
    """orders/_key.html: a bought secret; ``value`` is None until the buyer asks to see it."""

    id: str
    order_number: str
    title: str
    index: int
    of: int
    tile: TileView
    subtitle: str = ""
    value: str | None = None
    text_url: str | None = None


class StepView(msgspec.Struct, frozen=True):
    """A moment of something followed over time; ``at`` is None for what is still to come."""

    key: Literal[
        "placed", "paid", "paid_balance", "delivered", "key", "cancelled", "expired",
        "asked", "seen", "confirming", "balance", "part", "rest", "failed", "held", "refunded", "part_refunded",
        "proof", "proved", "looking",
    ]  # fmt: skip
    state: Literal["done", "now", "todo", "bad"]
    at: datetime | None = None
    amount: Money | None = None


class OrderLine(msgspec.Struct, frozen=True):
    """A thing in an order."""

    title: str
    tile: TileView
    quantity: int
    total: Money
    subtitle: str = ""


class OpenPayment(msgspec.Struct, frozen=True):
    """A payment that runs for an order."""

    href: str
    way: str
    icon: str
    hue: Hue
    amount: Money
    changeable: bool
    """Whether another payment method may take its place: not while money is on its way."""


class OrderPage(msgspec.Struct, frozen=True):
    """orders/detail.html; orders/_body.html takes the same when the order changes under the reader's eyes.

    Of one that waits: ``held`` is set aside from the balance, ``missing`` is to be paid yet, ``payment`` runs for it;
    ``settling``: its payment is here, its goods are on their way.
    """

    number: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    steps: tuple[StepView, ...]
    keys: tuple[KeyView, ...] = ()
    paid_with: Literal["balance", ""] = ""
    fresh: bool = False
    pay_until: datetime | None = None
    live_url: str | None = None
    held: Money | None = None
    missing: Money | None = None
    refunded: Money | None = None
    again_href: str = ""
    payment: OpenPayment | None = None
    settling: bool = False
