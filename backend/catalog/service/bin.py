"""The recycle bin: everything that admins have archived, brought back by a tap, purged after its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from backend.catalog.domain import goods
from backend.catalog.types.bin import STAYS_FOR, BinItem, BinPlace, BinSource
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts, sqlstate
from backend.kernel.errors import NotFound
from backend.kernel.paging import Page, decode_cursor, encode_cursor

_PAGE: Final = 30
_AT_ONCE: Final = 100
_REFERRED_TO: Final = "23503"


class BinService:
    """The bin for admins with the permission for the catalogue; each of ``sources`` gives one kind of things."""

    def __init__(self, *, uow: UnitOfWork, sources: Sequence[BinSource]) -> None:
        self._uow = uow
        self._sources = {source.kind: source for source in sources}

    async def list_archived(self, actor: Actor, cursor: str | None = None) -> Page[BinItem]:
        """What is in the bin, the latest archived first. Raises Forbidden, Invalid for a cursor that is none."""
        actor.require(Permission.CATALOGUE)
        before = decode_cursor(cursor, BinPlace) if cursor else None
        items: list[BinItem] = []
        async with self._uow.read() as tx:
            for source in self._sources.values():
                items += await source.list_archived(tx, before, _PAGE + 1)
        items.sort(key=lambda item: (item.archived_at, item.id), reverse=True)
        more, items = len(items) > _PAGE, items[:_PAGE]
        return Page(items, encode_cursor(BinPlace(items[-1].archived_at, items[-1].id)) if more else None)

    @retry_conflicts
    async def restore(self, actor: Actor, kind: str, item_id: UUID) -> None:
        """Bring something back; nothing happens where it is back already. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        source = self._sources.get(kind)
        if source is None:
            raise NotFound("no such kind of things in the bin")
        async with self._uow() as tx:
            if await source.restore(tx, item_id):
                await audit.record(tx, actor.user_id, f"catalogue.restore_{kind}", f"{kind}:{item_id}")

    async def purge(self) -> int:
        """Timer: delete what has been in the bin for its time and nothing refers to; returns how many.

        Orders, keys and carts refer to what they are about: their history stays whole.
        """
        return sum([await self._purge(source) for source in self._sources.values()])

    @retry_conflicts
    async def _purge(self, source: BinSource) -> int:
        purged, place = 0, None
        while True:
            async with self._uow() as tx:
                await goods.lock(tx)
                oldest = BinPlace(tx.now - STAYS_FOR, UUID(int=0))
                rows = await source.list_archived(tx, place or oldest, _AT_ONCE)
                for item in rows:
                    try:
                        async with tx.savepoint():
                            await source.purge(tx, item.id)
                            subject = f"{item.kind}:{item.id}"
                            await audit.record(tx, None, f"catalogue.purge_{item.kind}", subject, {"name": item.name})
                            purged += 1
                    except DBAPIError as error:
                        if sqlstate(error) != _REFERRED_TO:
                            raise
            if len(rows) < _AT_ONCE:
                return purged
            place = BinPlace(rows[-1].archived_at, rows[-1].id)
