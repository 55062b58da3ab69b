"""The SQL by which admins find orders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import VariantId
from backend.infra.short_numbers import list_numbered
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import Numbering, NumberPart, OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order
from backend.orders.repository.managing import ANYWHERE, Within

# For each person or variant its newest ones, by the index: nobody's history is read whole.
_OF_BUYERS: Final = """
    SELECT o.id FROM unnest(:buyers_) AS buyer_ (id) CROSS JOIN LATERAL (
        SELECT orders.id FROM orders WHERE orders.user_id = buyer_.id AND {within} ORDER BY orders.id DESC LIMIT :most_
    ) o ORDER BY o.id DESC LIMIT :most_
"""
_OF_VARIANTS: Final = """
    SELECT l.order_id FROM unnest(:variants_) AS variant_ (id) CROSS JOIN LATERAL (
        SELECT k.id, k.order_id FROM order_lines k WHERE k.variant_id = variant_.id ORDER BY k.id DESC LIMIT :most_
    ) l ORDER BY l.id DESC LIMIT :most_
"""
_OF_VARIANTS_WITHIN: Final = """
    SELECT l.order_id FROM unnest(:variants_) AS variant_ (id) CROSS JOIN LATERAL (
        SELECT k.id, k.order_id FROM order_lines k JOIN orders ON orders.id = k.order_id
        WHERE k.variant_id = variant_.id AND {within} ORDER BY k.id DESC LIMIT :most_
    ) l ORDER BY l.id DESC LIMIT :most_
"""
_OF_AMOUNT: Final = """
    SELECT orders.id FROM orders WHERE orders.total_amount = :amount_ AND orders.currency = :currency_ AND {within}
    ORDER BY orders.id DESC LIMIT :most_
"""
_OF_THESE: Final = "SELECT orders.id FROM orders WHERE orders.id = ANY (:ids_) AND {within}"


async def list_numbered_like(tx: Tx, part: NumberPart, limit: int) -> list[UUID]:
    """The newest orders whose number has the signs of ``part``."""
    return await list_numbered(tx, Order.__tablename__, "sequence", Numbering.ORDERS, part, limit)


async def list_of_buyers(tx: Tx, buyers: Sequence[UserId], limit: int, within: Within = ANYWHERE) -> list[UUID]:
    """The newest orders of some people that meet the criteria."""
    statement = within.bound(_OF_BUYERS, buyers_=ARRAY(Uuid()))
    return list((await tx.execute(statement, {**within.values, "buyers_": list(buyers), "most_": limit})).scalars())


async def list_of_variants(tx: Tx, variants: Sequence[VariantId], limit: int, within: Within = ANYWHERE) -> list[UUID]:
    """The newest orders of some variants that meet the criteria."""
    sql = _OF_VARIANTS if within is ANYWHERE else _OF_VARIANTS_WITHIN
    statement, own = within.bound(sql, variants_=ARRAY(Uuid())), {"variants_": list(variants), "most_": limit}
    return list((await tx.execute(statement, {**within.values, **own})).scalars())


async def list_of_amount(tx: Tx, total: Money, limit: int, within: Within = ANYWHERE) -> list[UUID]:
    """The newest orders that cost exactly so much and meet the criteria."""
    own = {"amount_": total.amount, "currency_": total.currency, "most_": limit}
    return list((await tx.execute(within.bound(_OF_AMOUNT), {**within.values, **own})).scalars())


async def keep(tx: Tx, ids: Collection[UUID], within: Within) -> list[UUID]:
    """Those of some orders that meet the criteria."""
    statement = within.bound(_OF_THESE, ids_=ARRAY(Uuid()))
    return list((await tx.execute(statement, {**within.values, "ids_": list(ids)})).scalars())


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
