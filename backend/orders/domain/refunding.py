"""Refunds of an order by shares of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from backend.catalog.types.fulfilment import FulfilmentLine
from backend.infra.unit_of_work import Tx
from backend.orders.domain import TOPIC, money, settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.repository import refunds
from backend.orders.rules.refunds import check_refund, shares_of_lines
from backend.orders.types import (
    OrderLine,
    OrderRecord,
    OrderRefunded,
    OrderStatus,
    OrderStep,
    RefundTarget,
    TimelineEntry,
)
from backend.orders.types.lines import LineQuantity, LineRefund, LineStatus
from backend.orders.types.refunds import NewRefund
from backend.payments import domain as payments
from backend.payments.types import Capabilities, Refund


async def refund(
    tx: Tx,
    fulfillers: Fulfillers,
    order: OrderRecord,
    lines: Sequence[OrderLine],
    goods: Sequence[FulfilmentLine],
    new: NewRefund,
    methods: Mapping[str, Capabilities],
) -> None:
    """Refund a locked order: take back the goods, then move the money, and note both.

    Goods come first, as in a purchase: two transactions that lock goods and money never do it in opposite order.
    Raises RefundTooMuch, RefundNotPossible.
    """
    refunded = check_refund(order.total, order.refunded, new.amount)
    lines = await _take_back(tx, fulfillers, lines, goods, new.shares)
    sent: list[Refund] = []
    if new.target is RefundTarget.WALLET:
        named = {share.line_id for share in new.shares if share.amount}
        concerned = [line for line in lines if line.id in named]
        await money.refund_to_wallet(tx, order, concerned, new.amount, new.reason, new.idempotency_key)
    else:
        sent = await payments.refund_order(
            tx,
            order.id,
            new.amount,
            methods,
            reason=new.reason,
            idempotency_key=f"order:{order.id}:{new.idempotency_key}",
            actor_id=new.actor_id,
        )
    await refunds.add_refund(tx, order.id, new)
    whole = refunded == order.total and not any(line.unrefunded for line in lines)
    await refunds.set_refunded(tx, order.id, refunded, OrderStatus.REFUNDED if whole else order.status)
    await repository.add_entries(tx, order.id, _entries(tx, new, whole=whole), new.actor_id)
    if not whole:
        await settling.complete(tx, order, lines)
    tx.emit(
        OrderRefunded(
            order_id=order.id,
            user_id=order.user_id,
            amount=new.amount.amount,
            currency=new.amount.currency,
            target=new.target,
            refunds={str(refund.id): refund.amount.amount for refund in sent},
            lines={str(share.line_id): share.quantity for share in new.shares} if new.by_line else {},
            failure=new.failure,
        )
    )
    tx.signal(TOPIC, order.id)


async def fail_line(
    tx: Tx,
    fulfillers: Fulfillers,
    order: OrderRecord,
    lines: Sequence[OrderLine],
    goods: Sequence[FulfilmentLine],
    line: OrderLine,
    reason: str,
) -> None:
    """Note that a pending line of a locked order is not delivered, and refund it to the balance."""
    await line_rows.set_failed(tx, [line.id], reason)
    await repository.add_entries(tx, order.id, [TimelineEntry(OrderStep.LINE_FAILED, tx.now, line.id)], None)
    lines = [replace(one, status=LineStatus.FAILED) if one.id == line.id else one for one in lines]
    shares = shares_of_lines(lines, [LineQuantity(line.id, line.unrefunded)])
    if line.left:
        new = NewRefund(
            shares=shares, target=RefundTarget.WALLET, reason=reason, idempotency_key=f"line_failed:{line.id}",
            actor_id=None, by_line=True, failure=reason,
        )  # fmt: skip
        await refund(tx, fulfillers, order, lines, goods, new, {})
        return
    await line_rows.add_refunded(tx, shares)
    if all(one.status is LineStatus.FAILED for one in lines):
        await refunds.set_refunded(tx, order.id, order.refunded, OrderStatus.REFUNDED)
        await repository.add_events(tx, order.id, [OrderStep.REFUNDED], None)
    else:
        await settling.complete(tx, order, lines)
    tx.signal(TOPIC, order.id)


async def _take_back(
    tx: Tx,
    fulfillers: Fulfillers,
    lines: Sequence[OrderLine],
    goods: Sequence[FulfilmentLine],
    shares: Sequence[LineRefund],
) -> list[OrderLine]:
    """Take the goods of the shares back and note both; the lines after that. A pending line without any has failed."""
    back = {share.line_id: share for share in shares}
    by_id = {line.id: line for line in lines}
    there = {line.id for line in lines if line.status in {LineStatus.DELIVERED, LineStatus.PENDING}}
    await fulfillers.revoke(
        tx,
        [
            (replace(line, paid=by_id[line.id].left - back[line.id].amount), back[line.id].quantity)
            for line in goods
            if line.id in back and line.id in there
        ],
    )
    await line_rows.add_refunded(tx, shares)
    for share in shares:
        line = by_id[share.line_id]
        line = replace(
            line, refunded=line.refunded + share.amount, refunded_quantity=line.refunded_quantity + share.quantity
        )
        if line.status is LineStatus.PENDING and not line.unrefunded:
            line = replace(line, status=LineStatus.FAILED)
            await line_rows.set_failed(tx, [line.id])
        by_id[line.id] = line
    return list(by_id.values())


def _entries(tx: Tx, new: NewRefund, *, whole: bool) -> list[TimelineEntry]:
    """What the timeline says of a refund: each line that was chosen, and the end of an order that went back whole."""
    step = OrderStep.REFUNDED if whole else OrderStep.PARTIALLY_REFUNDED
    if not new.by_line:
        return [TimelineEntry(step, tx.now, amount=new.amount)]
    if len(new.shares) == 1:
        (share,) = new.shares
        return [TimelineEntry(step, tx.now, share.line_id, share.quantity, share.amount)]
    entries = [
        TimelineEntry(OrderStep.PARTIALLY_REFUNDED, tx.now, share.line_id, share.quantity, share.amount)
        for share in new.shares
    ]
    return [*entries, *([TimelineEntry(step, tx.now)] if whole else [])]
