"""The SQL of a person's orders and refunds for their timeline."""

from __future__ import annotations

from sqlalchemy import select

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order, OrderRefund
from backend.orders.rules import order_number


async def list_orders(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's newest orders before a place, each with its present status."""
    place = Order.created_at, Order.id
    first = select(Line.name).where(Line.order_id == Order.id).order_by(Line.position).limit(1).scalar_subquery()
    columns = Order.id, Order.sequence, Order.status, Order.total_amount, Order.currency, Order.created_at
    statement = select(*columns, first.label("name")).where(Order.user_id == user_id)
    return [
        Entry(
            kind=EntryKind.ORDER,
            at=row.created_at,
            id=row.id,
            state=row.status,
            number=order_number(row.sequence),
            name=row.name or {},
            amount=Money(row.total_amount, row.currency),
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]


async def list_refunds(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The newest refunds of the person's orders before a place."""
    place = OrderRefund.at, OrderRefund.id
    statement = (
        select(
            OrderRefund.id, OrderRefund.at, OrderRefund.amount, OrderRefund.target, OrderRefund.reason,
            OrderRefund.actor_id, Order.sequence, Order.currency,
        )
        .join(Order, Order.id == OrderRefund.order_id)
        .where(Order.user_id == user_id, Order.refunded_amount > 0)
    )  # fmt: skip
    return [
        Entry(
            kind=EntryKind.REFUND,
            at=row.at,
            id=row.id,
            state=row.target,
            number=order_number(row.sequence),
            amount=Money(row.amount, row.currency),
            by=UserId(row.actor_id) if row.actor_id else None,
            text=row.reason,
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]
