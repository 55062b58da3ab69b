"""The SQL of single orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    LargeBinary,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.types import TypeEngine

from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import ItemId
from backend.infra.database import dump_json
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.models import Line, Order, Reveal, TimelineEvent
from backend.orders.repository.lines import PART_COLUMNS
from backend.orders.types import (
    PAID_STATUSES,
    NewOrder,
    OpenReservation,
    OrderRecord,
    OrderStatus,
    OrderStep,
    PlacedOrder,
    RequestedLine,
    TimelineEntry,
)
from backend.orders.types.keys import RevealChannel

_LOCK_BUYER = HotStatement(
    text("SELECT pg_advisory_xact_lock(hashtextextended('orders:' || :user_id, 0))").bindparams(
        bindparam("user_id", type_=Text())
    )
)
_ENDED_UNPAID = text("orders.status IN ('expired', 'cancelled')")  # as the index says it
ORDER_COLUMNS = (
    "orders.id, orders.sequence, orders.user_id, orders.status, orders.total_amount, orders.refunded_amount,"
    " orders.currency, orders.created_at, orders.expires_at, orders.method"
)


def _reading(name: str, type_: TypeEngine[Any], lock: str = "") -> HotStatement:
    sql = f"SELECT {ORDER_COLUMNS} FROM orders WHERE {name} = :{name} {lock}"  # noqa: S608 constants of this file
    return HotStatement(text(sql).bindparams(bindparam(name, type_=type_)))


_BY_ID = _reading("id", Uuid())
_BY_SEQUENCE = _reading("sequence", BigInteger())
_LOCK_BY_ID = _reading("id", Uuid(), "FOR UPDATE")
_LOCK_BY_SEQUENCE = _reading("sequence", BigInteger(), "FOR UPDATE")
_TIMELINE = HotStatement(
    text(
        "SELECT step, at, line_id, quantity, amount FROM order_events WHERE order_id = :order_id ORDER BY id"
    ).bindparams(bindparam("order_id", type_=Uuid()))
)

# The order, its lines and its first steps in one round trip; a replayed tap writes none of them. Lines come as JSON:
# the driver reads one text faster than an array for each column, and PostgreSQL keeps one plan for any number of them.
_ADD_ORDER = HotStatement(
    text("""
    WITH made AS (
        INSERT INTO orders
            (id, user_id, idempotency_key, request_hash, status, total_amount, currency,
             created_at, expires_at, paid_at, method)
        VALUES (:id, :user_id, :key, :request, :status, :total, :currency, :now, :expires_at, :paid_at, :method)
        ON CONFLICT (user_id, idempotency_key) DO NOTHING
        RETURNING id, sequence
    ), lines AS (
        INSERT INTO order_lines (id, order_id, user_id, variant_id, kind, position, quantity, unit_amount,
                                 base_part, reseller_part, quantity_part, promo_part, already_paid_part, total_amount,
                                 status, slug, name, variant_name, hue, icon, country, picture, promised_hours,
                                 warranty_days)
        SELECT line.id, made.id, :user_id, line.variant_id, line.kind, line.position, line.quantity, line.unit_amount,
               line.base_part, coalesce(line.reseller_part, 0), coalesce(line.quantity_part, 0),
               coalesce(line.promo_part, 0), coalesce(line.already_paid_part, 0), line.total_amount,
               line.status, line.slug, line.name, line.variant_name, line.hue, line.icon, line.country, line.picture,
               line.promised_hours, line.warranty_days
        FROM made, json_to_recordset(CAST(:lines AS json)) AS line (
            id uuid, variant_id uuid, kind text, position bigint, quantity bigint, unit_amount bigint,
            base_part bigint, reseller_part bigint, quantity_part bigint, promo_part bigint, already_paid_part bigint,
            total_amount bigint, status text, slug text, name jsonb, variant_name jsonb, hue text, icon text,
            country text, picture text, promised_hours bigint, warranty_days bigint)
    ), events AS (
        INSERT INTO order_events (id, order_id, step, at, actor_id)
        SELECT event.id, made.id, event.step, :now, :user_id
        FROM made, json_to_recordset(CAST(:events AS json)) AS event (id uuid, step text)
    )
    SELECT sequence FROM made
""").bindparams(
        *(bindparam(name, type_=Uuid()) for name in ("id", "user_id")),
        *(bindparam(name, type_=Text()) for name in ("key", "status", "currency", "lines", "events", "method")),
        bindparam("request", type_=LargeBinary()),
        bindparam("total", type_=BigInteger()),
        *(bindparam(name, type_=DateTime(timezone=True)) for name in ("now", "expires_at", "paid_at")),
    )
)
_ADD_EVENT = insert(TimelineEvent)


async def lock_buyer(tx: Tx, user_id: UserId) -> None:
    """Let one order at a time of this buyer be counted against a limit."""
    await tx.fetch(_LOCK_BUYER, {"user_id": str(user_id)})


async def is_first_purchase(tx: Tx, user_id: UserId, except_order: OrderId | None = None) -> bool:
    """Whether the person has paid no order and has none that awaits payment, but for the named one."""
    bought = or_(Order.paid_at.is_not(None), Order.status == OrderStatus.AWAITING_PAYMENT)
    others = select(Order.id).where(Order.user_id == user_id, bought, Order.id.is_distinct_from(except_order))
    return (await tx.execute(others.limit(1))).first() is None


async def has_paid_before(tx: Tx, user_id: UserId, at: datetime) -> bool:
    """Whether the person had paid an order at a moment."""
    paid = select(Order.id).where(Order.user_id == user_id, Order.paid_at <= at).limit(1)
    return (await tx.execute(paid)).first() is not None


async def list_open(tx: Tx, user_id: UserId, except_order: OrderId | None = None) -> list[OpenReservation]:
    """The lines of the buyer's unpaid orders but a named one, the oldest first; without what is on hold for them."""
    statement = (
        select(Order.id, Order.sequence, Order.currency, Line.variant_id, Line.quantity, Line.total_amount)
        .join(Line, Line.order_id == Order.id)
        .where(Order.user_id == user_id, Order.status == OrderStatus.AWAITING_PAYMENT)
        .where(Order.id.is_distinct_from(except_order))
        .order_by(Order.sequence, Line.position)
    )
    return [
        OpenReservation(
            order_id=OrderId(row.id),
            sequence=row.sequence,
            variant_id=VariantId(row.variant_id),
            quantity=row.quantity,
            total=Money(row.total_amount, row.currency),
            covered=Money.zero(row.currency),
        )
        for row in await tx.execute(statement)
    ]


async def count_lapses(tx: Tx, user_id: UserId, since: datetime, period: timedelta) -> int:
    """How often the buyer held goods unpaid for ``period`` since a moment.

    An order that expired is once; those that the buyer cancelled count by their time together, each at most once.
    """
    cancelled = and_(
        TimelineEvent.order_id == Order.id,
        TimelineEvent.step == OrderStep.CANCELLED,
        TimelineEvent.actor_id == Order.user_id,
    )
    held = case(
        (Order.status == OrderStatus.EXPIRED, literal(period)),
        (TimelineEvent.id.is_(None), literal(timedelta())),
        else_=func.least(TimelineEvent.at - Order.created_at, literal(period)),
    )
    ended = (
        select(func.coalesce(func.sum(held), literal(timedelta())))
        .select_from(Order)
        .outerjoin(TimelineEvent, cancelled)
        .where(Order.user_id == user_id, Order.created_at >= since)
        .where(_ENDED_UNPAID)
    )
    total: timedelta = (await tx.execute(ended)).scalar_one()
    return total // period


async def add_order(tx: Tx, order: NewOrder) -> int | None:
    """Insert the order; its sequence, or None when the buyer has used the idempotency key already."""
    values = {
        "id": order.id,
        "user_id": order.user_id,
        "key": order.idempotency_key,
        "request": order.request,
        "status": order.status.value,
        "total": order.total.amount,
        "currency": order.total.currency,
        "now": tx.now,
        "expires_at": order.expires_at,
        "paid_at": tx.now if order.status in PAID_STATUSES else None,
        "method": order.method if order.status in PAID_STATUSES else None,
        "lines": dump_json([_columns(order, number) for number in range(len(order.lines))]),
        "events": dump_json([{"id": tx.new_id(), "step": step} for step in order.steps]),
    }
    rows = await tx.fetch(_ADD_ORDER, values)
    return int(rows[0]["sequence"]) if rows else None


def _columns(order: NewOrder, position: int) -> dict[str, Any]:
    line = order.lines[position]
    return {
        "id": line.id,
        "variant_id": order.goods[position].variant_id,
        "kind": line.kind,
        "position": position,
        "quantity": line.quantity,
        "unit_amount": line.price.unit_price.amount,
        **{PART_COLUMNS[part.kind]: part.amount.amount for part in line.price.parts},
        "total_amount": line.price.total.amount,
        "status": line.status,
        "slug": line.slug,
        "name": line.name,
        "variant_name": line.variant_name,
        "hue": line.hue,
        "icon": line.icon,
        "country": line.country,
        "picture": line.picture,
        "promised_hours": line.promised_hours,
        "warranty_days": line.warranty_days,
    }


async def add_events(tx: Tx, order_id: OrderId, steps: Iterable[OrderStep], actor_id: UserId | None) -> None:
    """Append steps of the whole order to its timeline."""
    await add_entries(tx, order_id, [TimelineEntry(step, tx.now) for step in steps], actor_id)


async def add_entries(tx: Tx, order_id: OrderId, entries: Iterable[TimelineEntry], actor_id: UserId | None) -> None:
    """Append entries to the order's timeline."""
    rows = [
        {
            "id": tx.new_id(),
            "order_id": order_id,
            "step": entry.step,
            "at": entry.at,
            "actor_id": actor_id,
            "line_id": entry.line_id,
            "quantity": entry.quantity,
            "amount": entry.amount.amount if entry.amount else None,
        }
        for entry in entries
    ]
    await tx.execute(_ADD_EVENT, rows)


async def add_reveals(
    tx: Tx, order_id: OrderId, keys: Iterable[ItemId], actor_id: UserId | None, channel: RevealChannel
) -> None:
    """Log that keys were shown or sent in plain text."""
    rows = [
        {
            "id": tx.new_id(),
            "order_id": order_id,
            "stock_key_id": key,
            "actor_id": actor_id,
            "channel": channel,
            "at": tx.now,
        }
        for key in keys
    ]
    if rows:
        await tx.execute(insert(Reveal), rows)


async def set_status(tx: Tx, order_id: OrderId, status: OrderStatus, *, paid_with: str | None = None) -> None:
    """Move the order to ``status``; one that is paid now is dated, with the payment method or BALANCE."""
    change: dict[str, Any] = {"status": status}
    if paid_with is not None:
        change |= {"paid_at": tx.now, "method": paid_with}
    await tx.execute(update(Order).where(Order.id == order_id).values(change))


async def find_by_key(tx: Tx, user_id: UserId, key: str) -> PlacedOrder | None:
    """The buyer's order that was placed with this idempotency key."""
    statement = (
        select(Order.id, Order.sequence, Order.request_hash, Line.variant_id, Line.quantity)
        .join(Line, Line.order_id == Order.id)
        .where(Order.user_id == user_id, Order.idempotency_key == key)
        .order_by(Line.position)
    )
    rows = (await tx.execute(statement)).all()
    if not rows:
        return None
    requested = tuple(RequestedLine(VariantId(row.variant_id), row.quantity) for row in rows)
    return PlacedOrder(OrderId(rows[0].id), rows[0].sequence, requested, rows[0].request_hash)


async def lock_order(tx: Tx, sequence: int | None = None, *, order_id: OrderId | None = None) -> OrderRecord:
    """The order by its sequence or its id, locked. Raises NotFound."""
    if order_id is None:
        return await _one(tx, _LOCK_BY_SEQUENCE, {"sequence": sequence})
    return await _one(tx, _LOCK_BY_ID, {"id": order_id})


async def get_order(tx: Tx, *, sequence: int | None = None, order_id: OrderId | None = None) -> OrderRecord:
    """The order by its sequence or its id. Raises NotFound."""
    if order_id is None:
        return await _one(tx, _BY_SEQUENCE, {"sequence": sequence})
    return await _one(tx, _BY_ID, {"id": order_id})


async def _one(tx: Tx, statement: HotStatement, values: dict[str, Any]) -> OrderRecord:
    rows = await tx.fetch(statement, values)
    if not rows:
        raise NotFound("no such order")
    row = rows[0]
    return OrderRecord(
        id=OrderId(row["id"]),
        sequence=row["sequence"],
        user_id=UserId(row["user_id"]),
        status=OrderStatus(row["status"]),
        total=Money(row["total_amount"], row["currency"]),
        refunded=Money(row["refunded_amount"], row["currency"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


async def list_timeline(tx: Tx, order: OrderRecord) -> list[TimelineEntry]:
    """The order's steps, oldest first."""
    rows = await tx.fetch(_TIMELINE, {"order_id": order.id})
    currency = order.total.currency
    return [
        TimelineEntry(
            step=OrderStep(row["step"]),
            at=row["at"],
            line_id=row["line_id"],
            quantity=row["quantity"],
            amount=None if row["amount"] is None else Money(row["amount"], currency),
        )
        for row in rows
    ]


async def set_expiry(tx: Tx, order_id: OrderId, expires_at: datetime) -> None:
    """Set the end of the order's reservation."""
    await tx.execute(update(Order).where(Order.id == order_id).values(expires_at=expires_at))


async def list_lapsing(tx: Tx, before: datetime, limit: int) -> list[OrderId]:
    """The orders whose reservation ends before a moment, the next to end first."""
    statement = select(Order.id).where(Order.status == OrderStatus.AWAITING_PAYMENT, Order.expires_at <= before)
    return [
        OrderId(order_id)
        for order_id in (await tx.execute(statement.order_by(Order.expires_at).limit(limit))).scalars()
    ]


async def lock_lapsed(tx: Tx) -> OrderId | None:
    """The order whose reservation ended first, locked; orders that another process has locked are skipped."""
    statement = (
        select(Order.id)
        .where(Order.status == OrderStatus.AWAITING_PAYMENT, Order.expires_at <= tx.now)
        .order_by(Order.expires_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    order_id = (await tx.execute(statement)).scalar_one_or_none()
    return None if order_id is None else OrderId(order_id)


async def lock_waiting(tx: Tx, user_id: UserId) -> OrderId | None:
    """A buyer's oldest unpaid order, locked."""
    mine = (Order.user_id == user_id, Order.status == OrderStatus.AWAITING_PAYMENT)
    statement = select(Order.id).where(*mine).order_by(Order.id).limit(1).with_for_update()
    order_id = (await tx.execute(statement)).scalar_one_or_none()
    return None if order_id is None else OrderId(order_id)
