"""The SQL of texts as they are written: numbered, sealed pieces."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, DateTime, Integer, LargeBinary, Uuid, bindparam, delete, exists, select, text

from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.readings.models import ReadingAnswer, ReadingChunk
from backend.readings.types import AnswerId, AnswerStatus

_C: Final = ReadingChunk.__table__.c
_A: Final = ReadingAnswer.__table__.c
# Only while the attempt runs: a worker that lost its lease, or was stopped, adds nothing.
_ADD: Final = HotStatement(
    text("""
    INSERT INTO reading_chunks (answer_id, attempt, seq, fresh, sealed, written_at)
    SELECT :answer_id, :attempt, :seq, :fresh, :sealed, :now FROM reading_answers
    WHERE id = :answer_id AND attempt = :attempt AND status = 'running'
    RETURNING seq
""").bindparams(
        bindparam("answer_id", type_=Uuid()),
        bindparam("attempt", type_=Integer()),
        bindparam("seq", type_=Integer()),
        bindparam("fresh", type_=Boolean()),
        bindparam("sealed", type_=LargeBinary()),
        bindparam("now", type_=DateTime(timezone=True)),
    )
)
_SINCE: Final = HotStatement(
    text("""
    SELECT seq, fresh, sealed FROM reading_chunks
    WHERE answer_id = :answer_id AND attempt = :attempt AND seq > :seq ORDER BY seq
""").bindparams(
        bindparam("answer_id", type_=Uuid()),
        bindparam("attempt", type_=Integer()),
        bindparam("seq", type_=Integer()),
    )
)


class StoredChunk(msgspec.Struct, frozen=True):
    """A piece of a text; a ``fresh`` one begins it again, so that those before it are no part of it."""

    seq: int
    fresh: bool
    sealed: bytes


async def add(tx: Tx, answer_id: AnswerId, attempt: int, chunk: StoredChunk) -> bool:
    """Store a piece; False where the attempt does not run any more, and nothing is stored."""
    values: dict[str, Any] = {**msgspec.structs.asdict(chunk), "answer_id": answer_id, "attempt": attempt}
    return bool(await tx.fetch(_ADD, {**values, "now": tx.now}))


async def list_since(tx: Tx, answer_id: AnswerId, attempt: int, seq: int) -> list[StoredChunk]:
    """The pieces after number ``seq``, in their order."""
    rows = await tx.fetch(_SINCE, {"answer_id": answer_id, "attempt": attempt, "seq": seq})
    return [StoredChunk(row["seq"], row["fresh"], row["sealed"]) for row in rows]


async def last_number(tx: Tx, answer_id: AnswerId, attempt: int) -> int:
    """The number of the last piece of an attempt; 0 without one."""
    pieces = select(_C.seq).where(_C.answer_id == answer_id, _C.attempt == attempt)
    return (await tx.execute(pieces.order_by(_C.seq.desc()).limit(1))).scalar_one_or_none() or 0


async def purge(tx: Tx, before: datetime, most: int) -> int:
    """Delete pieces of texts that are stored whole since ``before``, and of earlier attempts; how many."""
    done = (_A.status == AnswerStatus.COMPLETE.value) & (_A.finished_at < before)
    over = exists().where(_A.id == _C.answer_id, done | (_A.attempt > _C.attempt))
    key = (_C.answer_id, _C.attempt, _C.seq)
    old = select(*key).where(_C.written_at < before, over).limit(most).subquery()
    statement = delete(ReadingChunk).where(
        exists().where(_C.answer_id == old.c.answer_id, _C.attempt == old.c.attempt, _C.seq == old.c.seq)
    )
    return (await tx.execute(statement)).rowcount


PIECES_STAY: Final = timedelta(hours=1)
"""For how long pieces stay after the whole text was stored: pages that are open read on."""
