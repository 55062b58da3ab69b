"""The background half of an import by screen: the dry run, and adding keys in chunks that each stand for themselves.

Every chunk is one transaction with the checkpoint behind it, so a process that is killed costs one chunk of work and
no key. See decisions/0122.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final
from uuid import UUID

import msgspec

from backend.catalog.domain.levels import after_releasing
from backend.catalog.errors import ImportUnderWay
from backend.catalog.repository import stock_imports as repository
from backend.catalog.repository import writes
from backend.catalog.repository.stock_imports import KnownKey, NewKey
from backend.catalog.repository.writes import VariantRef
from backend.catalog.rules.fields import canonical_key
from backend.catalog.rules.files import Format
from backend.catalog.rules.rows import StockRow
from backend.catalog.rules.stock_files import Seen, stock_rows
from backend.catalog.service.import_shared import Batch
from backend.catalog.types import KeyState, StockKind, VariantId
from backend.catalog.types.imports import Problem, ProblemCode
from backend.catalog.types.stock_imports import (
    IMPORT_TOPIC,
    ImportReport,
    ImportState,
    LineKind,
    ReportLine,
    StockImport,
    StockImportId,
)
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.failpoints import failpoint
from backend.infra.jobs import RetryLater
from backend.infra.staged import StagedFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.ids import DataKeyId

PURPOSE: Final = "stock"
_CHUNK: Final = 5_000
_FIRST: Final = 40
_PROBLEMS: Final = 300
_AGAIN_SECONDS: Final = 15
_BACK: Final = frozenset({KeyState.REMOVED, KeyState.EXPIRED})
"""A key in one of these was never sold: importing it brings it back."""
Row = StockRow | Problem


class _Ready(msgspec.Struct, frozen=True):
    """A row of a file that could be added; ``mark`` recognises its key."""

    row: StockRow
    target: VariantRef
    mark: bytes


class _Tally(msgspec.Struct):
    """What a dry run has found so far."""

    rows: int = 0
    fresh: int = 0
    known: int = 0
    twice: int = 0
    bad: int = 0
    first: list[ReportLine] = []
    problems: list[ReportLine] = []

    def take(self, line: ReportLine) -> None:
        """Count a line, and keep it if it is among the first."""
        self.rows += 1
        match line.kind:
            case LineKind.NEW:
                self.fresh += 1
            case LineKind.KNOWN:
                self.known += 1
            case LineKind.TWICE:
                self.twice += 1
            case LineKind.BAD:
                self.bad += 1
        if len(self.first) < _FIRST:
            self.first.append(line)
        if line.kind is not LineKind.NEW and len(self.problems) < _PROBLEMS:
            self.problems.append(line)


def report_context(import_id: StockImportId) -> bytes:
    """What a report is sealed for."""
    return b"report" + import_id.bytes


class ImportJob:
    """Checks and adds the files of imports by screen."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, staged: StagedFiles, currency: str) -> None:
        self._uow = uow
        self._ring = ring
        self._staged = staged
        self._currency = currency

    async def check(self, import_id: StockImportId) -> None:
        """Count what a file would do, and keep its first lines; nothing is added. Stops once nobody wants it."""
        async with self._uow.read() as tx:
            stored = await repository.get(tx, import_id)
        if stored.state is not ImportState.CHECKING:
            return
        tally, seen, targets = _Tally(), Seen(), dict[str, VariantRef | None]()
        with await self._open(stored) as file:
            rows = await self._rows(stored, file)
            while chunk := await asyncio.to_thread(_next, rows):
                async with self._uow.read() as tx:
                    ready = await self._ready(tx, chunk, targets)
                    marks = [(item.target.id, item.mark) for item in ready.values()]
                    known = await repository.list_known(tx, [one for one, _ in marks], [mark for _, mark in marks])
                for number, row in enumerate(chunk):
                    tally.take(_line(row, ready.get(number), known, seen, targets))
                if not await self._progress(import_id, tally):
                    return
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.CHECKING or stored.data_key_id is None:
                return
            report = msgspec.json.encode(ImportReport(tally.first, tally.problems))
            sealed = seal(await self._ring.get(tx, stored.data_key_id), report, report_context(import_id))
            await repository.change(tx, import_id, state=ImportState.CHECKED, report=sealed, **_counts(tally))
            tx.signal(IMPORT_TOPIC, import_id)

    async def run(self, import_id: StockImportId) -> None:
        """Add the keys of an import from its checkpoint on, until it ends or is stopped.

        Raises RetryLater where another process is adding them, or another import holds the stock.
        """
        async with self._uow.read() as tx:
            stored = await repository.get(tx, import_id)
        if stored.state is ImportState.IMPORTING:
            with await self._open(stored) as file:
                rows = await self._rows(stored, file)
                at = await asyncio.to_thread(_skip, rows, stored.checkpoint)
                targets: dict[str, VariantRef | None] = {}
                while chunk := await asyncio.to_thread(_next, rows):
                    if not await self._add(import_id, at, chunk, targets):
                        return
                    at += len(chunk)
                    failpoint("stock_import.next")
                await self._finish(import_id, at)
        await self.tidy([import_id])

    async def tidy(self, import_ids: Sequence[StockImportId]) -> None:
        """Delete the staged files of those imports that have ended."""
        for import_id in import_ids:
            async with self._uow.read() as tx:
                stored = await repository.get(tx, import_id)
            if stored.state not in (ImportState.DONE, ImportState.DISCARDED) or stored.staged is None:
                continue
            await self._staged.delete(stored.staged)
            async with self._uow() as tx:
                await repository.change(tx, import_id, staged=None)

    async def _open(self, stored: StockImport) -> BinaryIO:
        assert stored.staged is not None and stored.data_key_id is not None
        async with self._uow.read() as tx:
            key = await self._ring.get(tx, stored.data_key_id)
        return self._staged.open(stored.staged, key, stored.sealed)

    async def _rows(self, stored: StockImport, file: BinaryIO) -> Iterator[Row]:
        default = None
        if stored.variant_id is not None:
            async with self._uow.read() as tx:
                chosen = await repository.list_targets(tx, only=stored.variant_id, most=1)
            default = chosen[0].ref if chosen else None
        return stock_rows(file, Format(stored.written), default, as_is=stored.as_is)

    async def _progress(self, import_id: StockImportId, tally: _Tally) -> bool:
        async with self._uow() as tx:
            if (await repository.get(tx, import_id, lock=True)).state is not ImportState.CHECKING:
                return False
            await repository.change(tx, import_id, **_counts(tally))
            tx.signal(IMPORT_TOPIC, import_id)
        return True

    async def _ready(self, tx: Tx, chunk: Sequence[Row], targets: dict[str, VariantRef | None]) -> dict[int, _Ready]:
        """The rows that could be added, by their place in the chunk."""
        for ref in {row.variant for row in chunk if isinstance(row, StockRow)} - targets.keys():
            slug, _, code = ref.partition("/")
            targets[ref] = await writes.find_variant(tx, slug, code) if code and "\0" not in ref else None
        return await asyncio.to_thread(self._marked, chunk, targets)

    def _marked(self, chunk: Sequence[Row], targets: dict[str, VariantRef | None]) -> dict[int, _Ready]:
        ready = {}
        for number, row in enumerate(chunk):
            target = targets[row.variant] if isinstance(row, StockRow) else None
            if isinstance(row, StockRow) and target is not None and target.kind == StockKind.UNIQUE_KEYS:
                mark = self._ring.fingerprint(canonical_key(row.key).encode(), target.id.bytes)
                ready[number] = _Ready(row, target, mark)
        return ready

    @retry_conflicts
    async def _add(
        self, import_id: StockImportId, at: int, chunk: Sequence[Row], targets: dict[str, VariantRef | None]
    ) -> bool:
        """Add a chunk and move the checkpoint behind it; False once the import was stopped."""
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.IMPORTING:
                return False
            if stored.checkpoint != at:
                raise RetryLater(_AGAIN_SECONDS, "another process adds these keys")
            # Everything that writes fingerprints holds this lock: none is added between the look and the insert.
            try:
                await writes.lock_imports(tx, "stock")
            except ImportUnderWay:
                raise RetryLater(_AGAIN_SECONDS, "another import holds the stock") from None
            ready = {(item.target.id, item.mark): item for item in (await self._ready(tx, chunk, targets)).values()}
            known = await repository.list_known(tx, [one for one, _ in ready], [mark for _, mark in ready])
            added = await self._store(tx, stored, ready, known)
            failpoint("stock_import.chunk")
            await repository.change(tx, import_id, checkpoint=at + len(chunk), added=stored.added + added)
            tx.signal(IMPORT_TOPIC, import_id)
        return True

    async def _store(
        self,
        tx: Tx,
        stored: StockImport,
        ready: dict[tuple[VariantId, bytes], _Ready],
        known: dict[tuple[UUID, bytes], KnownKey],
    ) -> int:
        batches: dict[VariantId, Batch] = {}
        new: list[tuple[UUID, UUID, UUID, bytes, bytes]] = []
        back: list[NewKey] = []
        products: dict[VariantId, UUID] = {}
        for (variant_id, mark), item in ready.items():
            before = known.get((variant_id, mark))
            if before is not None and before.state not in _BACK:
                continue
            if variant_id not in batches:
                batches[variant_id] = await self._batch(tx, stored, variant_id)
                products[variant_id] = item.target.product_id
            batch = batches[variant_id]
            key_id = tx.new_id() if before is None else before.id
            sealed = seal(batch.key, item.row.key.encode(), key_id.bytes)
            if before is None:
                new.append((key_id, variant_id, batch.id, sealed, mark))
            else:
                back.append(NewKey(key_id, batch.id, sealed))
        if new:
            await writes.add_keys(tx, new)
        revived = await repository.revive(tx, back) if back else 0
        if batches:
            await writes.mark_restocked(tx, sorted(batches))
            for product_id in sorted(set(products.values())):
                await after_releasing(tx, product_id)  # type: ignore[arg-type]
        return len(new) + revived

    async def _batch(self, tx: Tx, stored: StockImport, variant_id: VariantId) -> Batch:
        stored_batch = await repository.find_batch(tx, stored.id, variant_id)
        if stored_batch is not None:
            return Batch(stored_batch[0], await self._ring.get(tx, stored_batch[1]))
        key_id, key = await self._ring.create(tx, PURPOSE)
        batch_id = await writes.add_batch(
            tx, variant_id, DataKeyId(key_id), stored.source or stored.file_name, stored.unit_cost, self._currency,
            stored.created_by,
        )  # fmt: skip
        await repository.describe_batch(tx, batch_id, stored)
        return Batch(batch_id, key)

    async def _finish(self, import_id: StockImportId, at: int) -> None:
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.IMPORTING or stored.checkpoint != at:
                return
            if stored.data_key_id is not None:
                await self._ring.destroy(tx, stored.data_key_id)
            await repository.change(tx, import_id, state=ImportState.DONE, report=None, data_key_id=None)
            facts = {"added": stored.added, "rows": stored.rows, "source": stored.source or stored.file_name}
            await audit.record(tx, stored.created_by, "stock.import", f"stock_import:{import_id}", facts)
            tx.signal(IMPORT_TOPIC, import_id)


def _next(rows: Iterator[Row]) -> list[Row]:
    return list(itertools.islice(rows, _CHUNK))


def _skip(rows: Iterator[Row], number: int) -> int:
    return sum(1 for _ in itertools.islice(rows, number))


def _counts(tally: _Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ("rows", "fresh", "known", "twice", "bad")}


def _line(
    row: Row,
    ready: _Ready | None,
    known: dict[tuple[UUID, bytes], KnownKey],
    seen: Seen,
    targets: dict[str, VariantRef | None],
) -> ReportLine:
    """What the dry run says of a row."""
    if isinstance(row, Problem):
        return ReportLine(row.line, LineKind.BAD, row.value, row.code, row.column)
    if ready is None:
        code = ProblemCode.UNKNOWN_VARIANT if targets[row.variant] is None else ProblemCode.OTHER_KIND
        return ReportLine(row.line, LineKind.BAD, row.variant, code, "variant")
    if seen.add(ready.mark):
        return ReportLine(row.line, LineKind.TWICE, row.key)
    before = known.get((ready.target.id, ready.mark))
    if before is None or before.state in _BACK:
        return ReportLine(row.line, LineKind.NEW, row.key)
    return ReportLine(row.line, LineKind.KNOWN, row.key, state=before.state, since=before.since)
