"""The SQL of money that went back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId
from backend.kernel.money import Money
from backend.orders.models import Order, OrderRefund, RefundedLine
from backend.orders.types import OrderStatus, RefundTarget
from backend.orders.types.lines import LineRefund
from backend.orders.types.refunds import NewRefund, OrderRefundRow

_COLUMNS = (OrderRefund.id, OrderRefund.amount, OrderRefund.target, OrderRefund.reason, OrderRefund.at)


async def find_refund(tx: Tx, order_id: OrderId, key: str, currency: str) -> OrderRefundRow | None:
    """The refund of the order that was made with this idempotency key."""
    mine = (OrderRefund.order_id == order_id, OrderRefund.idempotency_key == key)
    rows = await _with_lines(tx, (await tx.execute(select(*_COLUMNS).where(*mine))).all(), currency)
    return rows[0] if rows else None


async def add_refund(tx: Tx, order_id: OrderId, new: NewRefund) -> None:
    """Store a refund with its shares."""
    refund_id = tx.new_id()
    values = {
        "id": refund_id, "order_id": order_id, "idempotency_key": new.idempotency_key, "amount": new.amount.amount,
        "target": new.target.value, "reason": new.reason, "actor_id": new.actor_id, "at": tx.now,
    }  # fmt: skip
    await tx.execute(insert(OrderRefund).values(values))
    shares = [
        {
            "refund_id": refund_id,
            "line_id": share.line_id,
            "quantity": share.quantity,
            "amount": share.amount.amount,
        }
        for share in new.shares
    ]
    await tx.execute(insert(RefundedLine), shares)


async def set_refunded(tx: Tx, order_id: OrderId, refunded: Money, status: OrderStatus) -> None:
    """Store how much was refunded in all, and the status."""
    changed = {"refunded_amount": refunded.amount, "status": status.value}
    await tx.execute(update(Order).where(Order.id == order_id).values(changed))


async def list_refunds(tx: Tx, order_id: OrderId, currency: str) -> list[OrderRefundRow]:
    """The refunds of an order, oldest first."""
    statement = select(*_COLUMNS).where(OrderRefund.order_id == order_id).order_by(OrderRefund.id)
    return await _with_lines(tx, (await tx.execute(statement)).all(), currency)


async def _with_lines(tx: Tx, rows: Sequence[Row[Any]], currency: str) -> list[OrderRefundRow]:
    """Refunds with their shares; those from before shares were stored have none."""
    if not rows:
        return []
    shares: dict[UUID, list[LineRefund]] = {row.id: [] for row in rows}
    for share in await tx.execute(select(RefundedLine.__table__).where(RefundedLine.refund_id.in_(shares))):
        line_id, amount = OrderLineId(share.line_id), Money(share.amount, currency)
        shares[share.refund_id].append(LineRefund(line_id, share.quantity, amount))
    return [
        OrderRefundRow(Money(row.amount, currency), RefundTarget(row.target), row.reason, row.at, tuple(shares[row.id]))
        for row in rows
    ]
