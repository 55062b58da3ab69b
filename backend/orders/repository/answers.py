"""SQL of what buyers have answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, OrderLineId, UserId
from backend.orders.models import AnswerKey, LineAnswers


class SealedAnswers(msgspec.Struct, frozen=True):
    """The answers of one line, sealed with a data key of their buyer."""

    line_id: OrderLineId
    data_key_id: DataKeyId
    sealed: bytes


async def find_key(tx: Tx, user_id: UserId) -> DataKeyId | None:
    """The data key of a person's answers; None while they have none."""
    return (await tx.execute(select(AnswerKey.data_key_id).where(AnswerKey.user_id == user_id))).scalar_one_or_none()


async def set_key(tx: Tx, user_id: UserId, data_key_id: DataKeyId) -> None:
    """Seal a person's answers with this data key from now on."""
    statement = upsert(AnswerKey).values(user_id=user_id, data_key_id=data_key_id)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=[AnswerKey.user_id], set_={"data_key_id": data_key_id})
    )


async def add(tx: Tx, rows: Sequence[SealedAnswers]) -> None:
    """Store what was answered for lines."""
    await tx.execute(insert(LineAnswers), [msgspec.structs.asdict(row) for row in rows])


async def list_sealed(tx: Tx, lines: Collection[OrderLineId]) -> list[SealedAnswers]:
    """What was answered for these lines; those without answers are left out."""
    statement = select(LineAnswers.line_id, LineAnswers.data_key_id, LineAnswers.sealed)
    rows = await tx.execute(statement.where(LineAnswers.line_id.in_(lines)))
    return [SealedAnswers(row.line_id, row.data_key_id, row.sealed) for row in rows]
