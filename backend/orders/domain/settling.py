"""How an order's lines end: paid and delivered, delivered later, failed, or released unpaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine
from backend.growth.domain import promos as growth
from backend.growth.errors import PromoCodeRefused
from backend.identity import domain as identity
from backend.infra.failpoints import failpoint
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.orders import rules
from backend.orders.domain import TOPIC, money, promos, quotes
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import PersonLimitReached
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.types import (
    BALANCE,
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
from backend.payments import domain as payments
from backend.wallet import domain as wallet

Deliveries = Mapping[OrderLineId, Delivery]
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
    """Deliver the reserved goods of a locked order and charge its price.

    Raises InsufficientFunds, PurchaseRefused, and PriceChanged where what was paid before counts no longer.
    """
    lines, goods = await line_rows.list_lines(tx, order)
    refused = await quotes.find_refusal(tx, fulfillers, lines, goods)
    if refused is not None:
        raise refused[1]
    await _note_paid(tx, order, lines, await fulfillers.deliver(tx, goods, reserved=True), by)


async def pay_arrived(tx: Tx, fulfillers: Fulfillers, order: OrderRecord) -> NotApplied | None:
    """Pay a locked order that awaits payment with the money that has come; returns why not if it is refused now.

    Then the order is cancelled: its price or its goods are no longer what the buyer has agreed to.
    """
    lines, goods = await line_rows.list_lines(tx, order)
    refused = await quotes.find_refusal(tx, fulfillers, lines, goods)
    if refused is None:
        await _note_paid(tx, order, lines, await fulfillers.deliver(tx, goods, reserved=True), None)
        return None
    await close_unpaid(tx, fulfillers, order.id, OrderStatus.CANCELLED, OrderStep.CANCELLED, None)
    return NotApplied(NotAppliedReason.REFUSED, refused[0])


async def pay_late(tx: Tx, fulfillers: Fulfillers, order: OrderRecord, premium_grace: timedelta) -> NotApplied | None:
    """Pay a locked order that has ended, at its original price; returns why not if goods or money are missing.

    Its goods were for anybody when it was placed: what is for premium members now is theirs only.
    """
    if not await money.is_covered(tx, order):
        return NotApplied(NotAppliedReason.NOT_ENOUGH)
    lines, goods = await line_rows.list_lines(tx, order)
    refused = await _find_late_refusal(tx, fulfillers, order, lines, goods, premium_grace)
    if refused is not None:
        return refused
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


async def _find_late_refusal(
    tx: Tx,
    fulfillers: Fulfillers,
    order: OrderRecord,
    lines: Sequence[OrderLine],
    goods: Sequence[FulfilmentLine],
    premium_grace: timedelta,
) -> NotApplied | None:
    refused = await quotes.find_refusal(tx, fulfillers, lines, goods)
    if refused is not None:
        return NotApplied(NotAppliedReason.REFUSED, refused[0])
    for_members = await catalog.list_for_members(tx, {line.variant_id for line in goods})
    if for_members and not await identity.is_premium(tx, order.user_id, premium_grace):
        closed = next(line.id for line in goods if line.variant_id in for_members)
        return NotApplied(NotAppliedReason.PREMIUM_ONLY, closed)
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


async def pay_new(tx: Tx, fulfillers: Fulfillers, order: NewOrder, number: str) -> tuple[NewOrder, Deliveries]:
    """Deliver and charge an order that was stored as paid; the order as it is then, and how far each line is.

    Raises SoldOut, InsufficientFunds.
    """
    deliveries = await fulfillers.deliver(tx, order.goods, reserved=False)
    if order.status is not OrderStatus.DELIVERED:
        order = await note_delivered(tx, order, deliveries)
    await money.charge(tx, order.id, order.user_id, order.total, number, order.lines)
    tx.emit(OrderPaid(order_id=order.id, user_id=order.user_id))
    tx.signal(TOPIC, order.id)
    return order, deliveries


async def note_delivered(tx: Tx, order: NewOrder, deliveries: Mapping[OrderLineId, Delivery]) -> NewOrder:
    """Store how far the lines of an order that was paid at once are; the order with that.

    The order was stored as paid. It may not have been: goods that take their time are delivered at once now and then.
    """
    statuses = await _store(tx, deliveries)
    lines = (replace(line, status=statuses[line.id], ready_by=deliveries[line.id].ready_by) for line in order.lines)
    order = replace(order, lines=tuple(lines))
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


async def _store(tx: Tx, deliveries: Mapping[OrderLineId, Delivery]) -> dict[OrderLineId, LineStatus]:
    """Store how far each line is, which is returned, and until when it was promised."""
    statuses = {line_id: _STATUSES[delivery.status] for line_id, delivery in deliveries.items()}
    await line_rows.set_statuses(tx, statuses, {line_id: one.ready_by for line_id, one in deliveries.items()})
    return statuses


async def _note_paid(
    tx: Tx,
    order: OrderRecord,
    lines: Sequence[OrderLine],
    deliveries: Mapping[OrderLineId, Delivery],
    by: UserId | None,
) -> None:
    failpoint("orders.goods_delivered")
    await money.take(tx, order, lines)
    failpoint("orders.money_taken")
    statuses = await _store(tx, deliveries)
    pending = LineStatus.PENDING in statuses.values()
    status = OrderStatus.PAID if pending else OrderStatus.DELIVERED
    paid = await payments.list_paid_for(tx, order.id)
    await repository.set_status(tx, order.id, status, paid_with=paid[0].method if paid else BALANCE)
    await repository.add_events(tx, order.id, [OrderStep.PAID] + [OrderStep.DELIVERED] * (not pending), by)
    tx.emit(OrderPaid(order_id=order.id, user_id=order.user_id))
    tx.signal(TOPIC, order.id)
