"""The sessions that people have open: seen by themselves and by those who watch over admins, and ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.identity.cache import EndedSessions
from backend.identity.domain.locking import lock_subordinate
from backend.identity.errors import SessionEnded
from backend.identity.repository import sessions
from backend.identity.types import Actor, Permission, SessionRow
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId

_SEEN_SECONDS: Final = 300.0
_MOST_REMEMBERED: Final = 50_000
_SHOWN: Final = timedelta(days=8)
"""A session that was not used for so long has expired."""
_ACTION: Final = "admins.end_sessions"


class SessionsService:
    """Opens, lists and ends sessions."""

    def __init__(
        self, *, uow: UnitOfWork, ended: EndedSessions, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._uow = uow
        self._ended = ended
        self._monotonic = monotonic
        self._seen: dict[UUID, float] = {}

    async def open(self, actor: Actor, session_id: UUID, platform: str, network: str | None) -> Actor:
        """The actor in a session, which is stored. Raises SessionEnded for one that was ended."""
        async with self._uow.read() as tx:
            allowed = await sessions.open_session(tx, session_id, actor.id, platform, network)
        if not allowed:
            raise SessionEnded(f"session {session_id}")
        self._remember(session_id)
        return msgspec.structs.replace(actor, session_id=session_id)

    async def touch(self, session_id: UUID) -> None:
        """Note that a session is used; stored every five minutes only."""
        if self._seen.get(session_id, 0.0) > self._monotonic():
            return
        self._remember(session_id)
        async with self._uow.read() as tx:
            await sessions.touch(tx, session_id)

    async def list_own(self, actor: Actor) -> list[SessionRow]:
        """The actor's sessions, the latest first."""
        async with self._uow.read() as tx:
            return await sessions.list_open(tx, actor.id, tx.now - _SHOWN)

    async def list_of(self, actor: Actor, user_id: UserId) -> list[SessionRow]:
        """Somebody's sessions, the latest first. Needs the permission for admins."""
        actor.require(Permission.ADMINS)
        async with self._uow.read() as tx:
            return await sessions.list_open(tx, user_id, tx.now - _SHOWN)

    @retry_conflicts
    async def end_own(self, actor: Actor, session_id: UUID | None = None) -> int:
        """End one of the actor's sessions, or all but the present one; how many. Raises NotFound."""
        async with self._uow() as tx:
            but = actor.session_id if session_id is None else None
            ended = await sessions.end(tx, actor.id, only=session_id, but=but)
            if session_id is not None and not ended:
                raise NotFound("no such session")
            if ended and actor.is_admin:
                await audit.record(tx, actor.id, _ACTION, f"user:{actor.id}", {"sessions": len(ended)})
        return self._all_ended(ended)

    @retry_conflicts
    async def end_of(self, actor: Actor, user_id: UserId, session_id: UUID | None = None) -> int:
        """End one session of somebody else, or all; how many.

        Raises Forbidden, RootProtected, NotYourself, NotFound.
        """
        async with self._uow() as tx:
            await lock_subordinate(tx, actor, user_id, Permission.ADMINS)
            ended = await sessions.end(tx, user_id, only=session_id)
            if session_id is not None and not ended:
                raise NotFound("no such session")
            if ended:
                await audit.record(tx, actor.user_id, _ACTION, f"user:{user_id}", {"sessions": len(ended)})
        return self._all_ended(ended)

    def _all_ended(self, ended: list[UUID]) -> int:
        for session_id in ended:
            self._ended.add(session_id)
        return len(ended)

    def _remember(self, session_id: UUID) -> None:
        if len(self._seen) >= _MOST_REMEMBERED:
            self._seen.clear()
        self._seen[session_id] = self._monotonic() + _SEEN_SECONDS
