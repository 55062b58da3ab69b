"""A shared key: one key that every buyer gets, a number of times or without a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.domain.opening import open_all
from backend.catalog.domain.waiting import take_of_number
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import shared_keys
from backend.catalog.types import StockKeyId, StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, Item, ItemId
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class SharedKeys:
    """Gives every buyer of a variant its key of that moment; ``ring`` decrypts it.

    A line is one item, whatever its quantity: the quantity counts against the number, and the key is the same. See
    decisions/0070.
    """

    kind = StockKind.SHARED_KEY.value
    instant = True

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Take the lines' quantities from the numbers. Raises SoldOut."""
        for line in lines:
            await _take(tx, line)
            await shared_keys.add_line(tx, line.id, line.variant_id, line.quantity, None)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Return what is reserved for the lines, once. Sold ones stay sold."""
        for line in lines:
            product_id = await shared_keys.release(tx, line.id)
            if product_id is not None:
                await after_releasing(tx, product_id)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Sell what is reserved for the lines, or what is free. Raises ReservationGone, SoldOut."""
        if reserved:
            sold = await shared_keys.sell_reserved(tx, [line.id for line in lines])
            if any(sold.get(line.id) != line.quantity for line in lines):
                raise ReservationGone()
        else:
            for line in lines:
                key_id = await _take(tx, line)
                await shared_keys.add_line(tx, line.id, line.variant_id, line.quantity, key_id)
        return {line.id: Delivery(DeliveryStatus.DELIVERED, (_item(line.id),)) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """Nothing: who has the key may buy it again, as for a friend."""
        return {}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Leave the number as it is: delivery sends the key, so its buyer knows it and keeps knowing it."""

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """Give the line the key that the variant has now; None where that is the one it has."""
        return _item(line.id) if await shared_keys.renew(tx, line.id) else None

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Leave the key as it is: a line has one, and many others have the same."""

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """One item for each sold line, in the order of the lines."""
        sold = await shared_keys.list_sold(tx, [line.id for line in lines])
        return [_item(line.id) for line in lines if line.id in sold]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """The key of each sold line as it was when it was sold. Raises NotFound, DecryptionError."""
        return await open_all(tx, self._ring, items, await shared_keys.list_sealed(tx, items))


def _item(line_id: OrderLineId) -> Item:
    return Item(ItemId(line_id), line_id)


async def _take(tx: Tx, line: FulfilmentLine) -> StockKeyId:
    """Take the line's quantity from the number; the key of this moment. Raises SoldOut, and then takes nothing."""
    if line.quantity < 1:
        raise ValueError("a quantity is at least 1")
    taken, held = await take_of_number(
        tx, line.variant_id, line.buyer, lambda: shared_keys.take(tx, line.variant_id, line.quantity, line.buyer)
    )
    if taken is None:
        left = await shared_keys.count_remaining(tx, line.variant_id)
        raise SoldOut(line.id, available=min(left, line.quantity - 1))  # more may have returned since
    if held:
        await after_releasing(tx, taken.product_id)  # what they did not need of what was held for them
    await after_taking(tx, line.variant_id, taken, taken.left)
    return taken.key_id
