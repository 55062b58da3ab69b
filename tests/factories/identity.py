"""People."""

from __future__ import annotations

import itertools
from typing import Any

from backend.identity import repository
from backend.identity.service import IdentityServices
from backend.identity.types import Actor, Contact, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

_numbers = itertools.count(10_000)


def contact(telegram_id: int | None = None, **fields: Any) -> Contact:
    """A person as Telegram describes them; a new one each time unless ``telegram_id`` says otherwise."""
    number = telegram_id or next(_numbers)
    return Contact(**{"telegram_id": number, "first_name": f"Person {number}", "language_code": "en", **fields})


async def add_user(tx: Tx, telegram_id: int | None = None, **fields: Any) -> UserId:
    """A registered person, in the caller's transaction."""
    new_contact = contact(telegram_id, **fields)
    person = await repository.add_or_update(tx, new_contact, Locale.closest(new_contact.language_code))
    return person.id


async def add_admin(tx: Tx, *permissions: Permission, telegram_id: int | None = None) -> UserId:
    """A person with permissions, in the caller's transaction."""
    user_id = await add_user(tx, telegram_id)
    await repository.set_fields(tx, user_id, {"permissions": sorted(permissions)})
    return user_id


async def person(identity: IdentityServices, telegram_id: int | None = None, **fields: Any) -> Actor:
    """A registered person as an actor, through the service's own door."""
    return await identity.access.authenticate(contact(telegram_id, **fields))


async def admin(identity: IdentityServices, root_id: int, *permissions: Permission) -> Actor:
    """A person whom the root admin has given ``permissions``."""
    root, promoted = await identity.access.authenticate(contact(root_id)), await person(identity)
    await identity.admins.set_permissions(root, promoted.id, permissions)
    actor = await identity.access.actor_by_telegram_id(promoted.telegram_id)
    assert actor is not None
    return actor
