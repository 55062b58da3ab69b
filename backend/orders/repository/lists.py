"""The SQL of lists of orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, literal, select, true

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order
from backend.orders.repository.orders import LINE_COLUMNS, ORDER_COLUMNS
from backend.orders.rules import order_number
from backend.orders.types import OrderLine, OrderRow, OrderStatus


def _rows() -> Select[Any]:
    lines = select(func.count()).where(Line.order_id == Order.id).correlate(Order).scalar_subquery()
    first = (
        select(*(column for column in LINE_COLUMNS if column is not Line.id), Line.id.label("line_id"))
        .where(Line.order_id == Order.id)
        .order_by(Line.position)
        .limit(1)
        .lateral("first")
    )
    return select(*ORDER_COLUMNS, lines.label("line_count"), *first.c).join(first, true())


async def list_orders(
    tx: Tx,
    *,
    user_id: UserId | None,
    status: OrderStatus | None,
    before: UUID | None,
    limit: int,
) -> list[OrderRow]:
    """Orders, newest first: of one buyer or of all, before an id."""
    statement = _rows().order_by(Order.id.desc()).limit(limit)
    conditions = [
        Order.user_id == user_id if user_id else None,
        Order.status == status if status else None,
        Order.id < before if before else None,
    ]
    statement = statement.where(and_(literal(True), *(item for item in conditions if item is not None)))
    return [_order_row(row) for row in await tx.execute(statement)]


async def list_numbers(tx: Tx, ids: Iterable[OrderId]) -> dict[OrderId, str]:
    """The numbers of those of ``ids`` that exist."""
    rows = await tx.execute(select(Order.id, Order.sequence).where(Order.id.in_(list(ids))))
    return {OrderId(row.id): order_number(row.sequence) for row in rows}


async def list_rows(tx: Tx, ids: Collection[UUID], limit: int) -> list[OrderRow]:
    """Those of the orders that there are, as a list shows them, the newest first."""
    statement = _rows().where(Order.id.in_(ids)).order_by(Order.id.desc()).limit(limit)
    return [_order_row(row) for row in await tx.execute(statement)]


async def find_row(tx: Tx, sequence: int) -> OrderRow | None:
    """One order as a list shows it."""
    row = (await tx.execute(_rows().where(Order.sequence == sequence))).one_or_none()
    return None if row is None else _order_row(row)


def _order_row(row: Row[Any]) -> OrderRow:
    """The Struct of one listed order."""
    first = OrderLine(
        OrderLineId(row.line_id), row.slug, row.name, row.variant_name, row.hue, row.icon, row.country,
        row.picture, row.quantity, Money(row.unit_amount, row.currency),
    )  # fmt: skip
    return OrderRow(
        id=OrderId(row.id),
        number=order_number(row.sequence),
        status=OrderStatus(row.status),
        total=Money(row.total_amount, row.currency),
        line=first,
        line_count=row.line_count,
        created_at=row.created_at,
        expires_at=row.expires_at,
        buyer_id=UserId(row.user_id),
    )
