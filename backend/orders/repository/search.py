"""The SQL by which admins find orders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import VariantId
from backend.infra.short_numbers import list_numbered
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import Numbering, NumberPart, OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order

# For each person or variant its newest ones, by the index: nobody's history is read whole.
_OF_BUYERS = text(
    """
    SELECT o.id FROM unnest(:buyers) AS buyer (id) CROSS JOIN LATERAL (
        SELECT p.id FROM orders p WHERE p.user_id = buyer.id ORDER BY p.id DESC LIMIT :most
    ) o ORDER BY o.id DESC LIMIT :most
    """
).bindparams(bindparam("buyers", type_=ARRAY(Uuid())))
_OF_VARIANTS = text(
    """
    SELECT l.order_id FROM unnest(:variants) AS variant (id) CROSS JOIN LATERAL (
        SELECT k.id, k.order_id FROM order_lines k WHERE k.variant_id = variant.id ORDER BY k.id DESC LIMIT :most
    ) l ORDER BY l.id DESC LIMIT :most
    """
).bindparams(bindparam("variants", type_=ARRAY(Uuid())))


async def list_numbered_like(tx: Tx, part: NumberPart, limit: int) -> list[UUID]:
    """The newest orders whose number has the signs of ``part``."""
    return await list_numbered(tx, Order.__tablename__, "sequence", Numbering.ORDERS, part, limit)


async def list_of_buyers(tx: Tx, buyers: Sequence[UserId], limit: int) -> list[UUID]:
    """The newest orders of some people."""
    return list((await tx.execute(_OF_BUYERS, {"buyers": list(buyers), "most": limit})).scalars())


async def list_of_variants(tx: Tx, variants: Sequence[VariantId], limit: int) -> list[UUID]:
    """The newest orders of some variants."""
    return list((await tx.execute(_OF_VARIANTS, {"variants": list(variants), "most": limit})).scalars())


async def list_of_amount(tx: Tx, total: Money, limit: int) -> list[UUID]:
    """The newest orders that cost exactly so much."""
    statement = select(Order.id).where(Order.total_amount == total.amount, Order.currency == total.currency)
    return list((await tx.execute(statement.order_by(Order.id.desc()).limit(limit))).scalars())


async def list_of_lines(tx: Tx, lines: Collection[OrderLineId]) -> list[UUID]:
    """The orders that have some lines."""
    return list((await tx.execute(select(Line.order_id).where(Line.id.in_(lines)))).scalars())


async def list_sequences(tx: Tx, lines: Collection[OrderLineId]) -> dict[OrderLineId, int]:
    """The sequence of the order of each line."""
    statement = select(Line.id, Order.sequence).join(Order, Order.id == Line.order_id).where(Line.id.in_(lines))
    return {OrderLineId(row.id): row.sequence for row in await tx.execute(statement)}


async def list_buyers(tx: Tx, orders: Collection[OrderId]) -> list[UserId]:
    """Whose some orders are."""
    rows = await tx.execute(select(Order.user_id).where(Order.id.in_(orders)).distinct())
    return [UserId(user_id) for user_id in rows.scalars()]


async def find_id(tx: Tx, sequence: int) -> OrderId | None:
    """The id of the order with this sequence, if there is one."""
    order_id = (await tx.execute(select(Order.id).where(Order.sequence == sequence))).scalar_one_or_none()
    return None if order_id is None else OrderId(order_id)
