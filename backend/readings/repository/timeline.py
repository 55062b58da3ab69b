"""The SQL of a person's readings for their timeline: when and which spread, never a text."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import Reading, ReadingSpread, ReadingSpreadVersion
from backend.readings.types import ReadingState

_R: Final = Reading.__table__.c


async def list_readings(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's newest draws before a place; those that they deleted are not among them."""
    place = _R.asked_at, _R.id
    statement = (
        select(_R.id, _R.asked_at, _R.free, ReadingSpread.slug, ReadingSpreadVersion.body["name"].label("name"))
        .join(ReadingSpread, ReadingSpread.id == _R.spread_id)
        .join(
            ReadingSpreadVersion,
            (ReadingSpreadVersion.spread_id == _R.spread_id) & (ReadingSpreadVersion.version == _R.spread_version),
        )
        .where(_R.user_id == user_id, _R.state == ReadingState.DRAWN.value, _R.deleted_at.is_(None))
    )
    return [
        Entry(
            kind=EntryKind.READING,
            at=row.asked_at,
            id=row.id,
            state="free" if row.free else "paid",
            name=row.name or {"en": row.slug},
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]
