"""The Structs of an order's single lines: their status, and what of them was refunded."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money


class LineStatus(StrEnum):
    """How far one line of an order is."""

    RESERVED = "reserved"
    RELEASED = "released"
    """The order ended unpaid, and the goods went back."""
    PENDING = "pending"
    """Paid; its goods are delivered later."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Paid, but it will not be delivered; its money was refunded."""


class LineQuantity(msgspec.Struct, frozen=True):
    """So many of an order's line."""

    line_id: OrderLineId
    quantity: int


class LineRefund(msgspec.Struct, frozen=True):
    """What a refund is for a line: a part of its price, and how many of its goods are taken back (perhaps none)."""

    line_id: OrderLineId
    quantity: int
    amount: Money


def sum_of(shares: Sequence[LineRefund]) -> Money:
    """What the shares, of which there is at least one, come to."""
    return Money(sum(share.amount.amount for share in shares), shares[0].amount.currency)


class DeliveredFile(msgspec.Struct, frozen=True):
    """A delivered file in plain, to be sent and never stored."""

    name: str
    data: bytes
    version: str
    """Another where its bytes are others."""


class LineOwner(msgspec.Struct, frozen=True):
    """Of which order a line is, and whose."""

    number: str
    buyer_id: UserId


class OrderFileReady(Event, frozen=True, kw_only=True):
    """A file that was bought can be sent to its buyer's chat: their name is on it where it has to be."""

    order_id: OrderId
    user_id: UserId
    line_id: OrderLineId


class OrderLineDelivered(Event, frozen=True, kw_only=True):
    """A line whose goods take their time was delivered after the order was paid."""

    order_id: OrderId
    user_id: UserId
    line_id: OrderLineId
