"""The SQL of how a person's draws ended, for proofs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import Reading
from backend.readings.types import ReadingId, ReadingState

_R: Final = Reading.__table__.c


async def count_by_state(tx: Tx, user_id: UserId) -> dict[ReadingState, int]:
    """How many draws of a person's are in each state, deleted readings too."""
    statement = select(_R.state, func.count().label("many")).where(_R.user_id == user_id).group_by(_R.state)
    return {ReadingState(row.state): row.many for row in await tx.execute(statement)}


async def list_abandoned(tx: Tx, user_id: UserId, limit: int) -> list[ReadingId]:
    """A person's draws that were never asked, the latest first."""
    statement = select(_R.id).where(_R.user_id == user_id, _R.state == ReadingState.ABANDONED.value)
    return [ReadingId(row.id) for row in await tx.execute(statement.order_by(_R.id.desc()).limit(limit))]
