"""The SQL of the orders that an admin narrows down: pages, counts, and what a file of them has."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, DateTime, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import VariantId
from backend.infra import id_ranges
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.models import Order
from backend.orders.rules import order_number, parse_order_number
from backend.orders.types import OrderStatus
from backend.orders.types.criteria import ExportedOrder, OrderCount, OrderCriteria

_CONDITIONS: Final = {
    "status": "orders.status = :status",
    "method": "orders.method = :method",
    "since": "orders.created_at >= :since",
    "until": "orders.created_at < :until",
    "first_id": "orders.id >= :first_id",
    "last_id": "orders.id < :last_id",
    "currency": "orders.currency = :currency",
    "least": "orders.total_amount >= :least",
    "greatest": "orders.total_amount <= :greatest",
    "buyer": "orders.user_id = :buyer",
    "before": "orders.id < :before",
    "only": "orders.sequence = ANY (:only)",
    "by_hand": "EXISTS (SELECT FROM order_lines h WHERE h.order_id = orders.id AND h.kind = 'by_hand')",
    "refunded": "orders.refunded_amount > 0",
}
_WITH_VARIANTS: Final = (
    "EXISTS (SELECT FROM order_lines w WHERE w.order_id = orders.id AND w.variant_id = ANY (:variants))"
)
_SWITCHES: Final = frozenset({"by_hand", "refunded"})
_TYPES: Final[dict[str, Any]] = {
    "status": Text(), "method": Text(), "currency": Text(), "since": DateTime(timezone=True),
    "until": DateTime(timezone=True), "first_id": Uuid(), "last_id": Uuid(), "buyer": Uuid(), "before": Uuid(),
    "least": BigInteger(), "greatest": BigInteger(), "limit": BigInteger(), "only": ARRAY(BigInteger()),
    "variants": ARRAY(Uuid()),
}  # fmt: skip
# Each variant's newest orders by the index of its lines: what sells rarely is not looked for among all orders.
_OF_VARIANTS: Final = """
    SELECT DISTINCT found.id FROM unnest(:variants) AS variant (id) CROSS JOIN LATERAL (
        SELECT orders.id FROM order_lines k JOIN orders ON orders.id = k.order_id
        WHERE k.variant_id = variant.id{before} AND {conditions} ORDER BY k.order_id DESC LIMIT :limit
    ) found ORDER BY found.id DESC LIMIT :limit
"""
# An order with several of the variants is counted once; where lines are too many, some at the limit's edge are missing.
_COUNT_OF_VARIANTS: Final = """
    SELECT count(DISTINCT id) AS counted, count(*) >= :limit AS more FROM (
        SELECT orders.id FROM order_lines k JOIN orders ON orders.id = k.order_id
        WHERE k.variant_id = ANY (:variants) AND {conditions} LIMIT :limit
    ) chosen
"""
_COUNT_ALL: Final = """
    SELECT count(*) AS counted, count(*) >= :limit AS more FROM (
        SELECT FROM orders WHERE {conditions} LIMIT :limit
    ) chosen
"""
_OF_ALL: Final = "SELECT orders.id FROM orders WHERE {conditions} ORDER BY orders.id DESC LIMIT :limit"
_UPDATED: Final = HotStatement(
    text(
        "SELECT o.id, o.refunded_amount, o.currency,"
        " coalesce((SELECT max(e.at) FROM order_events e WHERE e.order_id = o.id), o.created_at) AS updated_at"
        " FROM orders o WHERE o.id = ANY (:ids)"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)
_EXPORTED: Final = HotStatement(
    text("""
        SELECT o.*,
               coalesce((SELECT max(e.at) FROM order_events e WHERE e.order_id = o.id), o.created_at) AS updated_at,
               (SELECT json_agg(json_build_array(l.name, l.variant_name, l.country, l.quantity) ORDER BY l.position)
                FROM order_lines l WHERE l.order_id = o.id) AS goods
        FROM orders o WHERE o.id = ANY (:ids) ORDER BY o.id DESC
    """).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)  # fmt: skip


@functools.cache
def _choosing(conditions: frozenset[str], *, counting: bool) -> HotStatement:
    """The newest ``:limit`` ids of the orders that meet the named conditions, or how many those are."""
    named = sorted(conditions - {"variants"})
    parts = {
        "conditions": " AND ".join(_CONDITIONS[name] for name in named) or "true",
        "before": " AND k.order_id < :before" if "before" in conditions else "",
    }
    if counting:
        sql = (_COUNT_OF_VARIANTS if "variants" in conditions else _COUNT_ALL).format(**parts)
    else:
        sql = (_OF_VARIANTS if "variants" in conditions else _OF_ALL).format(**parts)
    names = {*conditions - _SWITCHES, "limit"}
    return HotStatement(text(sql).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in names)))


def _sequences(numbers: Collection[str]) -> list[int]:
    sequences = {parse_order_number(number) for number in numbers}
    return sorted(one for one in sequences if one is not None)


async def _values(tx: Tx, chosen: OrderCriteria, variants: Collection[VariantId] | None) -> dict[str, Any] | None:
    """The conditions that are given, each with its value; None where nothing can meet them."""
    least, most = chosen.least, chosen.most
    values: dict[str, Any] = {
        "status": chosen.status.value if chosen.status else None,
        "method": chosen.method or None,
        "since": chosen.since,
        "until": chosen.until,
        "currency": (least or most).currency if (least or most) is not None else None,  # type: ignore[union-attr]
        "least": None if least is None else least.amount,
        "greatest": None if most is None else most.amount,
        "buyer": chosen.buyer,
        "only": None if chosen.only is None else _sequences(chosen.only),
        "variants": None if variants is None else list(variants),
        "by_hand": chosen.by_hand or None,
        "refunded": chosen.refunded or None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    if chosen.since is not None:
        given["first_id"] = await id_ranges.first_id(tx, Order.__tablename__, chosen.since)
    if chosen.until is not None:
        given["last_id"] = await id_ranges.last_id(tx, Order.__tablename__, chosen.until)
    return None if None in given.values() else given


class Within(msgspec.Struct, frozen=True):
    """Criteria as SQL: the conditions on ``orders``, and the values of their parameters."""

    sql: str = "true"
    values: dict[str, Any] = {}

    def bound(self, statement: str, **types: Any) -> TextClause:
        """A statement with the conditions at ``{within}``; ``types`` are those of its own parameters."""
        kinds = {**{name: _TYPES[name] for name in self.values if name in _TYPES}, **types}
        return text(statement.format(within=self.sql)).bindparams(
            *(bindparam(name, type_=kind) for name, kind in kinds.items())
        )


ANYWHERE: Final = Within()


async def within(tx: Tx, chosen: OrderCriteria, variants: Collection[VariantId] | None) -> Within | None:
    """The criteria for a statement that finds orders by something else too; None where nothing can meet them."""
    values = await _values(tx, chosen, variants)
    if values is None:
        return None
    sql = " AND ".join(_CONDITIONS.get(name, _WITH_VARIANTS) for name in sorted(values)) or "true"
    return Within(sql, {name: value for name, value in values.items() if name not in _SWITCHES})


async def list_ids(
    tx: Tx, chosen: OrderCriteria, variants: Collection[VariantId] | None, *, before: OrderId | None, limit: int
) -> list[OrderId]:
    """The newest orders that meet the criteria, below an id; ``variants`` are those of its goods, None for any."""
    values = await _values(tx, chosen, variants)
    if values is None:
        return []
    if before is not None:
        values["before"] = before
    rows = await tx.fetch(_choosing(frozenset(values), counting=False), {**values, "limit": limit})
    return [OrderId(row["id"]) for row in rows]


async def count(tx: Tx, chosen: OrderCriteria, variants: Collection[VariantId] | None, limit: int) -> OrderCount:
    """How many orders meet the criteria, counted below ``limit``."""
    values = await _values(tx, chosen, variants)
    if values is None:
        return OrderCount(0, more=False)
    rows = await tx.fetch(_choosing(frozenset(values), counting=True), {**values, "limit": limit})
    return OrderCount(min(rows[0]["counted"], limit - 1), rows[0]["more"])


async def list_updated(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, tuple[datetime, Money]]:
    """When something last happened to each order, and how much of it was refunded."""
    rows = await tx.fetch(_UPDATED, {"ids": list(ids)})
    return {OrderId(row["id"]): (row["updated_at"], Money(row["refunded_amount"], row["currency"])) for row in rows}


async def list_exported(tx: Tx, ids: Sequence[OrderId]) -> list[ExportedOrder]:
    """The orders as a file has them, the newest first."""
    return [_exported(row) for row in await tx.fetch(_EXPORTED, {"ids": list(ids)})]


def _exported(row: Mapping[str, Any]) -> ExportedOrder:
    currency = row["currency"]
    return ExportedOrder(
        id=OrderId(row["id"]),
        number=order_number(row["sequence"]),
        status=OrderStatus(row["status"]),
        buyer_id=UserId(row["user_id"]),
        method=row["method"],
        total=Money(row["total_amount"], currency),
        refunded=Money(row["refunded_amount"], currency),
        created_at=row["created_at"],
        paid_at=row["paid_at"],
        updated_at=row["updated_at"],
        goods=tuple((name, variant, country, quantity) for name, variant, country, quantity in row["goods"] or ()),
    )
