"""Sets the shared keys of variants from a stock file, inside the transaction of its import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import msgspec

from backend.catalog.domain.levels import after_releasing
from backend.catalog.repository import shared_keys, stock, writes
from backend.catalog.repository.shared_keys import Current
from backend.catalog.repository.writes import VariantRef
from backend.catalog.rules.fields import canonical_key
from backend.catalog.rules.rows import StockRow
from backend.catalog.types import KeyState, StockKeyId
from backend.catalog.types.imports import Action, Problem, ProblemCode, SharedChange
from backend.infra.crypto import KeyRing, seal
from backend.infra.unit_of_work import Tx


class Batch(msgspec.Struct, frozen=True):
    """A stored batch, and the data key that encrypts its keys."""

    id: UUID
    key: bytes


class SharedImport:
    """Collects the rows of shared keys, then sets them; ``new_batch`` stores a batch of a variant."""

    def __init__(self, ring: KeyRing, new_batch: Callable[[Tx, UUID], Awaitable[Batch]]) -> None:
        self._ring = ring
        self._new_batch = new_batch
        self._rows: dict[UUID, tuple[VariantRef, StockRow]] = {}
        self.problems: list[Problem] = []
        self.changes: list[SharedChange] = []

    def add(self, variant: VariantRef, row: StockRow) -> None:
        """Take a row: one for each variant, with a count."""
        if row.count is None:
            self.problems.append(Problem(row.line, ProblemCode.REQUIRED, "count"))
        elif self._rows.setdefault(variant.id, (variant, row))[1] is not row:
            first = self._rows[variant.id][1].line
            self.problems.append(Problem(row.line, ProblemCode.DUPLICATE, "variant", f"{row.variant} (line {first})"))

    async def run(self, tx: Tx) -> None:
        """Set the key and the number of each variant, in the order in which purchases lock them."""
        for variant, row in sorted(self._rows.values(), key=lambda pair: (pair[0].product_id, pair[0].id)):
            await self._set(tx, variant, row)

    async def _set(self, tx: Tx, variant: VariantRef, row: StockRow) -> None:
        assert row.count is not None
        current = await shared_keys.lock_current(tx, variant.id)
        reserved = await shared_keys.count_reserved(tx, variant.id)
        number = row.count.number
        if number is not None and number < reserved:
            # An unpaid order keeps what it has reserved, so the key would be sold more often than this.
            self.problems.append(Problem(row.line, ProblemCode.BELOW_RESERVED, "count", f"{number} < {reserved}"))
            return
        key_id = await self._key(tx, variant, row)
        if key_id is None:
            self.problems.append(Problem(row.line, ProblemCode.KEY_TAKEN, "key"))
            return
        before = None if current is None or current.remaining is None else current.remaining + reserved
        change = SharedChange(
            variant=row.variant,
            action=_action(current, key_id, before, number),
            replaced=current is not None and current.key_id != key_id,
            before=before if current is not None else 0,
            after=number,
        )
        self.changes.append(change)
        if change.action is Action.UNCHANGED:
            return
        left = None if number is None else number - reserved
        await shared_keys.set_current(tx, variant.id, key_id, left)
        await writes.mark_restocked(tx, [variant.id])
        await after_releasing(tx, variant.product_id)
        if left == 0:
            await stock.settle_in_stock(tx, [variant.product_id])

    async def _key(self, tx: Tx, variant: VariantRef, row: StockRow) -> StockKeyId | None:
        """The stored key of the row, new or known; None when it belongs to somebody as a unique key."""
        mark = self._ring.fingerprint(canonical_key(row.key).encode(), variant.id.bytes)
        known = await shared_keys.find_key(tx, variant.id, mark)
        if known is not None:
            shared = known.state is KeyState.SHARED or await shared_keys.share_key(tx, known.id)
            return known.id if shared else None
        batch = await self._new_batch(tx, variant.id)
        key_id = StockKeyId(tx.new_id())
        sealed = seal(batch.key, row.key.encode(), key_id.bytes)
        await shared_keys.add_key(tx, key_id, variant.id, batch.id, sealed, mark)
        return key_id


def _action(current: Current | None, key_id: StockKeyId, before: int | None, number: int | None) -> Action:
    if current is None:
        return Action.CREATE
    return Action.UNCHANGED if current.key_id == key_id and before == number else Action.UPDATE


def count_changed(changes: Iterable[SharedChange]) -> int:
    """How many shared keys a file sets or changes."""
    return sum(change.action is not Action.UNCHANGED for change in changes)
