"""The SQL by which a worker that ends leaves an answer to another one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import update

from backend.infra.unit_of_work import Tx
from backend.readings.models import ReadingAnswer
from backend.readings.types import AnswerId, AnswerStatus

_A: Final = ReadingAnswer.__table__.c


async def give_back(tx: Tx, answer_id: AnswerId, attempt: int, lease_until: datetime) -> bool:
    """Let an answer that runs wait for a worker again; False where the attempt has ended."""
    mine = (_A.id == answer_id, _A.attempt == attempt, _A.status == AnswerStatus.RUNNING.value)
    waits = {"status": AnswerStatus.WAITING.value, "lease_until": lease_until, "started_at": None}
    statement = update(ReadingAnswer).where(*mine).values(waits).returning(_A.id)
    return (await tx.execute(statement)).first() is not None
