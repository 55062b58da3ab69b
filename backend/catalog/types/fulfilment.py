"""What a kind of goods must do to be sold: the port between orders and those who deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
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
    paid: Money | None = None
    """What is paid for the line, without what was refunded; None before it has a price."""


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
    """A delivered thing that can be opened, such as a key; still encrypted. A ``file`` has a name, and no text."""

    id: ItemId
    line_id: OrderLineId
    file: GoodsFile | None = None


class GoodsFile(msgspec.Struct, frozen=True):
    """The name of a delivered file, as its buyer saves it, and its size in bytes.

    ``left`` is how often it can still be downloaded, None for any number.
    """

    name: str
    size: int
    left: int | None = None


class SealedFile(msgspec.Struct, frozen=True):
    """Where a delivered file is stored among the private files, and the key and context that decrypt it."""

    stored: str
    key: bytes
    context: bytes


class Delivery(msgspec.Struct, frozen=True):
    """What became of a line; ``items`` are as Fulfiller.items would list them now.

    ``ready_by`` is when a PENDING line is delivered at the latest, where that was promised.
    """

    status: DeliveryStatus
    items: tuple[Item, ...] = ()
    ready_by: datetime | None = None


class Quotes(Protocol):
    """Says what goods would mean for somebody, before they buy them."""

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """For each line that has one: what was paid for it before, or why it can't be bought. It reserves nothing.

        The reason is a PurchaseRefused. Asked again before the money of a reserved order moves: a line that is
        reserved must not refuse itself.
        """
        ...


class Fulfiller(Quotes, Protocol):
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

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Take back ``quantity`` of a line that is refunded, as far as that is possible; the line is delivered.

        Or it is PENDING: then so many are no longer to be prepared. ``line.paid`` is what stays paid.
        """
        ...

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """Give another thing in place of a delivered one that doesn't work; None, and nothing is given, without one.

        From another batch where things come in batches. The caller discards what doesn't work.
        """
        ...

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Note that a delivered thing doesn't work: it is no longer one of the line's items, if others are."""
        ...

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """The things delivered for the lines, in the order of the lines; none of lines that are not delivered."""
        ...

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """Delivered things in plain text, in the order asked for; no files. Raises NotFound, DecryptionError."""
        ...


class WithoutItems:
    """What a Fulfiller does whose goods are no things that could be opened, such as access or credits."""

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """None: without items, none of them fails to work."""
        return None

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Nothing, as there are no items."""

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """None."""
        return ()

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """Nothing can be opened. Raises NotFound."""
        if items:
            raise NotFound("goods without items")
        return ()


@runtime_checkable
class DeliversFiles(Protocol):
    """What a fulfiller does besides, some of whose items are files."""

    async def find_file(self, tx: Tx, item: ItemId) -> SealedFile:
        """Where an item's file is, and what decrypts it. Raises NotFound, DecryptionError."""
        ...


@runtime_checkable
class CountsMoney(Protocol):
    """What a fulfiller does besides, for whose later sales it counts what was paid."""

    async def repay(self, tx: Tx, line: FulfilmentLine) -> None:
        """Note that money of a line went back and its goods did not; ``line.paid`` is what stays paid."""
        ...


class Unused(msgspec.Struct, frozen=True):
    """How much of what a line gave a refund would take back: ``left`` of ``given``, because the rest is used.

    ``taken`` is what earlier refunds took back.
    """

    left: int
    given: int
    taken: int = 0


@runtime_checkable
class CountsUnused(Protocol):
    """What a fulfiller does besides, whose goods are used up bit by bit."""

    async def count_unused(self, tx: Tx, line: FulfilmentLine, quantity: int) -> Unused | None:
        """What a refund of ``quantity`` of a delivered line would take back now; None where the line gave nothing."""
        ...
