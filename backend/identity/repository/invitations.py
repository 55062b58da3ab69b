"""The SQL of invitations of admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select, update

from backend.identity.models import AdminInvitation
from backend.identity.types import Invitation, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_I: Final = AdminInvitation
_COLUMNS: Final = (_I.id, _I.permissions, _I.created_by, _I.created_at, _I.expires_at)


async def add(tx: Tx, token_hash: bytes, permissions: frozenset[Permission], by: UserId, until: datetime) -> UUID:
    """Store an invitation; its id."""
    row = {"id": tx.new_id(), "token_hash": token_hash, "permissions": sorted(permissions), "created_by": by}
    await tx.execute(insert(_I).values(**row, created_at=tx.now, expires_at=until))
    return UUID(str(row["id"]))


async def find_open(tx: Tx, token_hash: bytes, *, lock: bool = False) -> Invitation | None:
    """The invitation of a token that still holds; ``lock``: nobody else accepts it meanwhile."""
    statement = select(*_COLUMNS).where(_I.token_hash == token_hash, *_open(tx.now))
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _invitation(row)


async def list_open(tx: Tx) -> list[Invitation]:
    """All that still hold, the latest first."""
    rows = await tx.execute(select(*_COLUMNS).where(*_open(tx.now)).order_by(_I.created_at.desc(), _I.id).limit(50))
    return [_invitation(row) for row in rows]


async def use(tx: Tx, invitation_id: UUID, by: UserId) -> None:
    """Store who has accepted it."""
    await tx.execute(update(_I).where(_I.id == invitation_id).values(used_by=by, used_at=tx.now))


async def revoke(tx: Tx, invitation_id: UUID) -> Invitation | None:
    """Let an invitation hold no longer; None where it does not any more."""
    statement = update(_I).where(_I.id == invitation_id, *_open(tx.now)).values(revoked_at=tx.now)
    row = (await tx.execute(statement.returning(*_COLUMNS))).one_or_none()
    return None if row is None else _invitation(row)


def _open(now: datetime) -> tuple[Any, ...]:
    return _I.used_at.is_(None), _I.revoked_at.is_(None), _I.expires_at > now


def _invitation(row: Any) -> Invitation:
    values = dict(row._mapping)
    values["permissions"] = frozenset(Permission(name) for name in values["permissions"] if name in set(Permission))
    return Invitation(**values)
