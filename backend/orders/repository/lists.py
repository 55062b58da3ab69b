"""The SQL of lists of orders."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order
from backend.orders.repository.lines import LINE_COLUMNS, line_of
from backend.orders.repository.orders import ORDER_COLUMNS
from backend.orders.rules import order_number
from backend.orders.types import OrderRow, OrderStatus
from backend.orders.types.lines import LineOwner

_CONDITIONS: Final = {
    "user_id": "orders.user_id = :user_id",
    "status": "orders.status = :status",
    "before": "orders.id < :before",
    "ids": "orders.id = ANY (:ids)",
    "sequence": "orders.sequence = :sequence",
}
_TYPES: Final[dict[str, Any]] = {
    "user_id": Uuid(), "status": Text(), "before": Uuid(), "ids": ARRAY(Uuid()), "sequence": BigInteger(),
    "most": BigInteger(),
}  # fmt: skip


@functools.cache
def _listing(*filters: str) -> HotStatement:
    """At most ``:most`` orders that fit these filters, each with its first line, the newest first."""
    conditions = " AND ".join(_CONDITIONS[name] for name in filters) or "true"
    sql = f"""
        SELECT {ORDER_COLUMNS}, first.*,
               (SELECT count(*) FROM order_lines WHERE order_id = orders.id) AS line_count
        FROM orders JOIN LATERAL (
            SELECT id AS line_id, {LINE_COLUMNS} FROM order_lines WHERE order_id = orders.id ORDER BY position LIMIT 1
        ) first ON true
        WHERE {conditions} ORDER BY orders.id DESC LIMIT :most
    """  # noqa: S608 constants of this file
    return HotStatement(text(sql).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in (*filters, "most"))))


async def _list(tx: Tx, most: int, **filters: object) -> list[OrderRow]:
    """The orders that fit those of ``filters`` that have a value."""
    given = {name: value for name, value in filters.items() if value is not None}
    rows = await tx.fetch(_listing(*given), {**given, "most": most})
    return [_order_row(row) for row in rows]


async def list_orders(
    tx: Tx,
    *,
    user_id: UserId | None,
    status: OrderStatus | None,
    before: UUID | None,
    limit: int,
) -> list[OrderRow]:
    """Orders, newest first: of one buyer or of all, before an id."""
    return await _list(tx, limit, user_id=user_id, status=status, before=before)


async def list_numbers(tx: Tx, ids: Iterable[OrderId]) -> dict[OrderId, str]:
    """The numbers of those of ``ids`` that exist."""
    rows = await tx.execute(select(Order.id, Order.sequence).where(Order.id.in_(list(ids))))
    return {OrderId(row.id): order_number(row.sequence) for row in rows}


async def list_owners(tx: Tx, lines: Collection[OrderLineId]) -> dict[OrderLineId, LineOwner]:
    """The orders of those of the lines that exist."""
    statement = select(Line.id, Order.sequence, Order.user_id).join(Order, Order.id == Line.order_id)
    rows = await tx.execute(statement.where(Line.id.in_(lines)))
    return {OrderLineId(row.id): LineOwner(order_number(row.sequence), UserId(row.user_id)) for row in rows}


async def list_rows(tx: Tx, ids: Collection[UUID], limit: int) -> list[OrderRow]:
    """Those of the orders that there are, as a list shows them, the newest first."""
    return await _list(tx, limit, ids=list(ids))


async def find_row(tx: Tx, sequence: int) -> OrderRow | None:
    """One order as a list shows it."""
    rows = await _list(tx, 1, sequence=sequence)
    return rows[0] if rows else None


async def numbers(tx: Tx, ids: Iterable[OrderId]) -> dict[OrderId, str]:
    """The numbers of those orders in ``ids`` that exist."""
    unique = set(ids)
    if not unique:
        return {}
    rows = await tx.execute(select(Order.id, Order.sequence).where(Order.id.in_(unique)))
    return {OrderId(row.id): order_number(row.sequence) for row in rows}


def _order_row(row: Mapping[str, Any]) -> OrderRow:
    """The Struct of one listed order."""
    return OrderRow(
        id=OrderId(row["id"]),
        number=order_number(row["sequence"]),
        status=OrderStatus(row["status"]),
        total=Money(row["total_amount"], row["currency"]),
        line=line_of(row, row["currency"]),
        line_count=row["line_count"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        buyer_id=UserId(row["user_id"]),
        method=row["method"],
    )
