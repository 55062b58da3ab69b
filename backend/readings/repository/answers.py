"""The SQL of answers to questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import ReadingAnswer, ReadingFailure
from backend.readings.types import AnswerId, AnswerSource, AnswerStatus, Failure, ReadingId, SpreadId

_A: Final = ReadingAnswer.__table__.c
_LIVE: Final = (AnswerStatus.WAITING.value, AnswerStatus.RUNNING.value)


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it is stored; ``question`` and ``answer`` are envelopes."""

    id: AnswerId
    reading_id: ReadingId
    user_id: UserId
    spread_id: SpreadId
    number: int
    status: AnswerStatus
    attempt: int
    credits: int
    built_in: bool
    question: bytes | None
    answer: bytes | None = None
    asked_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_until: datetime
    source: AnswerSource | None = None
    failure: Failure | None = None
    model: str = ""

    @property
    def is_live(self) -> bool:
        """Whether a worker writes it, or is to."""
        return self.status.value in _LIVE


_COLUMNS: Final = tuple(_A[name] for name in StoredAnswer.__struct_fields__)


def _stored(row: Any) -> StoredAnswer:
    values = dict(row._mapping)
    values["status"] = AnswerStatus(values["status"])
    values["source"] = AnswerSource(values["source"]) if values["source"] else None
    values["failure"] = Failure(values["failure"]) if values["failure"] else None
    return StoredAnswer(**values)


async def find(tx: Tx, answer_id: AnswerId, *, locked: bool = False) -> StoredAnswer | None:
    """An answer, ``locked`` until the transaction ends."""
    statement = select(*_COLUMNS).where(_A.id == answer_id)
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    return None if row is None else _stored(row)


async def list_of(tx: Tx, reading_id: ReadingId) -> list[StoredAnswer]:
    """The answers of a reading: its own first, then those of follow-ups."""
    statement = select(*_COLUMNS).where(_A.reading_id == reading_id).order_by(_A.number)
    return [_stored(row) for row in await tx.execute(statement)]


async def is_live(tx: Tx, user_id: UserId, spread_id: SpreadId) -> bool:
    """Whether a reading of the spread is being written for the person."""
    statement = select(_A.id).where(_A.user_id == user_id, _A.spread_id == spread_id, _A.status.in_(_LIVE))
    return (await tx.execute(statement.limit(1))).first() is not None


async def add(tx: Tx, new: StoredAnswer) -> None:
    """Store an answer that waits for a worker."""
    values = {name: getattr(new, name) for name in StoredAnswer.__struct_fields__}
    await tx.execute(insert(ReadingAnswer), {**values, "status": new.status.value})


async def start(tx: Tx, answer_id: AnswerId, worker: str, lease_until: datetime) -> StoredAnswer | None:
    """Let a worker begin an answer; None where it does not wait any more."""
    values = {
        "status": AnswerStatus.RUNNING.value, "worker": worker, "lease_until": lease_until, "started_at": tx.now
    }  # fmt: skip
    return await _change(tx, values, _A.id == answer_id, _A.status == AnswerStatus.WAITING.value)


async def extend(tx: Tx, answer_id: AnswerId, attempt: int, lease_until: datetime) -> bool:
    """Extend the lease of an attempt that runs; False where it does not."""
    running = _A.status == AnswerStatus.RUNNING.value
    values = {"lease_until": lease_until}
    return await _change(tx, values, _A.id == answer_id, _A.attempt == attempt, running) is not None


async def finish(
    tx: Tx, answer_id: AnswerId, attempt: int, status: AnswerStatus, *, only_running: bool = False, **values: Any
) -> StoredAnswer | None:
    """End an attempt that is live; None where another end came first."""
    live = _A.status == AnswerStatus.RUNNING.value if only_running else _A.status.in_(_LIVE)
    ended = {"status": status.value, "finished_at": tx.now, **values}
    return await _change(tx, ended, _A.id == answer_id, _A.attempt == attempt, live)


async def renew(
    tx: Tx, answer_id: AnswerId, attempt: int, *, credits: int, built_in: bool, lease_until: datetime
) -> StoredAnswer | None:
    """Let an answer that failed or was stopped wait for a worker again; None where another attempt came first."""
    over = _A.status.in_((AnswerStatus.FAILED.value, AnswerStatus.STOPPED.value))
    values = {
        "status": AnswerStatus.WAITING.value, "attempt": attempt + 1, "credits": credits, "built_in": built_in,
        "lease_until": lease_until, "asked_at": tx.now, "started_at": None, "finished_at": None, "failure": None,
    }  # fmt: skip
    return await _change(tx, values, _A.id == answer_id, _A.attempt == attempt, over)


async def set_charged(tx: Tx, answer_id: AnswerId, credits: int) -> None:
    """Note what an answer has cost."""
    await tx.execute(update(ReadingAnswer).where(_A.id == answer_id).values(charged=credits))


async def mark_seen(tx: Tx, reading_id: ReadingId) -> None:
    """Note that the person has had every complete text of a reading on their page."""
    unseen = (_A.reading_id == reading_id, _A.status == AnswerStatus.COMPLETE.value, _A.seen_at.is_(None))
    await tx.execute(update(ReadingAnswer).where(*unseen).values(seen_at=tx.now))


async def is_seen(tx: Tx, answer_id: AnswerId) -> bool:
    """Whether the person has had the text of an answer on their page."""
    return bool((await tx.execute(select(_A.seen_at.is_not(None)).where(_A.id == answer_id))).scalar())


async def lock_lapsed(tx: Tx, most: int) -> list[StoredAnswer]:
    """Live answers whose lease has run out; without those that somebody changes now."""
    statement = select(*_COLUMNS).where(_A.status.in_(_LIVE), _A.lease_until <= tx.now)
    oldest = statement.order_by(_A.lease_until).limit(most).with_for_update(skip_locked=True)
    return [_stored(row) for row in await tx.execute(oldest)]


async def note_failure(tx: Tx, answer: StoredAnswer, failure: Failure) -> None:
    """Keep for the figures that an attempt failed."""
    values = {"answer_id": answer.id, "attempt": answer.attempt, "spread_id": answer.spread_id}
    statement = upsert(ReadingFailure).values(**values, failure=failure.value, failed_at=tx.now)
    await tx.execute(statement.on_conflict_do_nothing())


async def _change(tx: Tx, values: dict[str, Any], *conditions: ColumnElement[bool]) -> StoredAnswer | None:
    statement = update(ReadingAnswer).where(*conditions).values(values).returning(*_COLUMNS)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _stored(row)
