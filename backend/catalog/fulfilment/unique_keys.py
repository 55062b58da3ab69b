"""Unique keys: each is sold once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.domain.opening import open_all
from backend.catalog.domain.waiting import end_wait
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import batches, stock
from backend.catalog.repository.stock import Taken
from backend.catalog.types import KeyState, StockKeyId, StockKind, VariantId
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
        await _take(tx, lines, KeyState.RESERVED)

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
            keys = await _take(tx, lines, KeyState.SOLD)
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

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """Sell the line a key of another batch than the one that doesn't work; None where no other has one."""
        key_id = await batches.take_elsewhere(tx, line.variant_id, StockKeyId(item), line.id)
        if key_id is None:
            return None
        level = await stock.get_level(tx, line.variant_id)
        await after_taking(tx, line.variant_id, level, level.available)
        return Item(ItemId(key_id), line.id)

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Mark the key as faulty, which counts against its batch."""
        await batches.mark_faulty(tx, StockKeyId(item), line.id)

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """The keys sold to the lines, in the order of the lines and of the stock."""
        taken = await stock.list_taken(tx, [line.id for line in lines])
        return [Item(ItemId(key), line_id) for line_id, key in taken]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """Sold keys in plain text, in the order asked for. Raises NotFound, DecryptionError."""
        keys = [StockKeyId(item) for item in items]
        sealed = await stock.list_sealed(tx, keys)
        return await open_all(tx, self._ring, keys, sealed)


async def _take(tx: Tx, lines: Sequence[FulfilmentLine], state: KeyState) -> dict[OrderLineId, list[StockKeyId]]:
    """Move keys to ``state`` for the lines. Raises SoldOut; then some may be moved, and the caller rolls back."""
    if any(line.quantity < 1 for line in lines):
        raise ValueError("a quantity is at least 1")
    keys: dict[OrderLineId, list[StockKeyId]] = {}
    while rest := [line for line in lines if line.id not in keys]:
        some = {line.variant_id: line for line in rest}  # one line of each variant, nearly always all lines
        taken, held = await _take_once(tx, list(some.values()), state)
        for variant_id, line in some.items():
            row = taken[variant_id]
            left = row.seen - line.quantity
            if variant_id in held:
                await after_releasing(tx, row.product_id)  # what they did not need of what was held for them
                left = await stock.count_available(tx, variant_id, row.low_stock_at + 1)
            await after_taking(tx, variant_id, row, left)
            keys[line.id] = [StockKeyId(key_id) for key_id in row.ids or ()]
    return keys


async def _take_once(
    tx: Tx, lines: Sequence[FulfilmentLine], state: KeyState
) -> tuple[dict[VariantId, Taken], set[VariantId]]:
    """Move keys for lines of different variants; of which variants some were held for the buyer. Raises SoldOut.

    Who buys ends their wait: what is held for them is free for this purchase, and needed where the rest is too little.
    """
    taken = await stock.take(tx, lines, state)
    held = set()
    for line in lines:
        row = taken.get(line.variant_id)
        ended = await end_wait(tx, line.variant_id, line.buyer) if row and row.waits else None
        if ended and ended.quantity:
            held.add(line.variant_id)
    if held and any(taken[line.variant_id].ids is None for line in lines if line.variant_id in taken):
        taken = await stock.take(tx, lines, state)
    for line in lines:
        row = taken.get(line.variant_id)
        if row is None or row.available < line.quantity:
            raise SoldOut(line.id, available=row.available if row else 0)
    return taken, held
