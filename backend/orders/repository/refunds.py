"""The SQL of money that went back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.models import Order, OrderRefund
from backend.orders.types import OrderRefundRow, OrderStatus, RefundTarget

_COLUMNS = (OrderRefund.amount, OrderRefund.target, OrderRefund.reason, OrderRefund.at)


async def find_refund(tx: Tx, order_id: OrderId, key: str, currency: str) -> OrderRefundRow | None:
    """The refund of the order that was made with this idempotency key."""
    mine = (OrderRefund.order_id == order_id, OrderRefund.idempotency_key == key)
    row = (await tx.execute(select(*_COLUMNS).where(*mine))).one_or_none()
    return None if row is None else _refund(row, currency)


async def add_refund(
    tx: Tx, order_id: OrderId, key: str, amount: Money, target: RefundTarget, reason: str, actor_id: UserId | None
) -> None:
    """Store a refund."""
    values = {
        "id": tx.new_id(), "order_id": order_id, "idempotency_key": key, "amount": amount.amount,
        "target": target.value, "reason": reason, "actor_id": actor_id, "at": tx.now,
    }  # fmt: skip
    await tx.execute(insert(OrderRefund).values(values))


async def set_refunded(tx: Tx, order_id: OrderId, refunded: Money, status: OrderStatus) -> None:
    """Store how much was refunded in all, and the status."""
    changed = {"refunded_amount": refunded.amount, "status": status.value}
    await tx.execute(update(Order).where(Order.id == order_id).values(changed))


async def list_refunds(tx: Tx, order_id: OrderId, currency: str) -> list[OrderRefundRow]:
    """The refunds of an order, oldest first."""
    statement = select(*_COLUMNS).where(OrderRefund.order_id == order_id).order_by(OrderRefund.id)
    return [_refund(row, currency) for row in await tx.execute(statement)]


def _refund(row: Row[Any], currency: str) -> OrderRefundRow:
    return OrderRefundRow(Money(row.amount, currency), RefundTarget(row.target), row.reason, row.at)
