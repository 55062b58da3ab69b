"""Who is asking: a verified contact or a session becomes an actor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.identity import domain, repository, rules
from backend.identity.cache import EndedSessions, PeopleCache
from backend.identity.errors import Blocked, SessionRevoked
from backend.identity.repository import Person
from backend.identity.types import Actor, Contact, LinkFollowed
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

_SEEN_EVERY: Final = timedelta(hours=1)
"""How old ``seen_at`` may be before it is written again."""


class AccessService:
    """Signs people in, and knows who is the root admin.

    An actor is made at each request: premium ends at its moment, ``premium_grace`` after its last day, without a write.
    So does a block with an end.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        cache: PeopleCache,
        ended: EndedSessions,
        clock: Clock,
        premium_grace: Live[timedelta],
        root_admin_id: int,
        default_language: str,
        default_timezone: str,
    ) -> None:
        self._uow = uow
        self._cache = cache
        self._ended = ended
        self._clock = clock
        self._premium_grace = premium_grace
        self._root_admin_id = root_admin_id
        self._default_language = Locale.closest(default_language)
        self._default_timezone = default_timezone

    async def authenticate(self, contact: Contact) -> Actor:
        """The person behind a verified contact: registered at the first one, updated when Telegram's data changed.

        Raises Blocked.
        """
        contact = _cleaned(contact)
        async with self._uow.read() as tx:
            person = await repository.find_person_by_telegram_id(tx, contact.telegram_id)
            now = tx.now
        changed = person is None or _differs(person, contact, now - _SEEN_EVERY)
        if person is None or (not _is_blocked(person, now) and (changed or contact.start_param)):
            language = Locale.closest(contact.language_code, self._default_language)
            async with self._uow() as write:
                person = await repository.add_or_update(write, contact, language)
                if contact.start_param is not None:
                    write.emit(LinkFollowed(user_id=person.id, start_param=contact.start_param, at=write.now))
            self._cache.forget(person.id)
        return self._actor(person)

    async def actor_by_id(self, user_id: UserId, role_version: int, session_id: UUID | None = None) -> Actor:
        """The person of a session that was made at ``role_version``. Raises Blocked, SessionRevoked.

        Whether the session was ended is asked in memory.
        """
        if session_id is not None and await self._ended.has(session_id):
            raise SessionRevoked("the session was ended")
        person = self._cache.get(user_id)
        if person is None or person.role_version != role_version:
            person = await self._load(user_id)
        if person is None:
            raise SessionRevoked("no such user")
        actor = self._actor(person)
        if person.role_version != role_version:
            raise SessionRevoked("rights have changed since")
        return actor if session_id is None else msgspec.structs.replace(actor, session_id=session_id)

    async def actor_by_telegram_id(self, telegram_id: int) -> Actor | None:
        """The person with this Telegram ID; None when the shop does not know them. Raises Blocked."""
        async with self._uow.read() as tx:
            person = await repository.find_person_by_telegram_id(tx, telegram_id)
        return self._actor(person) if person else None

    async def ensure_root(self) -> None:
        """Make ROOT_ADMIN_ID the one root admin; called at every start."""
        async with self._uow() as tx:
            await domain.ensure_root(tx, self._root_admin_id, self._default_language)
        self._cache.clear()

    async def mark_bot_blocked(self, telegram_id: int, blocked: bool) -> None:
        """Record that this person has blocked the bot, or has unblocked it."""
        async with self._uow() as tx:
            person = await repository.find_person_by_telegram_id(tx, telegram_id)
            if person is not None:
                await domain.mark_bot_blocked(tx, person.id, tx.now if blocked else None)

    async def _load(self, user_id: UserId) -> Person | None:
        ticket = self._cache.ticket
        async with self._uow.read() as tx:
            person = await repository.find_person(tx, user_id)
        if person is not None:
            self._cache.put(person, ticket)
        return person

    def _actor(self, person: Person) -> Actor:
        if _is_blocked(person, self._clock.now()):
            raise Blocked(person.id, Locale(person.language))
        return Actor(
            user_id=person.id,
            telegram_id=person.telegram_id,
            first_name=person.first_name,
            language=Locale(person.language),
            timezone=person.timezone or self._default_timezone,
            zone_source=rules.zone_source(person.timezone, chosen=person.timezone_chosen),
            permissions=rules.held(person.permissions, is_root=person.is_root),
            is_root=person.is_root,
            is_reseller=person.is_reseller,
            is_premium=rules.is_premium(
                self._clock.now(), person.premium_until, self._premium_grace(), endless=person.is_premium
            ),
            premium_until=None if person.is_premium else person.premium_until,
            role_version=person.role_version,
            username=person.username,
            photo_url=person.photo_url,
        )


def _is_blocked(person: Person, now: datetime) -> bool:
    return rules.is_blocked(now, person.blacklist_reason, person.blocked_until)


def _cleaned(contact: Contact) -> Contact:
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


def _differs(person: Person, contact: Contact, seen_before: datetime) -> bool:
    """Whether Telegram's data changed, or ``seen_at`` is older than ``seen_before``."""
    return (
        person.seen_at is None
        or person.seen_at < seen_before
        or (person.first_name, person.last_name, person.username, person.telegram_premium)
        != (contact.first_name, contact.last_name, contact.username, contact.is_premium)
        or (contact.photo_url is not None and contact.photo_url != person.photo_url)
        or (contact.language_code is not None and contact.language_code != person.language_code)
        or (contact.timezone not in {None, person.timezone} and not person.timezone_chosen)
    )
