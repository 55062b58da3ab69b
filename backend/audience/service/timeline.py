"""One person's history on one page: who may see which part of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from backend.audience.types import TimelinePage
from backend.identity.types import Actor, Permission
from backend.infra import audit_reading, timeline
from backend.infra.audit_reading import Chosen, Line
from backend.infra.timeline import Before, Cursor, Entry, EntryKind, Source
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.paging import decode_cursor, encode_cursor

_PAGE: Final = 30
NEEDS: Final[dict[EntryKind, Permission]] = {
    EntryKind.VISIT: Permission.USERS,
    EntryKind.ORDER: Permission.ORDERS,
    EntryKind.REFUND: Permission.ORDERS,
    EntryKind.PAYMENT: Permission.MONEY,
    EntryKind.TRANSFER: Permission.MONEY,
    EntryKind.MESSAGE: Permission.USERS,
    EntryKind.TICKET: Permission.TICKETS,
    EntryKind.COURSE: Permission.TEACHING,
    EntryKind.CERTIFICATE: Permission.TEACHING,
    EntryKind.READING: Permission.READINGS,
    EntryKind.NOTE: Permission.USERS,
    EntryKind.ACTION: Permission.USERS,
}
"""The permission, beside that for users, which each kind of entry asks for."""


async def _list_actions(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """What admins did to a person, with their reasons; amounts and other facts stay in the audit."""
    about, place = Chosen(subject=f"user:{user_id}"), audit_reading.Cursor(before.at, before.id)
    return [_action(line) for line in await audit_reading.find(tx, about, place, limit)]


def _action(line: Line) -> Entry:
    params = line.content.params if line.content else {}
    taken = params.get("on") is False
    return Entry(
        kind=EntryKind.ACTION,
        at=line.at,
        id=line.id,
        state=line.action,
        by=line.actor_id,
        text=str(params.get("reason") or ""),
        delivery="off" if taken else "",
    )


class TimelineService:
    """Reads a person's history out of ``sources``, one for each kind of entry."""

    def __init__(self, *, uow: UnitOfWork, sources: Sequence[Source]) -> None:
        self._uow = uow
        self._sources = (*sources, Source(EntryKind.ACTION, _list_actions))

    def kinds(self, actor: Actor) -> tuple[EntryKind, ...]:
        """The kinds of entries that the actor may see. Raises Forbidden without the permission for users."""
        actor.require(Permission.USERS)
        return tuple(source.kind for source in self._sources if actor.may(NEEDS[source.kind]))

    async def of(
        self, actor: Actor, user_id: UserId, kinds: Collection[EntryKind] = (), cursor: str | None = None
    ) -> TimelinePage:
        """A page of what happened to a person, the newest first, of these kinds or of all that the actor may see.

        A kind that they may not see gives nothing. Raises Forbidden without the permission for users, Invalid for a
        wrong cursor.
        """
        seen = [kind for kind in self.kinds(actor) if not kinds or kind in kinds]
        after = decode_cursor(cursor, Cursor) if cursor else None
        sources = [source for source in self._sources if source.kind in seen]
        async with self._uow.read() as tx:
            entries, following = await timeline.list_entries(tx, sources, user_id, after, _PAGE)
        return TimelinePage(tuple(entries), encode_cursor(following) if following else None)
