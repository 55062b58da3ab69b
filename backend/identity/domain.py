"""What other slices may ask about people, inside their own transactions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from backend.identity import repository
from backend.identity.types import Permission, Recipient
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


async def get_recipient(tx: Tx, user_id: UserId, *, default_timezone: str = "UTC") -> Recipient:
    """How to write to somebody. Raises NotFound."""
    return await repository.get_recipient(tx, user_id, default_timezone)


async def list_admins(tx: Tx, permission: Permission, *, default_timezone: str = "UTC") -> list[Recipient]:
    """Everybody to be told what concerns ``permission``; the root admin always."""
    return await repository.list_admins(tx, permission, default_timezone)


async def is_another_admin(tx: Tx, permission: Permission, besides: Iterable[UserId]) -> bool:
    """Whether anybody holds ``permission`` but these."""
    alone = set(besides)
    return any(one.user_id not in alone for one in await repository.list_admins(tx, permission, "UTC"))


async def holds(tx: Tx, user_id: UserId, permission: Permission) -> bool:
    """Whether somebody holds ``permission`` now and is not blocked."""
    return any(one.user_id == user_id for one in await repository.list_admins(tx, permission, "UTC"))


async def is_blocked(tx: Tx, user_id: UserId) -> bool:
    """Whether somebody is blocked; stays as it is until the transaction ends. Raises NotFound."""
    return await repository.lock_standing(tx, user_id)


async def mark_bot_blocked(tx: Tx, user_id: UserId, at: datetime | None) -> None:
    """Note that Telegram refuses our messages to him since ``at``; None: it takes them again."""
    await repository.mark_bot_blocked(tx, user_id, at)


async def user_names(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """First and last names of those of ``ids`` that exist."""
    return await repository.user_names(tx, ids)


async def find_user_id(tx: Tx, telegram_id: int) -> UserId | None:
    """The person with this Telegram id, blocked or not; None when the shop has not met them."""
    person = await repository.find_person_by_telegram_id(tx, telegram_id)
    return person.id if person else None


async def find_users(tx: Tx, query: str, limit: int) -> list[UserId]:
    """The newest people by start of Telegram id or @username, or by part of the name."""
    return [person.id for person in await repository.list_users(tx, query, None, limit)]


async def ensure_root(tx: Tx, telegram_id: int, language: Locale = Locale.EN) -> None:
    """Make ``telegram_id`` the one root admin; does nothing when he is."""
    await repository.move_root(tx, telegram_id, language)
