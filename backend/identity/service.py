"""Use cases about people: the way in, their own choices, and what admins do with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.identity import domain, repository, rules
from backend.identity.cache import PeopleCache
from backend.identity.errors import Blacklisted, NotYourself, RootProtected, SessionRevoked
from backend.identity.repository import Person
from backend.identity.types import Actor, Contact, Permission, PersonBlocked, UserDetail, UserRow
from backend.infra import audit
from backend.infra.signals import Signals
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import Locale, fold, searched

_SEEN_EVERY = timedelta(hours=1)
_PAGE = 30
_MAX_REASON = 500


class IdentityService:
    """Knows everybody whom the shop has met."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        signals: Signals,
        root_admin_id: int,
        default_language: str = "en",
        default_timezone: str = "UTC",
    ) -> None:
        self._uow = uow
        self._root_admin_id = root_admin_id
        self._default_language = Locale.closest(default_language)
        self._default_timezone = default_timezone
        self._people = PeopleCache(signals)

    # The way in

    async def authenticate(self, contact: Contact) -> Actor:
        """The person of a verified contact: registered at the first, followed at each. Raises Blacklisted."""
        contact = self._cleaned(contact)
        async with self._uow.read() as tx:
            person = await repository.find_person_by_telegram_id(tx, contact.telegram_id)
            now = tx.now
        if person is None or (person.blacklist_reason is None and _differs(person, contact, now - _SEEN_EVERY)):
            language = Locale.closest(contact.language_code, self._default_language)
            async with self._uow() as write:
                person = await repository.add_or_follow(write, contact, language)
            self._people.forget(person.id)
        return self._actor(person)

    async def actor_by_id(self, user_id: UserId, role_version: int) -> Actor:
        """The person of a session made at ``role_version``. Raises Blacklisted, SessionRevoked."""
        person = self._people.get(user_id)
        if person is None or person.role_version != role_version:
            person = await self._load(user_id)
        if person is None:
            raise SessionRevoked("no such user")
        actor = self._actor(person)
        if person.role_version != role_version:
            raise SessionRevoked("rights have changed since")
        return actor

    async def actor_by_telegram_id(self, telegram_id: int) -> Actor | None:
        """The person with this Telegram id, None when the shop has not met him. Raises Blacklisted."""
        async with self._uow.read() as tx:
            person = await repository.find_person_by_telegram_id(tx, telegram_id)
        return self._actor(person) if person else None

    async def ensure_root(self) -> None:
        """Make ROOT_ADMIN_ID the one root admin; called at every start."""
        async with self._uow() as tx:
            await domain.ensure_root(tx, self._root_admin_id, self._default_language)
        self._people.clear()

    async def mark_bot_blocked(self, telegram_id: int, blocked: bool) -> None:
        """Note that this person has blocked the bot, or takes its messages again."""
        async with self._uow() as tx:
            person = await repository.find_person_by_telegram_id(tx, telegram_id)
            if person is not None:
                await repository.mark_bot_blocked(tx, person.id, tx.now if blocked else None)

    # One's own choices

    async def set_language(self, actor: Actor, language: Locale) -> Actor:
        """Speak ``language`` to the actor from now on, whatever Telegram says."""
        await self._set(actor.id, {"language": language.value, "language_chosen": True})
        return msgspec.structs.replace(actor, language=language)

    async def set_timezone(self, actor: Actor, timezone: str) -> Actor:
        """Tell the actor times in the IANA zone ``timezone``. Raises Invalid for a zone that there is not."""
        known = rules.known_timezone(timezone)
        if known is None:
            raise Invalid("no such timezone", fields={"timezone": "unknown_timezone"})
        await self._set(actor.id, {"timezone": known, "timezone_chosen": True})
        return msgspec.structs.replace(actor, timezone=known)

    # What admins do

    async def find_users(
        self, actor: Actor, query: str = "", cursor: str | None = None, also: Sequence[UserId] = ()
    ) -> Page[UserRow]:
        """People, newest first, by the start of Telegram id or @username, or a part of the name; and ``also``.

        Needs the permission for users, for money or for admins: whoever gives unmatched money to a person, or makes
        them an admin, must find them. Raises Forbidden.
        """
        if not (actor.may(Permission.MONEY) or actor.may(Permission.ADMINS)):
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

    async def list_admins(self, actor: Actor) -> list[UserDetail]:
        """Every admin, the root admin first. Raises Forbidden."""
        actor.require(Permission.ADMINS)
        async with self._uow.read() as tx:
            return await repository.list_admin_details(tx, self._default_timezone)

    async def names_of(self, actor: Actor, user_ids: Iterable[UserId]) -> dict[UserId, str]:
        """Names of people, for the lists of any admin. Raises Forbidden."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.user_names(tx, user_ids)

    async def count_new(self, actor: Actor, since: datetime) -> int:
        """How many people have come for the first time since a moment. Raises Forbidden."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return await repository.count_since(tx, since)

    @retry_conflicts
    async def blacklist(self, actor: Actor, user_id: UserId, reason: str) -> None:
        """Shut somebody out, everywhere and at once; an admin only by one who may change admins.

        Raises Forbidden, RootProtected, NotYourself, NotFound, and Invalid without a reason.
        """
        reason = fold(reason.replace("\0", ""))
        if not 0 < len(reason) <= _MAX_REASON:
            raise Invalid("a reason is needed", fields={"reason": "required" if not reason else "too_long"})
        async with self._uow() as tx:
            target = await self._subject(tx, actor, user_id, Permission.USERS)
            values = {"blacklisted_at": tx.now, "blacklist_reason": reason}
            await repository.set_fields(tx, target.id, values)
            await audit.record(tx, actor.user_id, "users.blacklist", f"user:{user_id}", {"reason": reason})
            tx.emit(PersonBlocked(user_id=user_id))
        self._people.forget(user_id)

    @retry_conflicts
    async def unblacklist(self, actor: Actor, user_id: UserId) -> None:
        """Let somebody in again; does nothing when he is not shut out. Raises as blacklist does."""
        async with self._uow() as tx:
            target = await self._subject(tx, actor, user_id, Permission.USERS)
            if target.blacklist_reason is not None:
                await repository.set_fields(tx, user_id, {"blacklisted_at": None, "blacklist_reason": None})
                before = {"reason": target.blacklist_reason}
                await audit.record(tx, actor.user_id, "users.unblacklist", f"user:{user_id}", before)
        self._people.forget(user_id)

    @retry_conflicts
    async def set_permissions(self, actor: Actor, user_id: UserId, permissions: Iterable[Permission]) -> None:
        """Give somebody exactly ``permissions``; nobody gives or takes what he does not hold himself.

        Raises Forbidden, RootProtected, NotYourself, NotFound.
        """
        wanted = frozenset(permissions)
        async with self._uow() as tx:
            target = await self._subject(tx, actor, user_id, Permission.ADMINS)
            before = rules.held(target.permissions, is_root=False)
            if not (wanted ^ before) <= actor.permissions:
                raise Forbidden("gives or takes what the actor does not hold")
            if wanted != before:
                await repository.set_fields(tx, user_id, {"permissions": sorted(wanted)})
                change = {"before": sorted(before), "after": sorted(wanted)}
                await audit.record(tx, actor.user_id, "admins.set_permissions", f"user:{user_id}", change)
        self._people.forget(user_id)

    async def set_reseller(self, actor: Actor, user_id: UserId, on: bool) -> None:
        """Let somebody buy at reseller prices, or no more. Raises Forbidden, NotYourself, NotFound."""
        await self._set_standing(actor, user_id, "is_reseller", on)

    async def set_premium(self, actor: Actor, user_id: UserId, on: bool) -> None:
        """Make somebody one of the shop's premium people, or no more. Raises Forbidden, NotYourself, NotFound."""
        await self._set_standing(actor, user_id, "is_premium", on)

    # Helpers

    @retry_conflicts
    async def _set_standing(self, actor: Actor, user_id: UserId, column: str, on: bool) -> None:
        async with self._uow() as tx:
            await self._current(tx, actor, user_id, Permission.USERS)
            # Lower prices for oneself are value for oneself: only a seller who is alone may.
            if on and user_id == actor.user_id and await domain.is_another_admin(tx, Permission.USERS, {user_id}):
                raise NotYourself("an admin cannot give this to themselves")
            await repository.set_fields(tx, user_id, {column: on})
            await audit.record(
                tx, actor.user_id, f"users.set_{column.removeprefix('is_')}", f"user:{user_id}", {"on": on}
            )
        self._people.forget(user_id)

    async def _current(self, tx: Tx, actor: Actor, user_id: UserId, permission: Permission) -> Person:
        """The target, locked, after checking the actor's rights as they are now and not as his session saw them."""
        actor.require(permission)
        wanted = {user_id} if actor.user_id is None else {user_id, actor.user_id}
        people = await repository.lock_persons(tx, wanted)
        if actor.user_id is not None:
            self_now = people.get(actor.user_id)
            if self_now is None or self_now.role_version != actor.role_version:
                raise SessionRevoked("the admin's rights have changed")
        if user_id not in people:
            raise NotFound("no such user")
        return people[user_id]

    async def _subject(self, tx: Tx, actor: Actor, user_id: UserId, permission: Permission) -> Person:
        """As _current, for what may shut out or demote: never root, never oneself, an admin only by an equal."""
        target = await self._current(tx, actor, user_id, permission)
        if target.is_root:
            raise RootProtected("the root admin")
        if user_id == actor.user_id:
            raise NotYourself("an admin cannot do this to himself")
        if target.permissions:
            actor.require(Permission.ADMINS)
            if not rules.held(target.permissions, is_root=False) <= actor.permissions:
                raise Forbidden("the other holds more")
        return target

    async def _set(self, user_id: UserId, values: dict[str, Any]) -> None:
        async with self._uow() as tx:
            await repository.set_fields(tx, user_id, values)
        self._people.forget(user_id)

    async def _load(self, user_id: UserId) -> Person | None:
        ticket = self._people.ticket
        async with self._uow.read() as tx:
            person = await repository.find_person(tx, user_id)
        if person is not None:
            self._people.put(person, ticket)
        return person

    def _cleaned(self, contact: Contact) -> Contact:
        return msgspec.structs.replace(
            contact,
            first_name=rules.clean_name(contact.first_name) or "",
            last_name=rules.clean_name(contact.last_name),
            username=rules.clean_name(contact.username),
            photo_url=rules.photo_url(contact.photo_url),
            language_code=rules.clean_name(contact.language_code),
            start_param=rules.start_param(contact.start_param),
            timezone=rules.known_timezone(contact.timezone),
        )

    def _actor(self, person: Person) -> Actor:
        if person.blacklist_reason is not None:
            raise Blacklisted(f"user {person.id}")
        return Actor(
            user_id=person.id,
            telegram_id=person.telegram_id,
            first_name=person.first_name,
            language=Locale(person.language),
            timezone=person.timezone or self._default_timezone,
            permissions=rules.held(person.permissions, is_root=person.is_root),
            is_root=person.is_root,
            is_reseller=person.is_reseller,
            is_premium=person.is_premium,
            role_version=person.role_version,
            username=person.username,
            photo_url=person.photo_url,
        )


def _differs(person: Person, contact: Contact, seen_before: datetime) -> bool:
    """Whether Telegram tells something new, or the person was last noted before ``seen_before``."""
    return (
        person.seen_at is None
        or person.seen_at < seen_before
        or (person.first_name, person.last_name, person.username, person.telegram_premium)
        != (contact.first_name, contact.last_name, contact.username, contact.is_premium)
        or (contact.photo_url is not None and contact.photo_url != person.photo_url)
        or (contact.language_code is not None and contact.language_code != person.language_code)
        or (contact.timezone not in {None, person.timezone} and not person.timezone_chosen)
    )
