"""The shop's own roles: sets of permissions under a name, from which an admin's are chosen. See decisions/0143."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from backend.identity.domain.locking import lock_actor
from backend.identity.errors import RoleNameTaken, TooManyRoles
from backend.identity.repository import roles as repository
from backend.identity.types import Actor, Permission, Role
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.text import fold

LONGEST_NAME: Final = 40
"""Characters of a role's name."""
MOST_ROLES: Final = 30


class RolesService:
    """Admins with the permission for admins make roles of what they hold, and change those that hold no more.

    A role gives nothing by itself: nobody's permissions change with it.
    """

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_all(self, actor: Actor) -> list[Role]:
        """Every role, by name. Raises Forbidden."""
        actor.require(Permission.ADMINS)
        async with self._uow.read() as tx:
            return await repository.list_all(tx)

    @retry_conflicts
    async def create(self, actor: Actor, name: str, permissions: Iterable[Permission]) -> UUID:
        """Save a set of permissions as a role. Raises Forbidden, Invalid, RoleNameTaken, TooManyRoles."""
        async with self._uow() as tx:
            await lock_actor(tx, actor, Permission.ADMINS)
            role = Role(id=tx.new_id(), name=_checked(name), permissions=_given(actor, permissions))
            others = await repository.lock_all(tx)
            if len(others) >= MOST_ROLES:
                raise TooManyRoles(limit=MOST_ROLES)
            _check_name(role, others)
            await repository.add(tx, role, actor.user_id)
            await audit.record(tx, actor.user_id, "admins.create_role", f"role:{role.id}", after=_facts(role))
        return role.id

    @retry_conflicts
    async def change(self, actor: Actor, role_id: UUID, name: str, permissions: Iterable[Permission]) -> None:
        """Rename a role, or change what it holds. Raises Forbidden, NotFound, Invalid, RoleNameTaken."""
        async with self._uow() as tx:
            await lock_actor(tx, actor, Permission.ADMINS)
            roles = await repository.lock_all(tx)
            before = _own(actor, role_id, roles)
            after = replace(before, name=_checked(name), permissions=_given(actor, permissions))
            if after == before:
                return
            _check_name(after, roles)
            await repository.change(tx, after)
            await audit.record(
                tx,
                actor.user_id,
                "admins.change_role",
                f"role:{role_id}",
                before=_facts(before),
                after=_facts(after),
            )

    @retry_conflicts
    async def remove(self, actor: Actor, role_id: UUID) -> None:
        """Delete a role. Raises Forbidden, NotFound."""
        async with self._uow() as tx:
            await lock_actor(tx, actor, Permission.ADMINS)
            role = _own(actor, role_id, await repository.lock_all(tx))
            await repository.remove(tx, role_id)
            await audit.record(tx, actor.user_id, "admins.delete_role", f"role:{role_id}", before=_facts(role))


def _own(actor: Actor, role_id: UUID, roles: Sequence[Role]) -> Role:
    """The role, which holds no more than the actor does. Raises Forbidden, NotFound."""
    for role in roles:
        if role.id == role_id:
            if not role.permissions <= actor.permissions:
                raise Forbidden("the role holds more than the actor")
            return role
    raise NotFound("no such role")


def _given(actor: Actor, permissions: Iterable[Permission]) -> frozenset[Permission]:
    chosen = frozenset(permissions)
    if not chosen:
        raise Invalid("a role without a permission", fields={"permissions": "required"})
    if not chosen <= actor.permissions:
        raise Forbidden("a permission that the actor does not hold")
    return chosen


def _check_name(role: Role, roles: Sequence[Role]) -> None:
    if any(one.name.casefold() == role.name.casefold() for one in roles if one.id != role.id):
        raise RoleNameTaken(role.name)


def _checked(name: str) -> str:
    plain = fold(name.replace("\0", ""))
    if not 0 < len(plain) <= LONGEST_NAME:
        raise Invalid("a role has a name", fields={"name": "required" if not plain else "too_long"})
    return plain


def _facts(role: Role) -> dict[str, Any]:
    return {"name": role.name, "permissions": sorted(role.permissions)}
