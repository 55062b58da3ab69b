"""Questions of other slices about people, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from backend.identity import repository, rules
from backend.identity.repository import contacts, finding, premium, recipients, timeline
from backend.identity.types import (
    Actor,
    BotUnblocked,
    Permission,
    PersonContact,
    PersonState,
    PremiumPeriod,
    PremiumStage,
    Recipient,
    Standing,
    UserRow,
)
from backend.infra import personal
from backend.infra.crypto import DecryptionError, KeyRing, open_sealed, seal
from backend.infra.timeline import Before, Entry, EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, UserId
from backend.kernel.text import Locale


async def get_recipient(tx: Tx, user_id: UserId, *, default_timezone: str = "UTC") -> Recipient:
    """How to message a person. Raises NotFound."""
    return await recipients.get_recipient(tx, user_id, default_timezone)


async def list_recipients(tx: Tx, ids: Iterable[UserId], *, default_timezone: str = "UTC") -> dict[UserId, Recipient]:
    """How to message the people in ``ids`` that exist."""
    return await recipients.list_recipients(tx, ids, default_timezone)


async def list_admins(tx: Tx, permission: Permission, *, default_timezone: str = "UTC") -> list[Recipient]:
    """The admins to notify about what ``permission`` covers; always with the root admin."""
    return await recipients.list_admins(tx, permission, default_timezone)


async def is_another_admin(tx: Tx, permission: Permission, besides: Iterable[UserId]) -> bool:
    """Whether an admin who is not one of ``besides`` holds ``permission``."""
    excluded = set(besides)
    return any(admin.user_id not in excluded for admin in await recipients.list_admins(tx, permission, "UTC"))


async def holds(tx: Tx, user_id: UserId, permission: Permission) -> bool:
    """Whether a person holds ``permission`` now and is not blocked."""
    return any(admin.user_id == user_id for admin in await recipients.list_admins(tx, permission, "UTC"))


def these(ids: Iterable[UserId]) -> Select[Any]:
    """A selection of ids, as ``people`` makes one."""
    return repository.these(ids)


async def list_states(tx: Tx, ids: Select[Any], limit: int) -> list[PersonState]:
    """The first people of a selection of ids, as actions on people see them."""
    return [_state(tx, person) for person in await repository.list_persons(tx, ids, limit)]


async def lock_states(tx: Tx, by: UserId, user_id: UserId) -> tuple[Actor | None, PersonState]:
    """An admin with the rights they hold now (None for a blocked one), and a person, both locked. Raises NotFound."""
    people = await repository.lock_persons(tx, {by, user_id})
    if user_id not in people:
        raise NotFound("no such user")
    admin = people.get(by)
    if admin is None or rules.is_blocked(tx.now, admin.blacklist_reason, admin.blocked_until):
        return None, _state(tx, people[user_id])
    actor = Actor(
        user_id=by,
        telegram_id=admin.telegram_id,
        first_name=admin.first_name,
        language=Locale(admin.language),
        timezone=admin.timezone or "UTC",
        permissions=rules.held(admin.permissions, is_root=admin.is_root),
        is_root=admin.is_root,
        role_version=admin.role_version,
    )
    return actor, _state(tx, people[user_id])


def _state(tx: Tx, person: repository.Person) -> PersonState:
    blocked = rules.is_blocked(tx.now, person.blacklist_reason, person.blocked_until)
    return PersonState(
        id=person.id,
        is_root=person.is_root,
        permissions=rules.held(person.permissions, is_root=person.is_root),
        is_reseller=person.is_reseller,
        blocked=blocked,
        block_reason=person.blacklist_reason if blocked else None,
        blocked_until=person.blocked_until if blocked else None,
    )


async def is_blocked(tx: Tx, user_id: UserId) -> bool:
    """Whether a person is blocked; locked, so that it cannot change before the transaction ends. Raises NotFound."""
    return await repository.lock_standing(tx, user_id)


async def mark_bot_blocked(tx: Tx, user_id: UserId, at: datetime | None) -> None:
    """Record since when the person has blocked the bot; None: they have unblocked it."""
    if await repository.mark_bot_blocked(tx, user_id, at) and at is None:
        tx.emit(BotUnblocked(user_id=user_id))


async def user_names(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """First and last names of the people in ``ids`` that exist."""
    return await repository.user_names(tx, ids)


async def usernames(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """The @username, without its sign, of those people in ``ids`` who have one."""
    return await repository.usernames(tx, ids)


async def list_contacts(tx: Tx, ids: Collection[UserId]) -> dict[UserId, PersonContact]:
    """How the people in ``ids`` that exist are told apart in a file."""
    return await contacts.list_contacts(tx, ids)


async def find_user_id(tx: Tx, telegram_id: int) -> UserId | None:
    """The person with this Telegram ID, blocked or not; None when the shop does not know them."""
    person = await repository.find_person_by_telegram_id(tx, telegram_id)
    return person.id if person else None


def accounts(now: datetime) -> Select[UUID, int, bool]:
    """Each person's ``id``, ``telegram_id`` and whether they are ``blocked`` at ``now``, for joins."""
    return repository.accounts(now)


def matching_users(query: str) -> Select[UUID]:
    """All people by start of Telegram ID or @username, or by part of the name, as a condition: ``id.in_(…)``."""
    return repository.matching(query)


def people(
    now: datetime,
    grace: timedelta,
    *,
    text: str = "",
    also: Iterable[UserId] = (),
    standings: Iterable[Standing] = (),
    language: Locale | None = None,
    source: str = "",
    among: Iterable[Select[Any]] = (),
    besides: Iterable[Select[Any]] = (),
) -> Select[Any]:
    """The ids of the people who fit everything that is given, as one statement or a condition: ``id.in_(…)``.

    ``among`` and ``besides`` are other slices' selections of ids; ``also`` are those whom ``text`` means otherwise.
    """
    what = [finding.is_(standing, now, grace) for standing in standings]
    return finding.people(
        text=text, also=also, standings=what, language=language, source=source, among=among, besides=besides
    )


async def count_people(tx: Tx, ids: Select[Any]) -> int:
    """How many people a selection of ``people`` has."""
    return await finding.count(tx, ids)


async def list_people(tx: Tx, ids: Select[Any], before: UUID | None, limit: int) -> list[UserRow]:
    """The people of a selection of ``people``, the newest first, below the id ``before``."""
    return list(await finding.list_rows(tx, ids, before, limit))


async def find_users(tx: Tx, query: str, limit: int) -> list[UserId]:
    """The newest people by start of Telegram ID or @username, or by part of the name."""
    return [person.id for person in await repository.list_users(tx, query, None, limit)]


async def seal_text(tx: Tx, ring: KeyRing, user_id: UserId, text: str, context: bytes) -> bytes:
    """What an admin writes about a person, sealed with the person's data key; ``context`` says where it belongs."""
    key_id, key = await personal.key_of(tx, ring, user_id)
    return key_id.bytes + seal(key, text.encode(), context)


async def open_text(tx: Tx, ring: KeyRing, sealed: bytes, context: bytes) -> str | None:
    """What was sealed; None where its key was destroyed or cannot be opened."""
    try:
        key = await ring.get(tx, DataKeyId(UUID(bytes=sealed[:16])))
        return open_sealed(key, sealed[16:], context).decode()
    except DecryptionError:
        return None


async def list_visits(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's first visit; a source of their timeline."""
    first = await timeline.find_first_visit(tx, user_id) if limit else None
    if first is None or (first, user_id) >= (before.at, before.id):
        return []
    return [Entry(kind=EntryKind.VISIT, at=first, id=user_id)]


def notes_source(ring: KeyRing) -> Source:
    """Admins' notes, as a source of the person's timeline."""

    async def list_notes(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
        return [
            Entry(
                kind=EntryKind.NOTE,
                at=note.created_at,
                id=note.id,
                by=note.author_id,
                text=await open_text(tx, ring, note.sealed, b"person-note" + note.id.bytes) or "",
                edited=note.edited_at is not None,
            )
            for note in await timeline.list_notes(tx, user_id, before, limit)
        ]

    return Source(EntryKind.NOTE, list_notes)


async def is_premium(tx: Tx, user_id: UserId, grace: timedelta) -> bool:
    """Whether a person may buy now what is for premium members. Raises NotFound."""
    endless, until = await premium.get_end(tx, user_id)
    return rules.is_premium(tx.now, until, grace, endless=endless)


async def has_endless_premium(tx: Tx, user_id: UserId) -> bool:
    """Whether an admin has given a person premium without an end. Raises NotFound."""
    return (await premium.get_end(tx, user_id))[0]


async def find_premium(tx: Tx, user_id: UserId) -> PremiumPeriod | None:
    """The latest period of a person's premium, over or not; None where there is none."""
    return await premium.find(tx, user_id)


async def lock_premium(tx: Tx, user_id: UserId) -> PremiumPeriod | None:
    """The latest period of a person's premium, which nobody else can change before the transaction ends."""
    return await premium.lock(tx, user_id)


async def set_premium(tx: Tx, user_id: UserId, period: PremiumPeriod | None) -> None:
    """Change a person's premium, which is locked; None ends it at once. Every process is told with the commit."""
    await premium.store(tx, user_id, period)


async def take_premium_end(tx: Tx, ahead: timedelta, grace: timedelta) -> tuple[UserId, datetime, PremiumStage] | None:
    """The next person of whose end something is to be told: who, when it is, and what is told now, once.

    That it comes, ``ahead`` of it; that it came; that the days of ``grace`` after it have ended.
    """
    return await premium.take_end(tx, tx.now + ahead, tx.now, tx.now - grace)


async def ensure_root(tx: Tx, telegram_id: int, language: Locale = Locale.EN) -> None:
    """Make ``telegram_id`` the only root admin; does nothing when they are already."""
    await repository.move_root(tx, telegram_id, language)
