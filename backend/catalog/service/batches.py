"""Batches of keys: how many of each did not work, and stopping one. See decisions/0062."""

from __future__ import annotations

from typing import Final

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.repository import batches, stock
from backend.catalog.types import KeyState
from backend.catalog.types.batches import BatchId, BatchQuality, BatchSwitched
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.paging import Page, decode_cursor, encode_cursor

_PAGE: Final = 20
_AT_ONCE: Final = 5_000
"""How many keys one transaction moves: a purchase never waits for more."""


class BatchesService:
    """Shows admins the quality of batches, and stops those that sell bad keys."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_batches(self, actor: Actor, cursor: str | None = None) -> Page[BatchQuality]:
        """Batches of unique keys, the latest first. Raises Forbidden, Invalid for a cursor that is none."""
        actor.require(Permission.STOCK)
        after = decode_cursor(cursor, BatchId) if cursor else None
        async with self._uow.read() as tx:
            rows = await batches.list_batches(tx, after=after, most=_PAGE + 1)
        more = len(rows) > _PAGE
        rows = rows[:_PAGE]
        return Page(rows, encode_cursor(rows[-1].id) if more else None)

    async def batch(self, actor: Actor, batch_id: BatchId, *, empty: bool = False) -> BatchQuality:
        """One batch of unique keys; with ``empty`` also one whose keys have all moved. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            rows = await batches.list_batches(tx, only=batch_id, empty=empty)
        if not rows:
            raise NotFound("no such batch")
        return rows[0]

    async def stop(self, actor: Actor, batch_id: BatchId) -> None:
        """Sell nothing more of a batch; what is reserved or sold stays so. Raises Forbidden, NotFound."""
        await self._switch(actor, batch_id, stopped=True)

    async def resume(self, actor: Actor, batch_id: BatchId) -> None:
        """Sell a stopped batch again. Raises Forbidden, NotFound."""
        await self._switch(actor, batch_id, stopped=False)

    async def move_keys(self, batch_id: BatchId) -> int:
        """Let a batch's unsold keys follow it; returns how many were moved."""
        moved = 0
        while True:
            async with self._uow() as tx:
                stopped = await batches.is_stopped(tx, batch_id)
                states = (KeyState.AVAILABLE, KeyState.STOPPED)
                before, after = states if stopped else states[::-1]
                count = await batches.move_unsold(tx, batch_id, before, after, _AT_ONCE)
                moved += count
                if count:
                    variant_id = await batches.get_variant_id(tx, batch_id)
                    level = await stock.get_level(tx, variant_id)
                    if stopped:
                        await after_taking(tx, variant_id, level, level.available)
                    else:
                        await after_releasing(tx, level.product_id)
            if count < _AT_ONCE:
                return moved

    async def settle_stopped(self) -> None:
        """Stop keys that came back to a stopped batch while it was being stopped."""
        async with self._uow.read() as tx:
            left = await batches.list_half_stopped(tx)
        for batch_id in left:
            await self.move_keys(batch_id)

    async def _switch(self, actor: Actor, batch_id: BatchId, *, stopped: bool) -> None:
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            if await batches.set_stopped(tx, batch_id, stopped=stopped):
                action = "catalog.batch_stopped" if stopped else "catalog.batch_resumed"
                await audit.record(tx, actor.user_id, action, f"batch:{batch_id}", {})
                tx.emit(BatchSwitched(batch_id=batch_id))
