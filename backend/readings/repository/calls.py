"""The SQL of calls of the model."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select

from backend.infra.unit_of_work import Tx
from backend.readings.models import ReadingModelCall
from backend.readings.types import AnswerId, Failure
from backend.readings.types.models import ModelCall, Outcomes

_C: Final = ReadingModelCall.__table__.c
_COLUMNS: Final = tuple(_C[name] for name in ModelCall.__struct_fields__)


def _call(row: Any) -> ModelCall:
    values = dict(row._mapping)
    return ModelCall(**{**values, "failure": Failure(values["failure"]) if values["failure"] else None})


async def add(tx: Tx, call: ModelCall, answer_id: AnswerId | None) -> None:
    """Store a call; without an answer it was a probe."""
    row = {**msgspec.structs.asdict(call), "failure": call.failure.value if call.failure else None}
    await tx.execute(insert(ReadingModelCall), {**row, "id": tx.new_id(), "answer_id": answer_id})


async def list_latest(tx: Tx, model: str, most: int) -> list[ModelCall]:
    """The last calls of a model, newest first."""
    latest = select(*_COLUMNS).where(_C.asked_model == model).order_by(_C.at.desc(), _C.id.desc()).limit(most)
    return [_call(row) for row in await tx.execute(latest)]


async def outcomes(tx: Tx, since: datetime) -> list[Outcomes]:
    """The calls since a moment by how they ended, the most frequent first; probes are not counted."""

    def middle(column: Any) -> Any:
        return func.percentile_cont(0.5).within_group(column)

    count = func.count()
    statement = (
        select(
            _C.failure, count.label("calls"), middle(_C.seconds).label("seconds"),
            middle(_C.first_word).label("first_word"), func.sum(_C.prompt_tokens).label("prompt_tokens"),
            func.sum(_C.completion_tokens).label("completion_tokens"), func.sum(_C.cost_micros).label("cost_micros"),
        )
        .where(_C.at >= since, _C.answer_id.is_not(None))
        .group_by(_C.failure)
        .order_by(count.desc())
    )  # fmt: skip
    return [
        Outcomes(
            failure=Failure(row.failure) if row.failure else None,
            calls=row.calls,
            seconds=row.seconds,
            first_word=row.first_word,
            prompt_tokens=int(row.prompt_tokens),
            completion_tokens=int(row.completion_tokens),
            cost_micros=int(row.cost_micros),
        )
        for row in await tx.execute(statement)
    ]


async def purge(tx: Tx, before: datetime) -> int:
    """Forget calls before a moment; how many."""
    return (await tx.execute(delete(ReadingModelCall).where(_C.at < before))).rowcount
