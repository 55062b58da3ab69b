"""The SQL of the shop's own roles."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from backend.identity.models import AdminRole, User
from backend.identity.types import Permission, Role
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_R: Final = AdminRole
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('admin_roles', 0))")
# An admin's permissions are stored sorted, as a role's are.
_HOLDERS: Final = (
    select(func.count())
    .select_from(User)
    .where(User.permissions == _R.permissions, ~User.is_root)
    .correlate(_R)
    .scalar_subquery()
)


async def list_all(tx: Tx) -> list[Role]:
    """Every role by name, with how many admins have exactly its permissions."""
    statement = select(_R.id, _R.name, _R.permissions, _HOLDERS.label("holders")).order_by(func.lower(_R.name), _R.id)
    return [_role(row) for row in await tx.execute(statement)]


async def lock_all(tx: Tx) -> list[Role]:
    """Every role; nobody else adds, changes or deletes one before the transaction ends."""
    await tx.execute(_LOCK)
    return await list_all(tx)


async def add(tx: Tx, role: Role, by: UserId | None) -> None:
    """Store a new role."""
    values = {"id": role.id, "name": role.name, "permissions": sorted(role.permissions), "created_by": by}
    await tx.execute(insert(_R).values(**values, created_at=tx.now, updated_at=tx.now))


async def change(tx: Tx, role: Role) -> None:
    """Store a role's name and permissions."""
    values = {"name": role.name, "permissions": sorted(role.permissions), "updated_at": tx.now}
    await tx.execute(update(_R).where(_R.id == role.id).values(**values))


async def remove(tx: Tx, role_id: UUID) -> None:
    """Delete a role."""
    await tx.execute(delete(_R).where(_R.id == role_id))


def _role(row: Any) -> Role:
    values = dict(row._mapping)
    values["permissions"] = frozenset(Permission(name) for name in values["permissions"] if name in set(Permission))
    return Role(**values)
