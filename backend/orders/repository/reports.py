"""The SQL of figures about orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.models import Order
from backend.orders.types import OrderStatus
from backend.orders.types.reports import BuyerFigures

_NET = Order.total_amount - Order.refunded_amount


async def sales_since(tx: Tx, since: datetime, currency: str) -> tuple[int, int]:
    """Paid minor units and paid orders since a moment."""
    statement = select(
        func.coalesce(func.sum(_NET), 0).label("revenue"),
        func.count().label("paid"),
    ).where(Order.paid_at >= since, Order.currency == currency)
    row = (await tx.execute(statement)).one()
    return int(row.revenue), int(row.paid)


async def list_figures(tx: Tx, buyers: Sequence[UserId], currency: str) -> dict[UserId, BuyerFigures]:
    """Paid orders and their sum, for each of ``buyers`` who has any."""
    if not buyers:
        return {}
    statement = (
        select(
            Order.user_id,
            func.count().label("paid"),
            func.sum(_NET).label("spent"),
        )
        .where(Order.user_id.in_(buyers), Order.paid_at.is_not(None), Order.currency == currency)
        .group_by(Order.user_id)
    )
    rows = await tx.execute(statement)
    return {UserId(row.user_id): BuyerFigures(row.paid, Money(int(row.spent), currency)) for row in rows}


async def count_awaiting_payment(tx: Tx) -> int:
    """How many orders await payment."""
    waiting = select(func.count().label("orders")).where(Order.status == OrderStatus.AWAITING_PAYMENT)
    return int((await tx.execute(waiting)).scalar_one())
