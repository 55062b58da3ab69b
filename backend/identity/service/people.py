"""People, as admins find and treat them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from backend.identity import repository
from backend.identity.cache import PeopleCache
from backend.identity.domain import standing
from backend.identity.types import Actor, Permission, UserDetail, UserRow
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden
from backend.kernel.ids import UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import searched

_PAGE: Final = 30


class PeopleService:
    """Finds people for admins, blocks and unblocks them, and marks resellers and premium members."""

    def __init__(self, *, uow: UnitOfWork, cache: PeopleCache, default_timezone: str) -> None:
        self._uow = uow
        self._cache = cache
        self._default_timezone = default_timezone

    async def find_users(
        self, actor: Actor, query: str = "", cursor: str | None = None, also: Sequence[UserId] = ()
    ) -> Page[UserRow]:
        """People, newest first, by the start of Telegram ID or @username, or a part of the name; and ``also``.

        Needs the permission for users, for money, for admins or for teaching: assigning an unmatched payment, adding an
        admin and giving somebody a course begin with a search. Raises Forbidden.
        """
        if not any(actor.may(held) for held in (Permission.MONEY, Permission.ADMINS, Permission.TEACHING)):
            actor.require(Permission.USERS)
        before = decode_cursor(cursor, UUID) if cursor else None
        async with self._uow.read() as tx:
            rows = await repository.list_users(tx, searched(query), before, _PAGE + 1, also)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def user_detail(self, actor: Actor, user_id: UserId) -> UserDetail:
        """Everything about one person. Needs the permission for users or for admins. Raises Forbidden, NotFound."""
        if not actor.may(Permission.ADMINS):
            actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await repository.get_user(tx, user_id, self._default_timezone)

    async def names_of(self, actor: Actor, user_ids: Iterable[UserId]) -> dict[UserId, str]:
        """Names of people, for the lists of any admin. Raises Forbidden."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.user_names(tx, user_ids)

    async def count_between(self, actor: Actor, starts: Sequence[datetime]) -> list[int]:
        """How many people first came from each of ``starts`` (ascending) until the next, from the last one until now.

        Raises Forbidden.
        """
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.count_between(tx, starts)

    @retry_conflicts
    async def block(self, actor: Actor, user_id: UserId, reason: str, until: datetime | None = None) -> None:
        """Block a person in the shop and the bot, on every device; blocking an admin needs the permission for admins.

        The block ends by itself at ``until``, if that is given; a person who is blocked already gets the new reason and
        end. Raises Forbidden, RootProtected, NotYourself, NotFound, and Invalid without a reason or for a past end.
        """
        async with self._uow() as tx:
            await standing.block(tx, actor, user_id, reason, until)
        self.forget(user_id)

    @retry_conflicts
    async def unblock(self, actor: Actor, user_id: UserId) -> None:
        """Unblock a person; does nothing when they are not blocked.

        Raises Forbidden, RootProtected, NotYourself, NotFound.
        """
        async with self._uow() as tx:
            await standing.unblock(tx, actor, user_id)
        self.forget(user_id)

    def forget(self, user_id: UserId) -> None:
        """Read a person again in this process, once a change of them is committed."""
        self._cache.forget(user_id)

    async def set_reseller(self, actor: Actor, user_id: UserId, on: bool) -> None:
        """Sell to a person at reseller prices, or no longer. Raises Forbidden, NotYourself, NotFound."""
        await self._set_status(actor, user_id, "is_reseller", on)

    async def set_premium(self, actor: Actor, user_id: UserId, on: bool) -> None:
        """Make a person one of the shop's premium members, or no longer. Raises Forbidden, NotYourself, NotFound."""
        await self._set_status(actor, user_id, "is_premium", on)

    @retry_conflicts
    async def _set_status(self, actor: Actor, user_id: UserId, column: str, on: bool) -> None:
        async with self._uow() as tx:
            await standing.set_status(tx, actor, user_id, column, on)
        self.forget(user_id)
