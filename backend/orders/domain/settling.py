"""How an order's lines end: paid and delivered, delivered later, failed, or released unpaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus
from backend.growth.domain import promos as growth
from backend.growth.errors import PromoCodeRefused
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.orders import rules
from backend.orders.domain import TOPIC, money, promos
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import PersonLimitReached
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.types import (
    NewOrder,
    NotApplied,
    NotAppliedReason,
    OrderLine,
    OrderPaid,
    OrderRecord,
    OrderStatus,
    OrderStep,
    TimelineEntry,
)
from backend.orders.types.lines import LineStatus, OrderLineDelivered
from backend.wallet import domain as wallet

_STATUSES = {DeliveryStatus.DELIVERED: LineStatus.DELIVERED, DeliveryStatus.PENDING: LineStatus.PENDING}


async def close_unpaid(
    tx: Tx, fulfillers: Fulfillers, order_id: OrderId, status: OrderStatus, step: OrderStep, by: UserId | None
) -> None:
    """End an order that awaits payment and return its goods to the stock. The caller holds its lock."""
    order = await repository.get_order(tx, order_id=order_id)
    _, goods = await line_rows.list_lines(tx, order)
    await growth.release(tx, order_id)
    await fulfillers.release(tx, goods)
    await line_rows.release(tx, order_id)
    await wallet.release(tx, money.purpose(order_id), rules.order_number(order.sequence))
    await repository.set_status(tx, order_id, status)
    await repository.add_events(tx, order_id, [step], by)
    tx.signal(TOPIC, order_id)


async def pay_reserved(tx: Tx, fulfillers: Fulfillers, order: OrderRecord, by: UserId | None) -> None:
    """Deliver the reserved goods of a locked order and charge its price. Raises InsufficientFunds."""
    lines, goods = await line_rows.list_lines(tx, order)
    deliveries = await fulfillers.deliver(tx, goods, reserved=True)
    await _note_paid(tx, order, lines, deliveries, by)


async def pay_late(tx: Tx, fulfillers: Fulfillers, order: OrderRecord) -> NotApplied | None:
    """Pay a locked order that has ended, at its original price; returns why not if goods or money are missing."""
    if not await money.is_covered(tx, order):
        return NotApplied(NotAppliedReason.NOT_ENOUGH)
    lines, goods = await line_rows.list_lines(tx, order)
    reached = None
    try:
        async with tx.savepoint():  # all lines or none
            await promos.use_again(tx, order)
            for line in goods:
                reached = line.id
                limit = await catalog.person_limit(tx, line.variant_id)
                await check_person_limit(tx, order.id, order.user_id, line.variant_id, line.quantity, limit)
            deliveries = await fulfillers.deliver(tx, goods, reserved=False)
    except SoldOut as gone:
        return NotApplied(NotAppliedReason.SOLD_OUT, gone.line_id)
    except PersonLimitReached:
        return NotApplied(NotAppliedReason.LIMIT_REACHED, reached)
    except PromoCodeRefused:
        return NotApplied(NotAppliedReason.PROMO_USED_UP)
    await _note_paid(tx, order, lines, deliveries, None)
    return None


async def check_person_limit(
    tx: Tx, order_id: OrderId, buyer: UserId, variant_id: VariantId, quantity: int, limit: int | None
) -> None:
    """Raises PersonLimitReached when the buyer would have more than ``limit``; counted one order at a time."""
    if limit is None:
        return
    await repository.lock_buyer(tx, buyer)
    bought = await line_rows.count_bought(tx, buyer, variant_id, order_id)
    if bought + quantity > limit:
        raise PersonLimitReached(limit=limit, bought=bought)


async def note_delivered(tx: Tx, order: NewOrder, deliveries: Mapping[OrderLineId, Delivery]) -> NewOrder:
    """Store how far the lines of an order that was paid at once are; the order with that.

    The order was stored as paid. It may not have been: goods that take their time are delivered at once now and then.
    """
    statuses = _statuses(deliveries)
    await line_rows.set_statuses(tx, statuses)
    order = replace(order, lines=tuple(replace(line, status=statuses[line.id]) for line in order.lines))
    if LineStatus.PENDING in statuses.values():
        return order
    await repository.set_status(tx, order.id, OrderStatus.DELIVERED)
    await repository.add_events(tx, order.id, [OrderStep.DELIVERED], order.user_id)
    return replace(order, status=OrderStatus.DELIVERED, steps=(*order.steps, OrderStep.DELIVERED))


async def note_line_delivered(tx: Tx, order: OrderRecord, lines: Sequence[OrderLine], line: OrderLine) -> None:
    """Note that a pending line of a locked order is delivered, and with the last one the order."""
    await line_rows.set_statuses(tx, {line.id: LineStatus.DELIVERED})
    tx.emit(OrderLineDelivered(order_id=order.id, user_id=order.user_id, line_id=line.id))
    if len(lines) > 1:
        await repository.add_entries(tx, order.id, [TimelineEntry(OrderStep.LINE_DELIVERED, tx.now, line.id)], None)
    await complete(tx, order, [one for one in lines if one.id != line.id])
    tx.signal(TOPIC, order.id)


async def complete(tx: Tx, order: OrderRecord, others: Sequence[OrderLine]) -> None:
    """Note that a paid order is delivered, if none of its ``others``, the lines not settled just now, is pending."""
    if order.status is OrderStatus.PAID and not any(line.status is LineStatus.PENDING for line in others):
        await repository.set_status(tx, order.id, OrderStatus.DELIVERED)
        await repository.add_events(tx, order.id, [OrderStep.DELIVERED], None)


def _statuses(deliveries: Mapping[OrderLineId, Delivery]) -> dict[OrderLineId, LineStatus]:
    return {line_id: _STATUSES[delivery.status] for line_id, delivery in deliveries.items()}


async def _note_paid(
    tx: Tx,
    order: OrderRecord,
    lines: Sequence[OrderLine],
    deliveries: Mapping[OrderLineId, Delivery],
    by: UserId | None,
) -> None:
    await money.take(tx, order, lines)
    statuses = _statuses(deliveries)
    await line_rows.set_statuses(tx, statuses)
    pending = LineStatus.PENDING in statuses.values()
    await repository.set_status(tx, order.id, OrderStatus.PAID if pending else OrderStatus.DELIVERED, paid=True)
    await repository.add_events(tx, order.id, [OrderStep.PAID] + [OrderStep.DELIVERED] * (not pending), by)
    tx.emit(OrderPaid(order_id=order.id, user_id=order.user_id))
    tx.signal(TOPIC, order.id)
