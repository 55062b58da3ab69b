"""Imports of keys by screen: a file arrives in pieces, is checked, and is added once an admin has seen the check."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.catalog.repository import stock_imports as repository
from backend.catalog.rules.files import Format
from backend.catalog.rules.stock_files import format_of
from backend.catalog.service.import_job import PURPOSE, ImportJob, report_context
from backend.catalog.types import VariantId
from backend.catalog.types.stock_imports import (
    IMPORT_TOPIC,
    MOST_IMPORT_BYTES,
    ImportDetails,
    ImportReport,
    ImportState,
    ImportTarget,
    StockImport,
    StockImportId,
    StockImportSent,
    StockImportStarted,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.staged import StagedFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.kernel.text import file_name, fold

_SHOWN: Final = 10
_WAITS: Final = timedelta(hours=24)
_REFUSED: Final = {".xlsm": "macros", ".xls": "wrong_type", ".ods": "wrong_type", ".zip": "wrong_type"}
_PASTED: Final = "pasted"
_MOST_NAME: Final = 80


class StockImportsService:
    """Takes files of keys in, shows what they would do, and adds them in the background; ``ring`` encrypts."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, staged: StagedFiles, currency: str) -> None:
        self._uow = uow
        self._ring = ring
        self._staged = staged
        self._job = ImportJob(uow, ring, staged, currency)

    async def targets(self, actor: Actor, query: str = "") -> list[ImportTarget]:
        """Variants that keys can be added to, by their names, the best sold first. Raises Forbidden."""
        actor.require(Permission.STOCK)
        patterns = [f"%{_literal(word)}%" for word in fold(query).lower().split()]
        async with self._uow.read() as tx:
            return await repository.list_targets(tx, patterns)

    async def target(self, actor: Actor, variant_id: VariantId) -> ImportTarget | None:
        """A variant that keys can be added to; None for another kind of goods. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            rows = await repository.list_targets(tx, only=variant_id, most=1)
        return rows[0] if rows else None

    async def begin(
        self, actor: Actor, name: str, *, variant_id: VariantId | None = None, as_is: bool = False
    ) -> StockImport:
        """Begin an import whose file comes in pieces. Raises Forbidden, Invalid for a type of file that is refused."""
        actor.require(Permission.STOCK)
        called = file_name(name)
        for ending, code in _REFUSED.items():
            if called.lower().endswith(ending):
                raise Invalid("not a file of keys", fields={"file": code})
        import_id = StockImportId(new_id())
        async with self._uow() as tx:
            if variant_id is not None and not await repository.list_targets(tx, only=variant_id, most=1):
                raise Invalid("no variant of keys", fields={"variant": "required"})
            key_id, _ = await self._ring.create(tx, PURPOSE)
            values = {
                "id": import_id,
                "state": ImportState.UPLOADING,
                "variant_id": variant_id,
                "file_name": called,
                "written": Format.PLAIN,
                "as_is": as_is,
                "staged": StagedFiles.new_name(),
                "data_key_id": key_id,
                "created_by": actor.user_id,
            }
            await repository.add(tx, values)
            return await repository.get(tx, import_id)

    async def receive(self, actor: Actor, import_id: StockImportId, at: int, data: bytes) -> StockImport:
        """Take the piece of the file that begins at byte ``at``, unless it came before; the import then.

        Its ``received`` says where the next piece begins. Raises Forbidden, NotFound, Invalid for too large a file.
        """
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.UPLOADING or at != stored.received or stored.staged is None:
                return stored
            received = stored.received + len(data)
            if received > MOST_IMPORT_BYTES:
                raise Invalid("the file is too large", fields={"file": "too_large"})
            sealed = await self._staged.append(stored.staged, await self._key(tx, stored), stored.sealed, data)
            written = format_of(stored.file_name, data) if at == 0 else stored.written
            await repository.change(tx, import_id, received=received, sealed=sealed, written=written)
            return await repository.get(tx, import_id)

    async def sent(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """The file is whole: have it checked. Raises Forbidden, NotFound, Invalid for an empty one."""
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.UPLOADING:
                return stored
            if not stored.received:
                raise Invalid("the file is empty", fields={"file": "required"})
            await repository.change(tx, import_id, state=ImportState.CHECKING)
            tx.emit(StockImportSent(import_id=import_id))
            return await repository.get(tx, import_id)

    async def paste(
        self, actor: Actor, text: str, *, variant_id: VariantId | None = None, as_is: bool = False
    ) -> StockImport:
        """Take what was pasted as a file. Raises Forbidden, Invalid."""
        actor.require(Permission.STOCK)
        if not text.strip():
            raise Invalid("nothing was pasted", fields={"keys": "required"})
        begun = await self.begin(actor, _PASTED, variant_id=variant_id, as_is=as_is)
        await self.receive(actor, begun.id, 0, text.encode())
        return await self.sent(actor, begun.id)

    async def get(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """One import. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.get(tx, import_id)

    async def latest(self, actor: Actor) -> list[StockImport]:
        """The latest imports by screen. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_latest(tx, _SHOWN)

    async def report(self, actor: Actor, stored: StockImport) -> ImportReport:
        """What the dry run found, its keys in full; empty before it and after the import. Raises Forbidden."""
        actor.require(Permission.STOCK)
        if stored.report is None or stored.data_key_id is None:
            return ImportReport()
        async with self._uow.read() as tx:
            key = await self._key(tx, stored)
        plain = open_sealed(key, stored.report, report_context(stored.id))
        return msgspec.json.decode(plain, type=ImportReport)

    @retry_conflicts
    async def start(self, actor: Actor, import_id: StockImportId, details: ImportDetails) -> StockImport:
        """Add the new keys of a checked file, in the background; a second tap changes nothing.

        Raises Forbidden, NotFound, Invalid for details that cannot be.
        """
        actor.require(Permission.STOCK)
        _check(details)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is not ImportState.CHECKED:
                return stored
            if details.expires_at is not None and details.expires_at <= tx.now:
                raise Invalid("expired keys are not sold", fields={"expires": "past"})
            values = msgspec.structs.asdict(details)
            await repository.change(tx, import_id, state=ImportState.IMPORTING, **values)
            tx.emit(StockImportStarted(import_id=import_id))
            subject = f"stock_import:{import_id}"
            await audit.record(tx, actor.user_id, "stock.import_started", subject, {"new": stored.fresh})
            tx.signal(IMPORT_TOPIC, import_id)
            return await repository.get(tx, import_id)

    async def stop(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """Stop an import that is under way; what is in the stock stays there. Raises Forbidden, NotFound."""
        return await self._switch(actor, import_id, ImportState.IMPORTING, ImportState.STOPPED)

    async def go_on(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """Go on with a stopped import where it was. Raises Forbidden, NotFound."""
        return await self._switch(actor, import_id, ImportState.STOPPED, ImportState.IMPORTING)

    async def discard(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """Forget a file of which nothing was added, and destroy it. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state in (ImportState.UPLOADING, ImportState.CHECKING, ImportState.CHECKED):
                await self._forget(tx, stored, ImportState.DISCARDED)
        await self._job.tidy([import_id])
        return await self.get(actor, import_id)

    async def finish_stopped(self, actor: Actor, import_id: StockImportId) -> StockImport:
        """End a stopped import as it is, and destroy its file. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is ImportState.STOPPED:
                await self._forget(tx, stored, ImportState.DONE)
                facts = {"added": stored.added, "rows": stored.rows, "stopped_at": stored.checkpoint}
                await audit.record(tx, actor.user_id, "stock.import_ended", f"stock_import:{import_id}", facts)
        await self._job.tidy([import_id])
        return await self.get(actor, import_id)

    async def check(self, import_id: StockImportId) -> None:
        """Do the dry run of a file that has arrived."""
        await self._job.check(import_id)

    async def add_keys(self, import_id: StockImportId) -> None:
        """Add the keys of an import that was started, from where it is. Raises RetryLater."""
        await self._job.run(import_id)

    async def tidy(self) -> None:
        """Destroy files of imports that have ended, or that nobody went on with for a day."""
        async with self._uow.read() as tx:
            stale = await repository.list_stale(tx, tx.now - _WAITS)
        for import_id in stale:
            async with self._uow() as tx:
                stored = await repository.get(tx, import_id, lock=True)
                if stored.state in (ImportState.UPLOADING, ImportState.CHECKED):
                    if stored.touched_at >= tx.now - _WAITS:
                        continue
                    await self._forget(tx, stored, ImportState.DISCARDED)
        await self._job.tidy(stale)

    async def _switch(
        self, actor: Actor, import_id: StockImportId, before: ImportState, after: ImportState
    ) -> StockImport:
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            stored = await repository.get(tx, import_id, lock=True)
            if stored.state is before:
                await repository.change(tx, import_id, state=after)
                if after is ImportState.IMPORTING:
                    tx.emit(StockImportStarted(import_id=import_id))
                subject = f"stock_import:{import_id}"
                await audit.record(tx, actor.user_id, f"stock.import_{after}", subject, {"at": stored.checkpoint})
                tx.signal(IMPORT_TOPIC, import_id)
            return await repository.get(tx, import_id)

    async def _forget(self, tx: Tx, stored: StockImport, state: ImportState) -> None:
        if stored.data_key_id is not None:
            await self._ring.destroy(tx, stored.data_key_id)
        await repository.change(tx, stored.id, state=state, report=None, data_key_id=None)
        tx.signal(IMPORT_TOPIC, stored.id)

    async def _key(self, tx: Tx, stored: StockImport) -> bytes:
        assert stored.data_key_id is not None
        return await self._ring.get(tx, stored.data_key_id)


def _check(details: ImportDetails) -> None:
    for name in ("batch_name", "source"):
        if len(getattr(details, name) or "") > _MOST_NAME:
            raise Invalid("too long", fields={name: "too_long"})
    if details.unit_cost is not None and details.unit_cost < 0:
        raise Invalid("a cost is never negative", fields={"cost": "out_of_range"})


def _literal(word: str) -> str:
    """A word as a part of a LIKE pattern that stands for itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
