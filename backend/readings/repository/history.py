"""The SQL of a person's readings, as lists show them, and of deleting them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import and_, delete, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import Reading, ReadingAnswer, ReadingChunk, ReadingSpread
from backend.readings.types import AnswerId, AnswerStatus, DrawnCard, ReadingId, ReadingState, SpreadId

_R: Final = Reading.__table__.c
_A: Final = ReadingAnswer.__table__.c
_SHOWN: Final = and_(_R.state == ReadingState.DRAWN.value, _R.deleted_at.is_(None))


class ListedReading(msgspec.Struct, frozen=True, kw_only=True):
    """A reading with its own answer; ``question`` is an envelope."""

    id: ReadingId
    slug: str
    spread_id: SpreadId
    spread_version: int
    cards: tuple[DrawnCard, ...]
    asked_at: datetime
    free: bool
    answer_id: AnswerId
    question: bytes | None
    status: AnswerStatus


async def list_readings(tx: Tx, user_id: UserId, after: ReadingId | None, limit: int) -> list[ListedReading]:
    """A person's readings, the latest first, from the one ``after`` on."""
    statement = (
        select(
            _R.id, ReadingSpread.slug, _R.spread_id, _R.spread_version, _R.cards, _R.asked_at, _R.free,
            _A.id.label("answer_id"), _A.question, _A.status,
        )
        .join(ReadingAnswer, and_(_A.reading_id == _R.id, _A.number == 0))
        .join(ReadingSpread, ReadingSpread.id == _R.spread_id)
        .where(_R.user_id == user_id, _SHOWN)
    )  # fmt: skip
    if after is not None:
        statement = statement.where(_R.id < after)
    rows = await tx.execute(statement.order_by(_R.id.desc()).limit(limit))
    return [
        ListedReading(
            **{
                **row._mapping,
                "cards": msgspec.convert(row.cards, tuple[DrawnCard, ...]),
                "status": AnswerStatus(row.status),
            }
        )
        for row in rows
    ]


async def list_ids(tx: Tx, user_id: UserId) -> list[ReadingId]:
    """Every reading of a person's that is not deleted."""
    rows = await tx.execute(select(_R.id).where(_R.user_id == user_id, _SHOWN).order_by(_R.id))
    return [ReadingId(row.id) for row in rows]


async def clear(tx: Tx, reading_id: ReadingId) -> None:
    """Delete the words of a reading, and take it out of its person's history."""
    of_reading = select(_A.id).where(_A.reading_id == reading_id)
    await tx.execute(delete(ReadingChunk).where(ReadingChunk.answer_id.in_(of_reading)))
    await tx.execute(update(ReadingAnswer).where(_A.reading_id == reading_id).values(question=None, answer=None))
    await tx.execute(update(Reading).where(_R.id == reading_id).values(deleted_at=tx.now))
