"""The person whom an admin is about to change, locked after the admin's rights are checked in the database."""

from __future__ import annotations

from backend.identity import repository, rules
from backend.identity.errors import NotYourself, RootProtected, SessionRevoked
from backend.identity.repository import Person
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import UserId


async def lock_actor(tx: Tx, actor: Actor, permission: Permission) -> None:
    """Lock the acting admin, whose rights may have changed since the session was checked.

    Raises Forbidden without ``permission``, SessionRevoked.
    """
    actor.require(permission)
    if actor.user_id is not None:
        await lock_person(tx, actor, actor.user_id, permission)


async def lock_person(tx: Tx, actor: Actor, user_id: UserId, permission: Permission) -> Person:
    """Lock the person, and the actor, whose rights may have changed since the session was checked.

    Raises Forbidden without ``permission``, SessionRevoked, NotFound.
    """
    actor.require(permission)
    ids = {user_id} if actor.user_id is None else {user_id, actor.user_id}
    people = await repository.lock_persons(tx, ids)
    if actor.user_id is not None:
        admin = people.get(actor.user_id)
        if admin is None or admin.role_version != actor.role_version:
            raise SessionRevoked("the admin's rights have changed")
    if user_id not in people:
        raise NotFound("no such user")
    return people[user_id]


async def lock_subordinate(tx: Tx, actor: Actor, user_id: UserId, permission: Permission) -> Person:
    """Lock a person whom the actor may block, unblock or give other permissions.

    Raises as lock_person does, RootProtected for the root admin, NotYourself for the actor, and Forbidden for an admin
    who holds a permission that the actor does not hold.
    """
    person = await lock_person(tx, actor, user_id, permission)
    if person.is_root:
        raise RootProtected("the root admin")
    if user_id == actor.user_id:
        raise NotYourself("an admin cannot do this to themselves")
    if person.permissions:
        actor.require(Permission.ADMINS)
        if not rules.held(person.permissions, is_root=False) <= actor.permissions:
            raise Forbidden("the other admin holds more")
    return person
