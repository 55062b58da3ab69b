"""Files as goods: every buyer downloads the variant's file, a number of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain import goods_files, places
from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.repository import goods_files as repository
from backend.catalog.types import StockKind
from backend.catalog.types.files import FileSold
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, Item, ItemId, SealedFile
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class Files:
    """Gives every buyer of a variant its file; ``ring`` decrypts it.

    A line is one item, whatever its quantity, which counts against the number of copies. See decisions/0119.
    """

    kind = StockKind.FILE.value
    instant = True

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Take the lines' copies from the numbers. Raises SoldOut."""
        for line in lines:
            await _take(tx, line)
            await repository.add_line(tx, line.id, line.variant_id, line.quantity)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Return what is reserved for the lines, once. Sold ones stay sold."""
        for line in lines:
            for _ in range(await repository.release(tx, line.id)):
                await places.put_back(tx, line.product_id, line.variant_id)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Sell what is reserved for the lines, or what is free. Raises ReservationGone, SoldOut."""
        if not reserved:
            await self.reserve(tx, lines)
        sold = await repository.sell_reserved(tx, [line.id for line in lines])
        if any(sold.get(line.id) != line.quantity for line in lines):
            raise ReservationGone()
        for line in lines:
            await places.note_sale(tx, line.variant_id, line.id)
            tx.emit(FileSold(line_id=line.id))
        items = {item.line_id: item for item in await self.items(tx, lines)}
        return {line.id: Delivery(DeliveryStatus.DELIVERED, (items[line.id],)) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """Nothing: who has the file may buy it again, as for a friend."""
        return {}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """End the access of a line that is refunded; its copy is not sold again, as its buyer may have it."""
        await repository.revoke(tx, line.id, quantity)

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """None: a newer version reaches its buyers without being given."""
        return None

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Leave the file as it is: many others have the same."""

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """One item for each sold line that was not refunded, in the order of the lines."""
        sold = await repository.list_sold(tx, [line.id for line in lines])
        return [Item(ItemId(line.id), line.id, sold[line.id]) for line in lines if line.id in sold]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """No file is a text. Raises NotFound."""
        if items:
            raise NotFound("a file has no text")
        return ()

    async def find_file(self, tx: Tx, item: ItemId) -> SealedFile:
        """Where the file of a line is. Raises NotFound, also before its copy is made, DecryptionError."""
        return await goods_files.find_file(tx, self._ring, OrderLineId(item))


async def _take(tx: Tx, line: FulfilmentLine) -> None:
    """Take the line's copies from the number. Raises SoldOut; then some may be taken, and the caller rolls back."""
    if line.quantity < 1:
        raise ValueError("a quantity is at least 1")
    for taken in range(line.quantity):
        try:
            await places.take(tx, line.product_id, line.variant_id, line.id, line.buyer)
        except SoldOut:
            raise SoldOut(line.id, available=taken) from None
