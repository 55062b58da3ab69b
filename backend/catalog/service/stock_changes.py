"""Removing keys of a batch, moving them to another variant, and undoing either while they are unsold.

One transaction takes so many keys that no purchase notices; the rest follows in the background. See decisions/0124.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from backend.catalog.domain.levels import after_releasing, after_taking
from backend.catalog.repository import batches, stock, stock_imports, writes
from backend.catalog.repository import stock_changes as repository
from backend.catalog.repository.stock_changes import BatchOwner, ChosenKey, MovedKey
from backend.catalog.rules.fields import canonical_key
from backend.catalog.types import KeyState, ProductId, StockKeyId, VariantId
from backend.catalog.types.batches import BatchId
from backend.catalog.types.stock_changes import (
    BatchDetails,
    BatchKey,
    ChangeKind,
    ChangeState,
    RemovedKeys,
    StockChange,
    StockChangeId,
    StockChangeStarted,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, open_sealed, seal
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import DataKeyId, new_id

_AT_ONCE: Final = 5_000
_PURPOSE: Final = "stock"
_SHOWN: Final = 20
_PAGE: Final = 50
MOST_NAME: Final = 80


class StockChangesService:
    """Removes, moves and brings back keys; ``ring`` decrypts those that move."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def details(self, actor: Actor, batch_id: BatchId) -> BatchDetails:
        """One batch with its keys by state. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.get_details(tx, batch_id)

    async def changes(self, actor: Actor, batch_id: BatchId) -> list[StockChange]:
        """What was done with the keys of a batch, the latest first. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_of_batch(tx, batch_id, _SHOWN)

    async def removed(self, actor: Actor, before: StockChangeId | None = None, most: int = _PAGE) -> list[RemovedKeys]:
        """Removals that can be undone, the latest first: the stock's rows of the recycle bin. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_removed(tx, before, most)

    @retry_conflicts
    async def remove(self, actor: Actor, batch_id: BatchId, ids: Sequence[StockKeyId] | None = None) -> StockChange:
        """Take unsold keys of a batch out of the stock: all, or those among ``ids``. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        return await self._begin(actor, batch_id, ChangeKind.REMOVAL, None, ids)

    @retry_conflicts
    async def move(
        self, actor: Actor, batch_id: BatchId, variant_id: VariantId, ids: Sequence[StockKeyId] | None = None
    ) -> StockChange:
        """Give unsold keys of a batch to another variant: all, or those among ``ids``.

        A key that the variant has or had stays where it is. Raises Forbidden, NotFound, Invalid for a variant that has
        no keys of its own, or the same.
        """
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            owner = await repository.owner_of(tx, batch_id)
            fits = await stock_imports.list_targets(tx, only=variant_id, most=1)
        if not fits or owner.variant_id == variant_id:
            raise Invalid("keys can't move there", fields={"variant": "required"})
        return await self._begin(actor, batch_id, ChangeKind.MOVE, variant_id, ids)

    @retry_conflicts
    async def undo(self, actor: Actor, change_id: StockChangeId) -> StockChange:
        """Bring the keys of a removal or a move back, those that were not sold since. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            change = await repository.get(tx, change_id, lock=True)
            if change.state in (ChangeState.RUNNING, ChangeState.DONE):
                await repository.update_change(tx, change_id, state=ChangeState.UNDOING)
                action = f"stock.{change.kind}_undone"
                await audit.record(tx, actor.user_id, action, f"batch:{change.batch_id}", {"change": str(change_id)})
                tx.emit(StockChangeStarted(change_id=change_id))
        await self._step(change_id)
        return await self._get(change_id)

    async def run(self, change_id: StockChangeId) -> None:
        """Finish a change that one transaction could not."""
        while await self._step(change_id):
            pass

    async def keys(
        self,
        actor: Actor,
        batch_id: BatchId,
        states: Sequence[KeyState] | None = None,
        after: int = 0,
        most: int = _PAGE,
    ) -> list[BatchKey]:
        """Keys of a batch in the order of the stock, none in plain text. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_keys(tx, batch_id, states, after, most)

    @retry_conflicts
    async def describe(
        self,
        actor: Actor,
        batch_id: BatchId,
        *,
        name: str | None,
        source: str,
        unit_cost: int | None,
        expires_at: datetime | None,
    ) -> None:
        """Say something else of a batch; its unsold keys expire with it. Raises Forbidden, NotFound, Invalid.

        ``unit_cost`` is in minor units of the shop's currency.
        """
        actor.require(Permission.STOCK)
        if not source.strip() or len(source) > MOST_NAME or len(name or "") > MOST_NAME:
            raise Invalid(
                "a name of 80 characters", fields={"source": "required" if not source.strip() else "too_long"}
            )
        if unit_cost is not None and unit_cost < 0:
            raise Invalid("a cost is never negative", fields={"cost": "out_of_range"})
        async with self._uow() as tx:
            owner = await repository.owner_of(tx, batch_id, lock=True)
            before = await repository.get_details(tx, batch_id)
            await repository.describe(tx, batch_id, name, source, unit_cost)
            facts: dict[str, Any] = {"source": source, "cost": unit_cost, "cost_before": before.unit_cost}
            if before.expires_at != expires_at:
                await repository.set_expiry(tx, batch_id, expires_at)
                facts["expires_at"] = expires_at.isoformat() if expires_at else None
                await _came(tx, owner)
            await audit.record(tx, actor.user_id, "stock.batch_described", f"batch:{batch_id}", facts)

    async def _get(self, change_id: StockChangeId) -> StockChange:
        async with self._uow.read() as tx:
            return await repository.get(tx, change_id)

    async def _begin(
        self,
        actor: Actor,
        batch_id: BatchId,
        kind: ChangeKind,
        variant_id: VariantId | None,
        ids: Sequence[StockKeyId] | None,
    ) -> StockChange:
        change_id = StockChangeId(new_id())
        async with self._uow() as tx:
            await repository.owner_of(tx, batch_id, lock=True)
            target = None
            if variant_id is not None:
                key_id, _ = await self._ring.create(tx, _PURPOSE)
                target = await repository.copy_batch(tx, batch_id, variant_id, DataKeyId(key_id), actor.user_id)
            values = {"id": change_id, "kind": kind, "state": ChangeState.RUNNING, "batch_id": batch_id}
            await repository.add(tx, {**values, "target_batch_id": target, "made_by": actor.user_id})
            facts: dict[str, Any] = {"change": str(change_id), "keys": "all" if ids is None else len(ids)}
            if variant_id is not None:
                facts["variant"] = str(variant_id)
            await audit.record(tx, actor.user_id, f"stock.{kind}", f"batch:{batch_id}", facts)
            if ids is None:
                tx.emit(StockChangeStarted(change_id=change_id))
            else:  # chosen by hand, so few that they fit into this transaction
                change = await repository.get(tx, change_id, lock=True)
                await self._do(tx, change, ids)
                await repository.update_change(tx, change_id, state=ChangeState.DONE)
        if ids is None:
            await self._step(change_id)
        return await self._get(change_id)

    @retry_conflicts
    async def _step(self, change_id: StockChangeId) -> bool:
        """One transaction of a change; whether there is more to do."""
        async with self._uow() as tx:
            change = await repository.get(tx, change_id, lock=True)
            if change.state is ChangeState.RUNNING:
                more, ended = await self._do(tx, change, None), ChangeState.DONE
            elif change.state is ChangeState.UNDOING:
                more, ended = await self._undo(tx, change), ChangeState.UNDONE
            else:
                return False
            if not more:
                await repository.update_change(tx, change_id, state=ended)
        return more

    async def _do(self, tx: Tx, change: StockChange, ids: Sequence[StockKeyId] | None) -> bool:
        source = await repository.owner_of(tx, change.batch_id)
        if change.target_batch_id is None:
            chosen = await repository.choose(tx, change.batch_id, change.id, _AT_ONCE, ids)
            removed = await repository.remove(tx, change.id, [key.id for key in chosen])
            await repository.update_change(tx, change.id, keys=change.keys + removed)
            await _gone(tx, source)
            return len(chosen) == _AT_ONCE
        target = await repository.owner_of(tx, change.target_batch_id)
        await self._lock(tx, source, target)
        chosen = await repository.choose(tx, change.batch_id, change.id, _AT_ONCE, ids)
        moved, skipped = await self._move(tx, chosen, source, target, change.id)
        await repository.mark(tx, change.id, skipped)
        await repository.update_change(tx, change.id, keys=change.keys + moved, skipped=change.skipped + len(skipped))
        return len(chosen) == _AT_ONCE

    async def _undo(self, tx: Tx, change: StockChange) -> bool:
        source = await repository.owner_of(tx, change.batch_id)
        if change.target_batch_id is None:
            restored = await repository.restore(tx, change.id, _AT_ONCE)
            await repository.update_change(tx, change.id, restored=change.restored + restored)
            await _came(tx, source)
            return restored == _AT_ONCE
        target = await repository.owner_of(tx, change.target_batch_id)
        await self._lock(tx, source, target)
        chosen = await repository.choose_moved(tx, change.target_batch_id, change.id, _AT_ONCE)
        moved, skipped = await self._move(tx, chosen, target, source, None)
        await repository.mark(tx, None, skipped)
        await repository.update_change(tx, change.id, restored=change.restored + moved)
        return len(chosen) == _AT_ONCE

    async def _lock(self, tx: Tx, *owners: BatchOwner) -> None:
        """Take the lock of all that write fingerprints, then the products in their order."""
        await writes.lock_imports(tx, "stock")
        await stock.lock_products(tx, sorted({owner.product_id for owner in owners}))

    async def _move(
        self,
        tx: Tx,
        chosen: Sequence[ChosenKey],
        source: BatchOwner,
        target: BatchOwner,
        change_id: StockChangeId | None,
    ) -> tuple[int, list[StockKeyId]]:
        """Move locked keys, except those that the target has or had: how many, and which ones stay."""
        old_key = await self._ring.get(tx, source.data_key_id)
        new_key = await self._ring.get(tx, target.data_key_id)
        moved: dict[bytes, MovedKey] = {}
        skipped: list[StockKeyId] = []
        for key in chosen:
            plain = open_sealed(old_key, key.ciphertext, key.id.bytes)
            mark = self._ring.fingerprint(canonical_key(plain.decode()).encode(), target.variant_id.bytes)
            moved[mark] = MovedKey(key.id, seal(new_key, plain, key.id.bytes), mark)
        known = await stock_imports.list_known(tx, [target.variant_id] * len(moved), list(moved))
        for variant_id, mark in known:
            assert variant_id == target.variant_id
            skipped.append(moved.pop(mark).id)
        count = await repository.move(tx, target.id, change_id, list(moved.values()))
        await _gone(tx, source)
        await _came(tx, target)
        return count, skipped


async def _gone(tx: Tx, owner: BatchOwner) -> None:
    level = await stock.get_level(tx, owner.variant_id)
    await after_taking(tx, owner.variant_id, level, level.available)


async def _came(tx: Tx, owner: BatchOwner) -> None:
    await writes.mark_restocked(tx, [owner.variant_id])
    await after_releasing(tx, ProductId(owner.product_id))
    if await batches.is_stopped(tx, owner.id):  # what came is stopped too, and may be all that there is
        await _gone(tx, owner)
