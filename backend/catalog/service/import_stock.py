"""Adds keys from a file to the stock: encrypted, without duplicates, all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.domain.levels import after_releasing
from backend.catalog.repository import writes
from backend.catalog.repository.writes import VariantRef
from backend.catalog.rules.fields import canonical_key
from backend.catalog.rules.rows import StockRow, shown
from backend.catalog.service.import_shared import Batch, SharedImport, count_changed
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.imports import Problem, ProblemCode, StockChange, StockReport
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import DataKeyId, UserId
from backend.kernel.money import Money

_CHUNK: Final = 5000
_PURPOSE: Final = "stock"


class NotApplied(Exception):
    """Rolls the transaction back: a dry run, or a bad row."""


class _Target(msgspec.Struct):
    """A variant that the file fills."""

    ref: VariantRef
    batch: Batch | None = None
    added: int = 0
    duplicates: int = 0


class StockImport:
    """One run over one file. A dry run does the same and rolls back, so its report is what would happen."""

    def __init__(
        self,
        uow: UnitOfWork,
        ring: KeyRing,
        currency: str,
        by: UserId | None,
        source: str,
        unit_cost: Money | None,
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._currency = currency
        self._by = by
        self._source = source
        self._unit_cost = unit_cost.amount if unit_cost else None
        self._targets: dict[str, _Target | None] = {}
        self._problems: list[Problem] = []
        self._shared = SharedImport(ring, self._new_batch)
        self._rows = 0

    async def run(
        self, rows: Iterable[StockRow | Problem], *, apply: bool, progress: Callable[[int], None] | None
    ) -> StockReport:
        """Import every row; the report says what was, or would be, added."""
        try:
            async with self._uow() as tx:
                await writes.lock_imports(tx, "stock")
                await self._take_in(tx, rows, progress)
                await self._shared.run(tx)
                self._problems += self._shared.problems
                if not apply or self._problems:
                    raise NotApplied
                await self._finish(tx)
            applied = True
        except NotApplied:
            applied = False
        filled = self._filled()
        return StockReport(
            applied=applied,
            rows=self._rows,
            added=sum(item.added for item in filled.values()),
            duplicates=sum(item.duplicates for item in filled.values()),
            variants=[StockChange(ref, item.added, item.duplicates) for ref, item in filled.items()],
            shared=sorted(self._shared.changes, key=lambda item: item.variant),
            problems=sorted(self._problems, key=lambda item: item.line),
        )

    async def _take_in(
        self, tx: Tx, rows: Iterable[StockRow | Problem], progress: Callable[[int], None] | None
    ) -> None:
        chunk: list[tuple[_Target, str]] = []
        for row in rows:
            self._rows += 1
            if isinstance(row, Problem):
                self._problems.append(row)
                continue
            target = await self._target(tx, row.variant)
            if target is None:
                self._problems.append(Problem(row.line, ProblemCode.UNKNOWN_VARIANT, "variant", shown(row.variant)))
                continue
            if target.ref.kind == StockKind.SHARED_KEY:
                self._shared.add(target.ref, row)
                continue
            if row.count is not None:
                self._problems.append(Problem(row.line, ProblemCode.NOT_SHARED, "count", shown(row.variant)))
                continue
            chunk.append((target, row.key))
            if len(chunk) == _CHUNK:
                await self._store(tx, chunk)
                chunk = []
                if progress:
                    progress(self._rows)
        if chunk:
            await self._store(tx, chunk)
        if progress:
            progress(self._rows)

    async def _target(self, tx: Tx, ref: str) -> _Target | None:
        if ref not in self._targets:
            slug, _, code = ref.partition("/")
            row = await writes.find_variant(tx, slug, code) if code and "\0" not in ref else None
            self._targets[ref] = _Target(row) if row else None
        return self._targets[ref]

    async def _store(self, tx: Tx, chunk: list[tuple[_Target, str]]) -> None:
        fresh: dict[tuple[UUID, bytes], tuple[_Target, bytes]] = {}
        for target, text in chunk:
            plain = text.encode()
            same = canonical_key(text).encode()
            variant_id = target.ref.id
            mark: tuple[UUID, bytes] = (variant_id, self._ring.fingerprint(same, variant_id.bytes))
            if mark in fresh:
                target.duplicates += 1
            else:
                fresh[mark] = (target, plain)
        known = await writes.list_known_keys(tx, [mark[0] for mark in fresh], [mark[1] for mark in fresh])
        sealed = []
        for mark, (target, plain) in fresh.items():
            if mark in known:
                target.duplicates += 1
                continue
            target.added += 1
            if self._problems:
                continue  # nothing of this file will be written; the rest is only checked
            if target.batch is None:
                target.batch = await self._new_batch(tx, target.ref.id)
            key_id = tx.new_id()
            sealed.append(
                (key_id, target.ref.id, target.batch.id, seal(target.batch.key, plain, key_id.bytes), mark[1])
            )
        if sealed:
            await writes.add_keys(tx, sealed)

    async def _new_batch(self, tx: Tx, variant_id: UUID) -> Batch:
        data_key_id, key = await self._ring.create(tx, _PURPOSE)
        batch_id = await writes.add_batch(
            tx, VariantId(variant_id), DataKeyId(data_key_id), self._source, self._unit_cost, self._currency, self._by
        )
        return Batch(batch_id, key)

    def _filled(self) -> dict[str, _Target]:
        """The variants whose rows are unique keys, by reference."""
        targets = ((ref, item) for ref, item in self._targets.items() if item is not None)
        return {ref: item for ref, item in targets if item.ref.kind != StockKind.SHARED_KEY}

    async def _finish(self, tx: Tx) -> None:
        filled = [item for item in self._filled().values() if item.added]
        shared = count_changed(self._shared.changes)
        if not filled and not shared:
            return
        await writes.mark_restocked(tx, sorted({item.ref.id for item in filled}))
        for product_id in sorted({item.ref.product_id for item in filled}):
            await after_releasing(tx, product_id)
        added = sum(item.added for item in filled)
        details = {"source": self._source, "added": added, "variants": len(filled), "shared": shared}
        await audit.record(tx, self._by, "stock.import", f"file:{self._source}", details)
