"""A second kind of goods: a number that is left of each variant, in tables of one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from backend.catalog.errors import ReservationGone, SoldOut
from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import (
    Delivery,
    DeliveryStatus,
    FulfilmentLine,
    Item,
    ItemId,
    LineFailed,
    LineFulfilled,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class FakeGoods:
    """Keeps what is left and what each line has in temporary tables, which roll back as real ones do."""

    kind = "fake"

    def __init__(self, *, slow: bool = False) -> None:
        self.slow = slow
        """Whether what was paid is delivered later only."""
        self.asked: list[tuple[str, list[VariantId]]] = []
        """Every call that locks, with its variants in their order."""
        self.answers: dict[VariantId, Money | AppError] = {}

    @property
    def instant(self) -> bool:
        """As the test wants."""
        return not self.slow

    async def create(self, tx: Tx) -> None:
        """Make the tables."""
        await tx.execute(text("CREATE TEMP TABLE fake_stock (variant_id uuid PRIMARY KEY, free int NOT NULL)"))
        await tx.execute(
            text("CREATE TEMP TABLE fake_lines (id uuid PRIMARY KEY, variant_id uuid, quantity int, state text)")
        )

    async def restock(self, tx: Tx, variant_id: VariantId, count: int) -> None:
        """Add to what is left."""
        add = "ON CONFLICT (variant_id) DO UPDATE SET free = fake_stock.free + excluded.free"
        await tx.execute(text(f"INSERT INTO fake_stock VALUES (:v, :n) {add}"), {"v": variant_id, "n": count})

    async def left(self, tx: Tx, variant_id: VariantId) -> int:
        """What is left."""
        rows = await tx.execute(text("SELECT free FROM fake_stock WHERE variant_id = :v"), {"v": variant_id})
        return int(rows.scalar_one_or_none() or 0)

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Take from what is left."""
        self.asked.append(("reserve", [line.variant_id for line in lines]))
        for line in lines:
            await self._take(tx, line, "reserved")

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Return what is reserved."""
        self.asked.append(("release", [line.variant_id for line in lines]))
        gone = text("DELETE FROM fake_lines WHERE id = :id AND state = 'reserved' RETURNING quantity")
        for line in lines:
            quantity = (await tx.execute(gone, {"id": line.id})).scalar_one_or_none()
            if quantity is not None:
                await self.restock(tx, line.variant_id, quantity)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """One item for each line."""
        self.asked.append(("deliver", [line.variant_id for line in lines]))
        state = "pending" if self.slow else "delivered"
        sell = text("UPDATE fake_lines SET state = :state WHERE id = :id AND state = 'reserved'")
        for line in lines:
            if not reserved:
                await self._take(tx, line, state)
            elif not (await tx.execute(sell, {"id": line.id, "state": state})).rowcount:
                raise ReservationGone()
        if self.slow:
            return {line.id: Delivery(DeliveryStatus.PENDING) for line in lines}
        return {line.id: Delivery(DeliveryStatus.DELIVERED, (Item(ItemId(line.id), line.id),)) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """What the test has put into ``answers``, by variant."""
        return {line.id: self.answers[line.variant_id] for line in lines if line.variant_id in self.answers}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Return ``quantity``."""
        await self.restock(tx, line.variant_id, quantity)

    async def fulfil(self, tx: Tx, line_id: OrderLineId) -> LineFulfilled:
        """Deliver a pending line; what is to be reported."""
        done = text("UPDATE fake_lines SET state = 'delivered' WHERE id = :id AND state = 'pending'")
        await tx.execute(done, {"id": line_id})
        return LineFulfilled(line_id=line_id)

    async def fail(self, tx: Tx, line_id: OrderLineId, reason: str) -> LineFailed:
        """Give a pending line up and return its goods; what is to be reported."""
        gone = text("DELETE FROM fake_lines WHERE id = :id AND state = 'pending' RETURNING variant_id, quantity")
        for row in await tx.execute(gone, {"id": line_id}):
            await self.restock(tx, VariantId(row.variant_id), row.quantity)
        return LineFailed(line_id=line_id, reason=reason)

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        return None

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        return None

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> Sequence[Item]:
        """What is delivered of the lines."""
        there = text("SELECT 1 FROM fake_lines WHERE id = :id AND state = 'delivered'")
        delivered = [line for line in lines if (await tx.execute(there, {"id": line.id})).one_or_none()]
        return [Item(ItemId(line.id), line.id) for line in delivered]

    async def open(self, tx: Tx, items: Sequence[ItemId]) -> Sequence[str]:
        """A text that names the item."""
        return [f"fake {item}" for item in items]

    async def _take(self, tx: Tx, line: FulfilmentLine, state: str) -> None:
        take = text("UPDATE fake_stock SET free = free - :n WHERE variant_id = :v AND free >= :n")
        if not (await tx.execute(take, {"v": line.variant_id, "n": line.quantity})).rowcount:
            raise SoldOut(line.id, available=await self.left(tx, line.variant_id))
        values = {"id": line.id, "v": line.variant_id, "n": line.quantity, "state": state}
        await tx.execute(text("INSERT INTO fake_lines VALUES (:id, :v, :n, :state)"), values)
