"""Questions of other slices about people, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from backend.identity import repository
from backend.identity.types import Permission, Recipient
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


async def get_recipient(tx: Tx, user_id: UserId, *, default_timezone: str = "UTC") -> Recipient:
    """How to message a person. Raises NotFound."""
    return await repository.get_recipient(tx, user_id, default_timezone)


async def list_admins(tx: Tx, permission: Permission, *, default_timezone: str = "UTC") -> list[Recipient]:
    """The admins to notify about what ``permission`` covers; always with the root admin."""
    return await repository.list_admins(tx, permission, default_timezone)


async def is_another_admin(tx: Tx, permission: Permission, besides: Iterable[UserId]) -> bool:
    """Whether an admin who is not one of ``besides`` holds ``permission``."""
    excluded = set(besides)
    return any(admin.user_id not in excluded for admin in await repository.list_admins(tx, permission, "UTC"))


async def holds(tx: Tx, user_id: UserId, permission: Permission) -> bool:
    """Whether a person holds ``permission`` now and is not blocked."""
    return any(admin.user_id == user_id for admin in await repository.list_admins(tx, permission, "UTC"))


async def is_blocked(tx: Tx, user_id: UserId) -> bool:
    """Whether a person is blocked; locked, so that it cannot change before the transaction ends. Raises NotFound."""
    return await repository.lock_standing(tx, user_id)


async def mark_bot_blocked(tx: Tx, user_id: UserId, at: datetime | None) -> None:
    """Record since when the person has blocked the bot; None: they have unblocked it."""
    await repository.mark_bot_blocked(tx, user_id, at)


async def user_names(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """First and last names of the people in ``ids`` that exist."""
    return await repository.user_names(tx, ids)


async def find_user_id(tx: Tx, telegram_id: int) -> UserId | None:
    """The person with this Telegram ID, blocked or not; None when the shop does not know them."""
    person = await repository.find_person_by_telegram_id(tx, telegram_id)
    return person.id if person else None


async def find_users(tx: Tx, query: str, limit: int) -> list[UserId]:
    """The newest people by start of Telegram ID or @username, or by part of the name."""
    return [person.id for person in await repository.list_users(tx, query, None, limit)]


async def ensure_root(tx: Tx, telegram_id: int, language: Locale = Locale.EN) -> None:
    """Make ``telegram_id`` the only root admin; does nothing when they are already."""
    await repository.move_root(tx, telegram_id, language)
