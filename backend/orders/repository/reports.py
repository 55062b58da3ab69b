"""The SQL of figures about orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.models import Order
from backend.orders.types import OrderStatus
from backend.orders.types.reports import BuyerFigures, SalesFigures

_NET = Order.total_amount - Order.refunded_amount


_SALES: Final = text(
    """
    SELECT width_bucket(paid_at, :starts) AS bucket, sum(total_amount - refunded_amount) AS revenue, count(*) AS paid
    FROM orders WHERE paid_at >= :since AND currency = :currency GROUP BY bucket
    """
).bindparams(bindparam("starts", type_=ARRAY(DateTime(timezone=True))))


async def list_sales(tx: Tx, starts: Sequence[datetime], currency: str) -> list[SalesFigures]:
    """What was sold from each of ``starts`` (ascending) until the next, from the last one until now."""
    rows = await tx.execute(_SALES, {"starts": list(starts), "since": starts[0], "currency": currency})
    sold = {row.bucket: SalesFigures(Money(int(row.revenue), currency), row.paid) for row in rows}
    nothing = SalesFigures(Money.zero(currency), 0)
    return [sold.get(number, nothing) for number in range(1, len(starts) + 1)]


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
