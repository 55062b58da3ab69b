"""The SQL of sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, select, text, update

from backend.identity.models import LoginSession
from backend.identity.types import SessionRow
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_S: Final = LoginSession
_SEEN: Final = timedelta(minutes=5)
_SHELF_LIFE: Final = timedelta(days=30)
_NOW: Final = DateTime(timezone=True)
# One statement for each sign-in: what of theirs is too old goes, and an open page that signs in again writes nothing.
_OPEN: Final = HotStatement(
    text("""
    WITH old AS (
        DELETE FROM login_sessions WHERE user_id = :user_id AND seen_at < :old_before AND id <> :id
    ), made AS (
        INSERT INTO login_sessions AS known (id, user_id, platform, network, created_at, seen_at)
        VALUES (:id, :user_id, :platform, :network, :now, :now)
        ON CONFLICT (id) DO UPDATE SET seen_at = :now, network = EXCLUDED.network
            WHERE known.seen_at < :seen_since AND known.ended_at IS NULL
    )
    SELECT ended_at IS NOT NULL AS ended FROM login_sessions WHERE id = :id
""").bindparams(
        *(bindparam(name, type_=Uuid()) for name in ("id", "user_id")),
        *(bindparam(name, type_=Text()) for name in ("platform", "network")),
        *(bindparam(name, type_=_NOW) for name in ("now", "old_before", "seen_since")),
    )
)


async def open_session(tx: Tx, session_id: UUID, user_id: UserId, platform: str, network: str | None) -> bool:
    """Store that a session is used; whether it may be: not one that was ended."""
    values = {"id": session_id, "user_id": user_id, "platform": platform, "network": network, "now": tx.now}
    rows = await tx.fetch(_OPEN, values | {"old_before": tx.now - _SHELF_LIFE, "seen_since": tx.now - _SEEN})
    return not (rows and rows[0]["ended"])


async def touch(tx: Tx, session_id: UUID) -> None:
    """Store that a session is used now."""
    await tx.execute(update(_S).where(_S.id == session_id).values(seen_at=tx.now))


async def list_ended(tx: Tx, since: datetime) -> set[UUID]:
    """The sessions that were ended at ``since`` or later."""
    return set((await tx.execute(select(_S.id).where(_S.ended_at >= since))).scalars())


async def is_ended(tx: Tx, session_id: UUID) -> bool:
    """Whether somebody has ended this session."""
    statement = select(_S.ended_at.is_not(None)).where(_S.id == session_id)
    return bool((await tx.execute(statement)).scalar_one_or_none())


async def list_open(tx: Tx, user_id: UserId, since: datetime) -> list[SessionRow]:
    """A person's sessions that were used at ``since`` or later and are not ended, the latest first."""
    columns = (_S.id, _S.platform, _S.network, _S.created_at, _S.seen_at)
    statement = select(*columns).where(_S.user_id == user_id, _S.ended_at.is_(None), _S.seen_at >= since)
    rows = await tx.execute(statement.order_by(_S.seen_at.desc(), _S.id).limit(100))
    return [SessionRow(**row._mapping) for row in rows]


async def end(tx: Tx, user_id: UserId, *, only: UUID | None = None, but: UUID | None = None) -> list[UUID]:
    """End a person's sessions: one, or all, or all but one; which were ended."""
    statement = update(_S).where(_S.user_id == user_id, _S.ended_at.is_(None)).values(ended_at=tx.now)
    if only is not None:
        statement = statement.where(_S.id == only)
    if but is not None:
        statement = statement.where(_S.id != but)
    return list((await tx.execute(statement.returning(_S.id))).scalars())
