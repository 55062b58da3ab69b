"""What admins change of a person, inside the caller's transaction, who has the person read again after it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backend.identity import repository, rules
from backend.identity.domain import is_another_admin
from backend.identity.domain.locking import lock_person, lock_subordinate
from backend.identity.errors import NotYourself
from backend.identity.repository import Person
from backend.identity.types import Actor, Permission, PersonBlocked
from backend.infra import audit
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.text import fold

_MAX_REASON: Final = 500


async def block(tx: Tx, actor: Actor, user_id: UserId, reason: str, until: datetime | None) -> None:
    """Block a person, or change the reason and the end of their block, as PeopleService.block does."""
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
    await audit.record(tx, actor.user_id, "users.blacklist", f"user:{user_id}", facts, person=user_id, before=before)
    tx.emit(PersonBlocked(user_id=user_id))


async def unblock(tx: Tx, actor: Actor, user_id: UserId) -> None:
    """Unblock a person, as PeopleService.unblock does."""
    person = await lock_subordinate(tx, actor, user_id, Permission.USERS)
    if _is_blocked(tx, person):
        values = {"blacklisted_at": None, "blacklist_reason": None, "blocked_until": None}
        await repository.set_fields(tx, user_id, values)
        facts = _block_facts(person)
        await audit.record(tx, actor.user_id, "users.unblacklist", f"user:{user_id}", facts, person=user_id)


async def set_status(tx: Tx, actor: Actor, user_id: UserId, column: str, on: bool) -> None:
    """Make a person a reseller or a premium member, or no longer, as PeopleService does.

    ``column`` is ``is_reseller`` or ``is_premium``.
    """
    person = await lock_person(tx, actor, user_id, Permission.USERS)
    # Lower prices for oneself are value for oneself: only a shop's only admin may give them.
    if on and user_id == actor.user_id and await is_another_admin(tx, Permission.USERS, {user_id}):
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
