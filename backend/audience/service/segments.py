"""Filters of people under names: saved, shared among admins, renamed, deleted, counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.audience import domain
from backend.audience.errors import SegmentNameTaken
from backend.audience.repository import segments as repository
from backend.audience.types import PeopleFilter, Segment
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.text import fold

LONGEST_NAME: Final = 60
_MOST: Final = 50
"""Segments that are counted on one page."""


class SegmentsService:
    """Admins with the permission for users see their own segments and shared ones, and change their own."""

    def __init__(self, *, uow: UnitOfWork, grace: Live[timedelta], currency: str) -> None:
        self._uow = uow
        self._grace = grace
        self._currency = currency

    async def list_all(self, actor: Actor, *, counted: bool = False) -> list[Segment]:
        """The actor's own segments and the shared ones, by name; ``counted`` with how many people they mean now."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            rows = (await repository.list_for(tx, actor.user_id))[:_MOST]
            return [await self._counted(tx, row) for row in rows] if counted else rows

    @retry_conflicts
    async def save(self, actor: Actor, name: str, chosen: PeopleFilter, *, shared: bool) -> UUID:
        """Save a filter under a name. Raises Forbidden, SegmentNameTaken, Invalid without a name or a filter."""
        actor.require(Permission.USERS)
        if chosen == PeopleFilter():
            raise Invalid("a segment of everybody", fields={"filter": "required"})
        async with self._uow() as tx:
            segment = Segment(id=tx.new_id(), name=_checked(name), filter=chosen, shared=shared, owner_id=actor.id)
            await self._store(tx, actor, "segments.save", segment)
        return segment.id

    @retry_conflicts
    async def change(self, actor: Actor, segment_id: UUID, name: str, *, shared: bool) -> None:
        """Rename one's own segment, share it or stop. Raises Forbidden, NotFound, SegmentNameTaken, Invalid."""
        async with self._uow() as tx:
            segment = await self._own(tx, actor, segment_id)
            changed = msgspec.structs.replace(segment, name=_checked(name), shared=shared)
            await self._store(tx, actor, "segments.change", changed)

    @retry_conflicts
    async def remove(self, actor: Actor, segment_id: UUID) -> None:
        """Delete one's own segment. Raises Forbidden, NotFound."""
        async with self._uow() as tx:
            segment = await self._own(tx, actor, segment_id)
            await repository.remove(tx, segment_id)
            await audit.record(tx, actor.user_id, "segments.remove", f"segment:{segment_id}", {"name": segment.name})

    async def get(self, actor: Actor, segment_id: UUID) -> Segment:
        """One's own segment. Raises Forbidden, NotFound."""
        async with self._uow() as tx:
            return await self._own(tx, actor, segment_id)

    async def _store(self, tx: Tx, actor: Actor, action: str, segment: Segment) -> None:
        if not await repository.save(tx, segment):
            raise SegmentNameTaken(segment.name)
        facts = {"name": segment.name, "shared": segment.shared}
        await audit.record(tx, actor.user_id, action, f"segment:{segment.id}", facts)

    async def _own(self, tx: Tx, actor: Actor, segment_id: UUID) -> Segment:
        actor.require(Permission.USERS)
        segment = await repository.lock(tx, segment_id)
        if segment is None or (segment.owner_id != actor.user_id and not segment.shared):
            raise NotFound("no such segment")
        if segment.owner_id != actor.user_id:
            raise Forbidden("another admin's segment")
        return segment

    async def _counted(self, tx: Tx, segment: Segment) -> Segment:
        ids = domain.matching(segment.filter, tx.now, self._grace(), self._currency)
        return msgspec.structs.replace(segment, people=await identity.count_people(tx, ids))


def _checked(name: str) -> str:
    plain = fold(name.replace("\0", ""))
    if not 0 < len(plain) <= LONGEST_NAME:
        raise Invalid("a segment has a name", fields={"name": "required" if not plain else "too_long"})
    return plain
