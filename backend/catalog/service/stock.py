"""Stock levels: how many variants are low, and marks that simultaneous sales left out of date."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from backend.catalog.domain.levels import after_taking
from backend.catalog.repository import low_stock, stock
from backend.catalog.types import StockLow, StockSubject
from backend.catalog.types.low_stock import SALES_DAYS, ExpiringBatch, LowStock
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork

_SWEEP_BATCH: Final = 500
_EXPIRE_BATCH: Final = 5_000
_MOST_LOW: Final = 100
_SOON: Final = timedelta(days=14)
_FIRST_ID: Final = UUID(int=0)


class StockService:
    """Counts low stock and keeps the products' stock marks correct."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def count_low(self, actor: Actor) -> int:
        """How many listed variants that had stock are at their threshold or under it. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await stock.count_low(tx)

    async def find_low(self, actor: Actor) -> StockSubject | None:
        """Of these the one that sells best, with what is left; None where none is low. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            variant_id = await stock.find_low(tx)
            return None if variant_id is None else await stock.find_subject(tx, variant_id)

    async def low(self, actor: Actor) -> tuple[list[LowStock], list[ExpiringBatch]]:
        """Variants that run low, the emptiest first, and batches whose keys expire soon. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            rows = await low_stock.list_low(tx, tx.now - timedelta(days=SALES_DAYS), _MOST_LOW)
            expiring = await low_stock.list_expiring(tx, tx.now + _SOON, _MOST_LOW)
        return rows, expiring

    async def expire(self) -> int:
        """Take keys whose time has ended out of the stock, and tell what follows; how many.

        They are not sold from that moment on anyway: this only keeps the way to the next key short.
        """
        expired = 0
        while True:
            async with self._uow() as tx:
                variants = await stock.expire(tx, _EXPIRE_BATCH)
                for variant_id in sorted(set(variants)):
                    level = await stock.get_level(tx, variant_id)
                    await after_taking(tx, variant_id, level, level.available)
            expired += len(variants)
            if len(variants) < _EXPIRE_BATCH:
                return expired

    async def settle_stock(self) -> int:
        """Clear ``in_stock`` and send alerts that simultaneous sales missed; returns how many products it cleared.

        Simultaneous purchases don't see each other, so nobody may notice the last key or the low threshold.
        """
        settled, after = 0, _FIRST_ID
        while True:
            async with self._uow() as tx:
                ids = await stock.list_marked(tx, after, _SWEEP_BATCH)
                if not ids:
                    return settled
                for low in await stock.list_untold_low(tx, ids):
                    if await stock.mark_low_stock(tx, low.id):
                        tx.emit(StockLow(variant_id=low.id, product_id=low.product_id, left=low.available))
                empty = await stock.list_empty(tx, ids)
                if empty:
                    settled += await stock.settle_in_stock(tx, empty)
            after = ids[-1]
