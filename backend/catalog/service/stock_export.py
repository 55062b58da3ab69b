"""Keys out of the stock in plain text: an own permission, an entry in the audit trail, and a stream of any length.

See decisions/0125.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from backend.catalog.repository import stock_changes as repository
from backend.catalog.types import KeyState
from backend.catalog.types.batches import BatchId
from backend.catalog.types.stock_changes import ExportFormat
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.spreadsheets import first_line, lines
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid

_CHUNK: Final = 2_000
_HEADER: Final = ("key", "state")
EXPORTED: Final = (KeyState.AVAILABLE, KeyState.STOPPED, KeyState.EXPIRED, KeyState.REMOVED)
"""States of keys that were never given to anybody: what a buyer has is theirs alone, and is not exported."""


class StockExportService:
    """Decrypts unsold keys for those who may have them; ``ring`` decrypts."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def export(self, actor: Actor, batch_id: BatchId, written: ExportFormat) -> AsyncIterator[str]:
        """The unsold keys of a batch in the order of the stock, in pieces as they are decrypted.

        Who exports what is recorded before the first piece. Raises Forbidden, NotFound, Invalid for an empty batch.
        """
        actor.require(Permission.STOCK)
        actor.require(Permission.STOCK_EXPORT)
        async with self._uow() as tx:
            details = await repository.get_details(tx, batch_id)
            count = sum(details.states.get(state, 0) for state in EXPORTED)
            if not count:
                raise Invalid("nothing to export")
            facts = {"keys": count, "format": written, "variant": str(details.variant_id)}
            await audit.record(tx, actor.user_id, "stock.exported", f"batch:{batch_id}", facts)
        return self._pieces(batch_id, written)

    async def _pieces(self, batch_id: BatchId, written: ExportFormat) -> AsyncIterator[str]:
        if written is ExportFormat.CSV:
            yield first_line(_HEADER)
        after = 0
        while True:
            async with self._uow.read() as tx:
                sealed = await repository.list_sealed(tx, batch_id, EXPORTED, after, _CHUNK)
                if not sealed:
                    return
                owner = await repository.owner_of(tx, batch_id)
                key = await self._ring.get(tx, owner.data_key_id)
            rows = [(open_sealed(key, one.ciphertext, one.id.bytes).decode(), one.state) for one in sealed]
            yield _written(rows, written)
            after = sealed[-1].position


def _written(rows: list[tuple[str, str]], written: ExportFormat) -> str:
    if written is ExportFormat.CSV:
        return lines(rows)
    if written is ExportFormat.TXT:
        return "".join(f"{key}\n" for key, _ in rows)
    return "".join(msgspec.json.encode({"key": key, "state": state}).decode() + "\n" for key, state in rows)
