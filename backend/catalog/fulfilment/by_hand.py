"""Goods by hand: an admin prepares each line after it is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import hand_work
from backend.catalog.repository.hand_work import Result
from backend.catalog.types import ProductId, StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, Item, ItemId, SealedFile
from backend.catalog.types.hand_work import WORK_TOPIC, HandWorkOpened
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class _Level(msgspec.Struct, frozen=True):
    """Nobody is told of few places: they return by themselves."""

    product_id: ProductId
    low_stock_at: int = 0
    low_stock_told: bool = True


class ByHand:
    """Puts each paid line into the queue of the admins; ``ring`` decrypts what they have prepared.

    A line is one item, whatever its quantity. Where a variant has a number of places, each of what is reserved or in
    preparation takes one until it is delivered, refused or refunded. See decisions/0051.
    """

    kind = StockKind.BY_HAND.value
    instant = False

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Take a place for each of the lines. Raises SoldOut."""
        for line in lines:
            if line.quantity < 1:
                raise ValueError("a quantity is at least 1")
            places = await hand_work.lock_places(tx, line.variant_id)
            left = places.left
            if left is not None and left < line.quantity:
                raise SoldOut(line.id, available=left)
            await hand_work.add_item(tx, line)
            await after_taking(
                tx, line.variant_id, _Level(places.product_id), None if left is None else left - line.quantity
            )

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Free the places of lines that were not paid."""
        for line in lines:
            product_id = await hand_work.release(tx, line.id)
            if product_id is not None:
                await after_releasing(tx, product_id)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Put the lines into the queue; the promised time begins. Raises ReservationGone, SoldOut."""
        if not reserved:
            await self.reserve(tx, lines)
        opened = await hand_work.open_items(tx, [line.id for line in lines])
        deliveries = {}
        for line in lines:
            quantity, due_at = opened.get(line.id, (0, None))
            if quantity != line.quantity:
                raise ReservationGone()
            deliveries[line.id] = Delivery(DeliveryStatus.PENDING, ready_by=due_at)
            tx.emit(HandWorkOpened(line_id=line.id))
        tx.signal(WORK_TOPIC)
        return deliveries

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """Nothing: anybody may have any number prepared."""
        return {}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Have so many fewer prepared; what was delivered stays with its buyer, who has seen it."""
        if await hand_work.revoke(tx, line.id, quantity):
            await after_releasing(tx, line.product_id)
            tx.signal(WORK_TOPIC)

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """None: what an admin has prepared has nothing like it in stock."""
        return None

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Leave the work as it was delivered."""

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """One item for each delivered line, in the order of the lines."""
        delivered = await hand_work.list_delivered(tx, [line.id for line in lines])
        return [Item(ItemId(line.id), line.id, delivered[line.id]) for line in lines if line.id in delivered]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """The texts of delivered lines. Raises NotFound, also for a file, DecryptionError."""
        results = await hand_work.list_results(tx, items)
        texts = []
        for item in items:
            result = results.get(item)
            if result is None or result.ciphertext is None:
                raise NotFound("no such delivered text")
            texts.append(open_sealed(await self._key(tx, result), result.ciphertext, item.bytes).decode())
        return texts

    async def find_file(self, tx: Tx, item: ItemId) -> SealedFile:
        """Where the file of a delivered line is. Raises NotFound, also for a text, DecryptionError."""
        result = (await hand_work.list_results(tx, [item])).get(item)
        if result is None or result.file is None:
            raise NotFound("no such delivered file")
        return SealedFile(result.file, await self._key(tx, result), item.bytes)

    async def _key(self, tx: Tx, result: Result) -> bytes:
        return await self._ring.get(tx, result.data_key_id)
