"""People found by a filter, counted, and written into a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.audience import domain
from backend.audience.types import PeopleFilter
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission, UserRow
from backend.infra import audit, spreadsheets
from backend.infra.formatting import timezone
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor

_PAGE: Final = 30
_BATCH: Final = 500


class AudienceService:
    """Finds people for admins with the permission for users; amounts are in ``currency``."""

    def __init__(self, *, uow: UnitOfWork, grace: Live[timedelta], currency: str) -> None:
        self._uow = uow
        self._grace = grace
        self._currency = currency

    async def find(
        self, actor: Actor, chosen: PeopleFilter, cursor: str | None = None, also: Sequence[UserId] = ()
    ) -> Page[UserRow]:
        """People whom the filter means, the newest first; ``also`` are those whom its text means by other names.

        Raises Forbidden, Invalid for a wrong cursor.
        """
        actor.require(Permission.USERS)
        before = decode_cursor(cursor, UUID) if cursor else None
        async with self._uow.read() as tx:
            ids = domain.matching(chosen, tx.now, self._grace(), self._currency, also)
            rows = await identity.list_people(tx, ids, before, _PAGE + 1)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def count(self, actor: Actor, chosen: PeopleFilter, also: Sequence[UserId] = ()) -> int:
        """How many people the filter means. Raises Forbidden."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await identity.count_people(tx, domain.matching(chosen, tx.now, self._grace(), self._currency, also))

    async def export(
        self, actor: Actor, chosen: PeopleFilter, *, header: Sequence[str], also: Sequence[UserId] = ()
    ) -> AsyncIterator[str]:
        """The same people as CSV, in pieces, however many; recorded first. Times are in the actor's zone.

        ``header`` has the names of the nine columns: Telegram ID, name, @username, language, first visit, blocked,
        premium without an end, reseller, bot blocked. Raises Forbidden.
        """
        actor.require(Permission.USERS)
        facts = msgspec.to_builtins(msgspec.structs.replace(chosen, text=""))
        async with self._uow() as tx:
            await audit.record(tx, actor.user_id, "users.export", "users:all", facts)
        return self._lines(actor, chosen, header, also)

    async def _lines(
        self, actor: Actor, chosen: PeopleFilter, header: Sequence[str], also: Sequence[UserId]
    ) -> AsyncIterator[str]:
        there = timezone(actor.timezone)
        yield spreadsheets.first_line(header)
        before: UUID | None = None
        # A batch at a time: no transaction stays open while a slow phone downloads.
        while True:
            async with self._uow.read() as tx:
                ids = domain.matching(chosen, tx.now, self._grace(), self._currency, also)
                rows = await identity.list_people(tx, ids, before, _BATCH)
            yield spreadsheets.lines(
                [
                    row.telegram_id, f"{row.first_name} {row.last_name or ''}".strip(), row.username,
                    row.language.value, row.created_at.astimezone(there), int(row.blocked), int(row.is_premium),
                    int(row.is_reseller), int(row.blocked_bot),
                ]
                for row in rows
            )  # fmt: skip
            if len(rows) < _BATCH:
                return
            before = rows[-1].id
