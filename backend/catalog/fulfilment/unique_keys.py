"""Unique keys: each is sold once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.domain.opening import open_all
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import stock
from backend.catalog.types import KeyState, StockKeyId, StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, Item, ItemId
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class UniqueKeys:
    """Sells each key of a variant once, oldest first; ``ring`` decrypts them.

    Keys that another purchase has locked at this moment are skipped, never waited for. See decisions/0033.
    """

    kind = StockKind.UNIQUE_KEYS.value
    instant = True

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Reserve the keys of all lines. Raises SoldOut."""
        for line in lines:
            await _take(tx, line, KeyState.RESERVED)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Release the keys reserved for the lines. Sold ones stay sold."""
        for product_id in await stock.release_reserved(tx, [line.id for line in lines]):
            await after_releasing(tx, product_id)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Sell the keys reserved for the lines, or free ones. Raises ReservationGone, SoldOut."""
        if reserved:
            keys = await stock.sell_reserved(tx, [line.id for line in lines])
            if any(len(keys[line.id]) != line.quantity for line in lines):
                raise ReservationGone()
        else:
            keys = {line.id: await _take(tx, line, KeyState.SOLD) for line in lines}
        return {
            line_id: Delivery(DeliveryStatus.DELIVERED, tuple(Item(ItemId(key), line_id) for key in sold))
            for line_id, sold in keys.items()
        }

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """Nothing: anybody may have any number of keys, and one is no part of another."""
        return {}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Leave the keys sold: their buyer may have seen them, so nobody else gets them."""

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """The keys sold to the lines, in the order of the lines and of the stock."""
        taken = await stock.list_taken(tx, [line.id for line in lines])
        return [Item(ItemId(key), line_id) for line_id, key in taken]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """Sold keys in plain text, in the order asked for. Raises NotFound, DecryptionError."""
        keys = [StockKeyId(item) for item in items]
        sealed = await stock.list_sealed(tx, keys)
        return await open_all(tx, self._ring, keys, sealed)


async def _take(tx: Tx, line: FulfilmentLine, state: KeyState) -> list[StockKeyId]:
    """Move keys to ``state`` for the line. Raises SoldOut, and then moves none."""
    if line.quantity < 1:
        raise ValueError("a quantity is at least 1")
    row = await stock.take(tx, line.variant_id, line.quantity, line.id, state)
    if row is None or row.ids is None:
        raise SoldOut(line.id, available=row.found if row else 0)
    left = row.seen - line.quantity
    await after_taking(tx, line.variant_id, row, left)
    return [StockKeyId(key_id) for key_id in row.ids]
