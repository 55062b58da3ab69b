"""What a kind of goods must do to be sold: the port between orders and those who deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.events import Event
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money

ItemId = NewType("ItemId", UUID)


class FulfilmentLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order, as far as its fulfiller needs to know it; ``kind`` is a StockKind's value."""

    id: OrderLineId
    kind: str
    product_id: ProductId
    variant_id: VariantId
    quantity: int
    buyer: UserId
    """Who pays."""
    recipient: UserId
    """Who gets the goods."""


class DeliveryStatus(StrEnum):
    """How far a line is delivered."""

    DELIVERED = "delivered"
    PENDING = "pending"
    """The goods take their time; LineFulfilled or LineFailed says later how that ended."""


class LineFulfilled(Event, frozen=True, kw_only=True):
    """A line that was PENDING is delivered now: its items can be listed and opened."""

    line_id: OrderLineId


class LineFailed(Event, frozen=True, kw_only=True):
    """A line that was PENDING will not be delivered; ``reason`` is shown to the buyer, whose money goes back."""

    line_id: OrderLineId
    reason: str


class Item(msgspec.Struct, frozen=True):
    """A delivered thing that can be opened, such as a key; still encrypted."""

    id: ItemId
    line_id: OrderLineId


class Delivery(msgspec.Struct, frozen=True):
    """What became of a line; ``items`` are as Fulfiller.items would list them now."""

    status: DeliveryStatus
    items: tuple[Item, ...] = ()


class Fulfiller(Protocol):
    """Reserves, delivers and takes back one kind of goods, in the caller's transaction and without the network.

    Every method gets lines of its own kind only, in the order in which they may be locked (product, variant), and
    works on all of them together.
    """

    @property
    def kind(self) -> str:
        """The StockKind's value; no two fulfillers have the same."""
        ...

    @property
    def instant(self) -> bool:
        """Whether ``deliver`` never leaves a line PENDING."""
        ...

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Keep the goods of all lines until they are delivered or released. Raises SoldOut, naming the line.

        When it raises, the caller rolls back.
        """
        ...

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Return what is reserved for the lines; does nothing for lines that have nothing reserved."""
        ...

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Give the goods to the recipients: those ``reserved`` before, or what is free now.

        Raises ReservationGone, or SoldOut, naming the line; then the caller rolls back.
        """
        ...

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """For each line that has one: what was paid for it before, or why it can't be bought. It reserves nothing."""
        ...

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Take back ``quantity`` of a line that is refunded, as far as that is possible; the line is delivered.

        Or it is PENDING: then so many are no longer to be prepared.
        """
        ...

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """The things delivered for the lines, in the order of the lines; none of lines that are not delivered."""
        ...

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """Delivered things in plain text, in the order asked for. Raises NotFound, DecryptionError."""
        ...
