"""SQL of questions at purchase."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.models import Variant
from backend.catalog.models.questions import ProductQuestionsRow as Row
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.questions import ProductQuestions, Question
from backend.infra.unit_of_work import Tx

_COLUMNS = (Row.product_id, Row.version, Row.questions)


async def find(tx: Tx, product_id: ProductId) -> ProductQuestions:
    """The questions of a product, of which there may be none."""
    row = (await tx.execute(select(*_COLUMNS).where(Row.product_id == product_id))).one_or_none()
    if row is None:
        return ProductQuestions(product_id)
    return ProductQuestions(product_id, row.version, _read(row.questions))


async def list_of(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, tuple[Question, ...]]:
    """What is asked of those who buy these variants; those of which nothing is asked are left out."""
    statement = (
        select(Variant.id, Row.questions)
        .join(Row, Row.product_id == Variant.product_id)
        .where(Variant.id.in_(variants), Row.questions != [])
    )
    return {VariantId(row.id): _read(row.questions) for row in await tx.execute(statement)}


async def put(tx: Tx, product_id: ProductId, version: int, questions: Sequence[Question]) -> None:
    """Store the questions of a product in place of those before."""
    values = {"version": version, "questions": msgspec.to_builtins(list(questions)), "changed_at": tx.now}
    statement = insert(Row).values(product_id=product_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=[Row.product_id], set_=values))


def _read(stored: Any) -> tuple[Question, ...]:
    return tuple(msgspec.convert(stored, list[Question]))
