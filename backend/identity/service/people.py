"""People, as admins find and treat them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from backend.identity import domain, repository, rules
from backend.identity.cache import PeopleCache
from backend.identity.errors import NotYourself
from backend.identity.repository import Person
from backend.identity.service._locking import lock_person, lock_subordinate
from backend.identity.types import Actor, Permission, PersonBlocked, UserDetail, UserRow
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import fold, searched

_PAGE: Final = 30
_MAX_REASON: Final = 500


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
            await self.block_in(tx, actor, user_id, reason, until)
        self.forget(user_id)

    async def block_in(self, tx: Tx, actor: Actor, user_id: UserId, reason: str, until: datetime | None) -> None:
        """``block`` in the caller's transaction, who calls ``forget`` after it; the same errors."""
        reason = fold(reason.replace("\0", ""))
        if not 0 < len(reason) <= _MAX_REASON:
            raise Invalid("a reason is needed", fields={"reason": "required" if not reason else "too_long"})
        if until is not None and until <= tx.now:
            raise Invalid("a block ends in the future", fields={"until": "past"})
        person = await lock_subordinate(tx, actor, user_id, Permission.USERS)
        values = {"blacklisted_at": tx.now, "blacklist_reason": reason, "blocked_until": until}
        await repository.set_fields(tx, person.id, values)
        facts: dict[str, object] = {"reason": reason}
        if until is not None:
            facts["until"] = until.isoformat()
        before = _block_facts(person) if _is_blocked(tx, person) else None
        await audit.record(
            tx, actor.user_id, "users.blacklist", f"user:{user_id}", facts, person=user_id, before=before
        )
        tx.emit(PersonBlocked(user_id=user_id))

    @retry_conflicts
    async def unblock(self, actor: Actor, user_id: UserId) -> None:
        """Unblock a person; does nothing when they are not blocked.

        Raises Forbidden, RootProtected, NotYourself, NotFound.
        """
        async with self._uow() as tx:
            await self.unblock_in(tx, actor, user_id)
        self.forget(user_id)

    async def unblock_in(self, tx: Tx, actor: Actor, user_id: UserId) -> None:
        """``unblock`` in the caller's transaction, who calls ``forget`` after it; the same errors."""
        person = await lock_subordinate(tx, actor, user_id, Permission.USERS)
        if _is_blocked(tx, person):
            values = {"blacklisted_at": None, "blacklist_reason": None, "blocked_until": None}
            await repository.set_fields(tx, user_id, values)
            facts = _block_facts(person)
            await audit.record(tx, actor.user_id, "users.unblacklist", f"user:{user_id}", facts, person=user_id)

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
            await self.set_status_in(tx, actor, user_id, column, on)
        self.forget(user_id)

    async def set_status_in(self, tx: Tx, actor: Actor, user_id: UserId, column: str, on: bool) -> None:
        """``set_reseller`` or ``set_premium`` in the caller's transaction, who calls ``forget`` after it.

        ``column`` is ``is_reseller`` or ``is_premium``.
        """
        person = await lock_person(tx, actor, user_id, Permission.USERS)
        # Lower prices for oneself are value for oneself: only a shop's only admin may give them.
        if on and user_id == actor.user_id and await domain.is_another_admin(tx, Permission.USERS, {user_id}):
            raise NotYourself("an admin cannot give this to themselves")
        before: bool = getattr(person, column)
        if before == on:
            return
        await repository.set_fields(tx, user_id, {column: on})
        action, facts = f"users.set_{column.removeprefix('is_')}", {"on": on, "before": before}
        await audit.record(tx, actor.user_id, action, f"user:{user_id}", facts)


def _is_blocked(tx: Tx, person: Person) -> bool:
    return rules.is_blocked(tx.now, person.blacklist_reason, person.blocked_until)


def _block_facts(person: Person) -> dict[str, str]:
    until = {"until": person.blocked_until.isoformat()} if person.blocked_until else {}
    return {"reason": person.blacklist_reason or "", **until}
