"""SQL of goods by hand.

Who takes a place locks the variant, then the product, as with every kind of goods. Who works on an item locks it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, case, delete, func, insert, literal, select, text, update

from backend.catalog.models import HandWorkItem, Product, Variant
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.fulfilment import FulfilmentLine, GoodsFile
from backend.catalog.types.hand_work import HandWork, WorkCount, WorkState, WorkView
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, OrderLineId, UserId

_WORK: Final = HandWorkItem.__table__.c
_OPEN: Final = _WORK.state == WorkState.OPEN
_OCCUPIES: Final = _WORK.state.in_((WorkState.RESERVED, WorkState.OPEN))
_SHOWN = (
    select(
        _WORK.order_line_id.label("line_id"), _WORK.state, _WORK.quantity, _WORK.opened_at, _WORK.due_at,
        _WORK.taken_by, _WORK.taken_at, _WORK.ended_by, _WORK.ended_at, _WORK.reason, _WORK.file_name,
        Product.name, Product.country, Product.hue, Product.icon, Product.picture, Variant.name.label("variant_name"),
    )
    .join(Variant, Variant.id == _WORK.variant_id)
    .join(Product, Product.id == Variant.product_id)
    .where(_WORK.opened_at.is_not(None))
)  # fmt: skip
_REMINDED_AT = text("interval '45 minutes'")
"""For each promised hour: a reminder comes when a quarter of the time is left."""


class Places(msgspec.Struct, frozen=True):
    """What a variant promises, and how many places it has left; None for any number."""

    product_id: ProductId
    promised_hours: int
    left: int | None


class Result(msgspec.Struct, frozen=True):
    """What was prepared: an encrypted text, or the name of an encrypted private file with its own name and size."""

    data_key_id: DataKeyId
    ciphertext: bytes | None = None
    file: str | None = None
    named: GoodsFile | None = None


class Taken(msgspec.Struct, frozen=True):
    """An item whose row is locked."""

    state: WorkState
    product_id: ProductId
    taken_by: UserId | None


async def lock_places(tx: Tx, variant_id: VariantId) -> Places:
    """What a variant promises; where its places are counted it stays locked, so that nobody else takes the last one."""
    statement = select(Variant.product_id, Variant.promised_hours, Variant.open_places).where(Variant.id == variant_id)
    row = (await tx.execute(statement)).one()
    if row.open_places is not None:
        row = (await tx.execute(statement.with_for_update(key_share=True))).one()
    left = None
    if row.open_places is not None:
        occupied = select(func.coalesce(func.sum(_WORK.quantity), 0)).where(_WORK.variant_id == variant_id, _OCCUPIES)
        left = max(row.open_places - int((await tx.execute(occupied)).scalar_one()), 0)
    return Places(ProductId(row.product_id), row.promised_hours, left)


async def add_item(tx: Tx, line: FulfilmentLine) -> None:
    """Reserve a place for each of the line."""
    row = {"order_line_id": line.id, "variant_id": line.variant_id, "quantity": line.quantity}
    await tx.execute(insert(HandWorkItem), {**row, "state": WorkState.RESERVED})


async def open_items(tx: Tx, line_ids: Collection[OrderLineId]) -> dict[OrderLineId, tuple[int, datetime]]:
    """Have those of the lines prepared that are reserved; for each how many, and until when."""
    hours = Variant.promised_hours
    statement = (
        update(HandWorkItem)
        .where(_WORK.order_line_id.in_(line_ids), _WORK.state == WorkState.RESERVED, Variant.id == _WORK.variant_id)
        .values(
            state=WorkState.OPEN,
            opened_at=tx.now,
            due_at=literal(tx.now) + hours * text("interval '1 hour'"),
            remind_at=literal(tx.now) + hours * _REMINDED_AT,
        )
        .returning(_WORK.order_line_id, _WORK.quantity, _WORK.due_at)
    )
    return {OrderLineId(row.order_line_id): (row.quantity, row.due_at) for row in await tx.execute(statement)}


async def release(tx: Tx, line_id: OrderLineId) -> ProductId | None:
    """Return what is reserved for a line; its product, or None when it had nothing reserved."""
    gone = (
        delete(HandWorkItem)
        .where(_WORK.order_line_id == line_id, _WORK.state == WorkState.RESERVED, Variant.id == _WORK.variant_id)
        .returning(Variant.product_id)
    )
    product = (await tx.execute(gone)).scalar_one_or_none()
    return None if product is None else ProductId(product)


async def revoke(tx: Tx, line_id: OrderLineId, quantity: int) -> bool:
    """Have so many of a line not prepared; whether that was still to be done."""
    left = func.greatest(_WORK.quantity - quantity, 0)
    over = left == 0
    statement = (
        update(HandWorkItem)
        .where(_WORK.order_line_id == line_id, _OPEN)
        .values(
            quantity=left,
            state=case((over, WorkState.CANCELLED.value), else_=WorkState.OPEN.value),
            ended_at=case((over, tx.now)),
        )
        .returning(_WORK.order_line_id)
    )
    return (await tx.execute(statement)).one_or_none() is not None


async def lock_item(tx: Tx, line_id: OrderLineId) -> Taken:
    """An item that was paid, locked. Raises NotFound."""
    statement = (
        select(_WORK.state, _WORK.taken_by, Variant.product_id)
        .join(Variant, Variant.id == _WORK.variant_id)
        .where(_WORK.order_line_id == line_id, _WORK.opened_at.is_not(None))
        .with_for_update(of=HandWorkItem)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such goods by hand")
    by = None if row.taken_by is None else UserId(row.taken_by)
    return Taken(WorkState(row.state), ProductId(row.product_id), by)


async def set_taken(tx: Tx, line_id: OrderLineId, by: UserId | None) -> None:
    """Store who prepares a line, from now on; None for nobody."""
    values = {"taken_by": by, "taken_at": None if by is None else tx.now}
    await tx.execute(update(HandWorkItem).where(_WORK.order_line_id == line_id).values(values))


async def set_delivered(tx: Tx, line_id: OrderLineId, by: UserId | None, result: Result) -> None:
    """Store what was prepared."""
    named = result.named
    await _end(
        tx, line_id, state=WorkState.DELIVERED, ended_by=by, data_key_id=result.data_key_id,
        ciphertext=result.ciphertext, file=result.file, file_name=named.name if named else None,
        file_size=named.size if named else None,
    )  # fmt: skip


async def set_refused(tx: Tx, line_id: OrderLineId, by: UserId | None, reason: str) -> None:
    """Store why a line will not be delivered."""
    await _end(tx, line_id, state=WorkState.REFUSED, ended_by=by, reason=reason)


async def _end(tx: Tx, line_id: OrderLineId, **values: object) -> None:
    statement = update(HandWorkItem).where(_WORK.order_line_id == line_id)
    await tx.execute(statement.values(ended_at=tx.now, **values))


async def list_delivered(tx: Tx, line_ids: Sequence[OrderLineId]) -> dict[OrderLineId, GoodsFile | None]:
    """Those of the lines that are delivered, with the names of their files; None for a text."""
    statement = select(_WORK.order_line_id, _WORK.file_name, _WORK.file_size).where(
        _WORK.order_line_id.in_(line_ids), _WORK.state == WorkState.DELIVERED
    )
    return {
        OrderLineId(row.order_line_id): GoodsFile(row.file_name, row.file_size) if row.file_name else None
        for row in await tx.execute(statement)
    }


async def list_results(tx: Tx, line_ids: Collection[UUID]) -> dict[UUID, Result]:
    """What was prepared for those of the lines that are delivered, still encrypted."""
    statement = select(_WORK.order_line_id, _WORK.data_key_id, _WORK.ciphertext, _WORK.file).where(
        _WORK.order_line_id.in_(line_ids), _WORK.state == WorkState.DELIVERED
    )
    rows = await tx.execute(statement)
    return {row.order_line_id: Result(DataKeyId(row.data_key_id), row.ciphertext, row.file) for row in rows}


async def get_work(tx: Tx, line_id: OrderLineId) -> HandWork:
    """An item that was paid. Raises NotFound."""
    row = (await tx.execute(_SHOWN.where(_WORK.order_line_id == line_id))).one_or_none()
    if row is None:
        raise NotFound("no such goods by hand")
    return _work(row)


async def list_open(tx: Tx, limit: int, view: WorkView, reader: UserId | None) -> list[HandWork]:
    """What is to be prepared, the soonest due first; of all, of the ``reader``, or of nobody."""
    statement = _SHOWN.where(_OPEN).order_by(_WORK.due_at, _WORK.order_line_id).limit(limit)
    if view is not WorkView.ALL:
        statement = statement.where(_WORK.taken_by.is_not_distinct_from(reader if view is WorkView.MINE else None))
    return [_work(row) for row in await tx.execute(statement)]


async def count_open(tx: Tx, reader: UserId | None) -> WorkCount:
    """How much is to be prepared, and how much of it is overdue, the ``reader``'s, and nobody's."""
    counts = (
        func.count().label("all"),
        func.count().filter(_WORK.due_at <= tx.now).label("late"),
        func.count().filter(_WORK.taken_by == reader).label("mine"),
        func.count().filter(_WORK.taken_by.is_(None)).label("free"),
        func.min(_WORK.opened_at).label("oldest"),
    )
    row = (await tx.execute(select(*counts).where(_OPEN))).one()
    return WorkCount(row.all, row.late, row.oldest, row.mine, row.free)


async def remind(tx: Tx, limit: int) -> list[tuple[OrderLineId, UserId | None]]:
    """Mark items whose reminder is due as reminded of; who prepares each. One that is locked just now waits."""
    due = (
        select(_WORK.order_line_id)
        .where(_OPEN, _WORK.remind_at <= tx.now)
        .order_by(_WORK.remind_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(HandWorkItem).where(_WORK.order_line_id.in_(due)).values(remind_at=None)
    rows = await tx.execute(statement.returning(_WORK.order_line_id, _WORK.taken_by))
    return [(OrderLineId(row.order_line_id), row.taken_by) for row in rows]


def _work(row: Row[Any]) -> HandWork:
    return HandWork(**{**row._mapping, "state": WorkState(row.state)})
