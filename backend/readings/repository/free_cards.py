"""The SQL of free cards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import FreeCard, Reading
from backend.readings.rules.free_cards import Turned
from backend.readings.types import ReadingId

_F: Final = FreeCard.__table__.c


async def find_last(tx: Tx, user_id: UserId) -> Turned | None:
    """The last card that a person has turned over."""
    statement = select(_F.local_date, _F.turned_at).where(_F.user_id == user_id)
    row = (await tx.execute(statement.order_by(_F.turned_at.desc()).limit(1))).one_or_none()
    return None if row is None else Turned(row.local_date, row.turned_at)


async def find_shown(tx: Tx, user_id: UserId) -> ReadingId | None:
    """The reading of the last card, unless it was deleted."""
    statement = (
        select(_F.reading_id, Reading.deleted_at)
        .join(Reading, Reading.id == _F.reading_id)
        .where(_F.user_id == user_id)
        .order_by(_F.turned_at.desc())
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None or row.deleted_at is not None else ReadingId(row.reading_id)


async def add(tx: Tx, user_id: UserId, day: date, reading_id: ReadingId, next_at: datetime) -> bool:
    """Note that a card was turned over; False where the day has one."""
    values = {"user_id": user_id, "local_date": day, "reading_id": reading_id, "turned_at": tx.now}
    statement = insert(FreeCard).values(**values, next_at=next_at).on_conflict_do_nothing()
    return (await tx.execute(statement.returning(_F.local_date))).first() is not None
