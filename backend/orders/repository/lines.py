"""The SQL of the lines of orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line
from backend.orders.types import OrderLine, OrderRecord
from backend.orders.types.lines import LineRefund, LineStatus
from backend.orders.types.prices import PartKind, PricedLine, PricePart

_UNPROMISED: Final[Mapping[OrderLineId, datetime | None]] = {}
_OCCUPIES: Final = (LineStatus.RESERVED, LineStatus.PENDING, LineStatus.DELIVERED)
PART_COLUMNS: Final = {kind: f"{kind}_part" for kind in PartKind}
"""The column of each part of a line's price."""
_PARTS: Final = ", ".join(PART_COLUMNS.values())
LINE_COLUMNS = (
    "slug, name, variant_name, hue, icon, country, picture, quantity, unit_amount,"
    f" {_PARTS}, total_amount AS line_total,"
    " status AS line_status, refunded_amount AS line_refunded, refunded_quantity, failure, promised_hours, ready_by,"
    " warranty_days, kind"
)


_LINES = HotStatement(
    text(
        f"SELECT id AS line_id, variant_id, {LINE_COLUMNS},"  # noqa: S608 constants of this file
        " (SELECT product_id FROM variants WHERE id = order_lines.variant_id) AS product_id"
        " FROM order_lines WHERE order_id = :order_id ORDER BY position"
    ).bindparams(bindparam("order_id", type_=Uuid()))
)
_SET_STATUSES = text("""
    UPDATE order_lines SET status = new.status, ready_by = coalesce(new.ready_by, order_lines.ready_by)
    FROM unnest(:ids, :statuses, :ready_bys) AS new (id, status, ready_by) WHERE order_lines.id = new.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("statuses", type_=ARRAY(Text())),
    bindparam("ready_bys", type_=ARRAY(DateTime(timezone=True))),
)
_ADD_REFUNDED = text("""
    UPDATE order_lines SET refunded_amount = refunded_amount + back.amount,
                           refunded_quantity = refunded_quantity + back.quantity
    FROM unnest(:ids, :amounts, :quantities) AS back (id, amount, quantity) WHERE order_lines.id = back.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    *(bindparam(name, type_=ARRAY(BigInteger())) for name in ("amounts", "quantities")),
)


async def count_bought(tx: Tx, user_id: UserId, variant_id: VariantId, except_order: OrderId) -> int:
    """How many of the variant the buyer holds or has reserved, outside the named order."""
    statement = select(func.coalesce(func.sum(Line.quantity - Line.refunded_quantity), 0)).where(
        Line.user_id == user_id,
        Line.variant_id == variant_id,
        Line.status.in_(_OCCUPIES),
        Line.order_id != except_order,
    )
    return int((await tx.execute(statement)).scalar_one())


async def count_bought_each(tx: Tx, user_id: UserId, variants: Collection[VariantId]) -> dict[VariantId, int]:
    """How many of each variant the buyer holds or has reserved; those of which there are none are left out."""
    statement = (
        select(Line.variant_id, func.sum(Line.quantity - Line.refunded_quantity).label("units"))
        .where(Line.user_id == user_id, Line.variant_id.in_(list(variants)), Line.status.in_(_OCCUPIES))
        .group_by(Line.variant_id)
    )
    rows = (await tx.execute(statement)).all() if variants else ()
    return {VariantId(row.variant_id): int(row.units) for row in rows}


async def list_lines(tx: Tx, order: OrderRecord) -> tuple[list[OrderLine], list[FulfilmentLine]]:
    """The order's lines in their order, and the same as their fulfillers know them."""
    rows = await tx.fetch(_LINES, {"order_id": order.id})
    return [line_of(row, order.total.currency) for row in rows], [
        _goods_of(row, order.user_id, order.total.currency) for row in rows
    ]


def _goods_of(row: Mapping[str, Any], buyer: UserId, currency: str) -> FulfilmentLine:
    return FulfilmentLine(
        id=OrderLineId(row["line_id"]),
        kind=row["kind"],
        product_id=ProductId(row["product_id"]),
        variant_id=VariantId(row["variant_id"]),
        quantity=row["quantity"],
        buyer=buyer,
        recipient=buyer,
        paid=Money(row["line_total"] - row["line_refunded"], currency),
    )


def line_of(row: Mapping[str, Any], currency: str) -> OrderLine:
    """The line in a row with ``line_id`` and the LINE_COLUMNS."""
    return OrderLine(
        id=OrderLineId(row["line_id"]),
        slug=row["slug"],
        name=row["name"],
        variant_name=row["variant_name"],
        hue=row["hue"],
        icon=row["icon"],
        country=row["country"],
        picture=row["picture"],
        price=_price_of(row, currency),
        status=LineStatus(row["line_status"]),
        refunded=Money(row["line_refunded"], currency),
        refunded_quantity=row["refunded_quantity"],
        failure=row["failure"],
        promised_hours=row["promised_hours"],
        ready_by=row["ready_by"],
        warranty_days=row["warranty_days"],
        kind=row["kind"],
    )


def _price_of(row: Mapping[str, Any], currency: str) -> PricedLine:
    amounts = ((kind, row[name]) for kind, name in PART_COLUMNS.items())
    return PricedLine(
        unit_price=Money(row["unit_amount"], currency),
        quantity=row["quantity"],
        parts=tuple(
            PricePart(kind, Money(amount, currency)) for kind, amount in amounts if amount or kind is PartKind.BASE
        ),
        total=Money(row["line_total"], currency),
    )


async def find_order_id(tx: Tx, line_id: OrderLineId) -> OrderId | None:
    """The order that has the line, if there is one."""
    order_id = (await tx.execute(select(Line.order_id).where(Line.id == line_id))).scalar_one_or_none()
    return None if order_id is None else OrderId(order_id)


async def set_statuses(
    tx: Tx, statuses: Mapping[OrderLineId, LineStatus], ready_by: Mapping[OrderLineId, datetime | None] = _UNPROMISED
) -> None:
    """Move each line to its status, and store until when it was promised."""
    values = {
        "ids": list(statuses),
        "statuses": [status.value for status in statuses.values()],
        "ready_bys": [ready_by.get(line_id) for line_id in statuses],
    }
    await tx.execute(_SET_STATUSES, values)


async def release(tx: Tx, order_id: OrderId) -> None:
    """Note that the goods of an order's lines went back."""
    await tx.execute(update(Line).where(Line.order_id == order_id).values(status=LineStatus.RELEASED.value))


async def set_failed(tx: Tx, line_ids: Collection[OrderLineId], reason: str | None = None) -> None:
    """Note that lines will not be delivered, and why."""
    failed = {"status": LineStatus.FAILED.value, "failure": reason}
    await tx.execute(update(Line).where(Line.id.in_(line_ids)).values(failed))


async def add_refunded(tx: Tx, refunded: Sequence[LineRefund]) -> None:
    """Add to what was refunded of lines."""
    values = {
        "ids": [item.line_id for item in refunded],
        "amounts": [item.amount.amount for item in refunded],
        "quantities": [item.quantity for item in refunded],
    }
    await tx.execute(_ADD_REFUNDED, values)
