"""Paying a reserved order, by its buyer or by money that arrives for it."""

from __future__ import annotations

from datetime import timedelta

from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.identity import domain as identity
from backend.identity.errors import Blocked
from backend.identity.types import Actor
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.ids import OrderId
from backend.orders import rules
from backend.orders.domain import money, refunding, settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import OrderNotPayable
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.service.common import check_owner, sequence_of
from backend.orders.types import (
    PAID_STATUSES,
    NotApplied,
    NotAppliedReason,
    OrderPaymentKept,
    OrderRecord,
    OrderRef,
    OrderStatus,
    OrderStep,
)
from backend.orders.types.lines import LineStatus
from backend.payments.types import TopUpSucceeded

SETTLE = "orders.settle_payment"


class SettlementService:
    """A reserved order is paid from the balance, by its buyer or when money arrives for it."""

    def __init__(self, *, uow: UnitOfWork, fulfillers: Fulfillers, premium_grace: Live[timedelta]) -> None:
        self._uow = uow
        self._premium_grace = premium_grace
        self._fulfillers = fulfillers

    @retry_conflicts
    async def pay(self, actor: Actor, number: str) -> OrderRef:
        """Pay an unpaid order from the balance; does nothing for an order that was paid before.

        Raises NotFound, OrderNotPayable, InsufficientFunds, PurchaseRefused, PriceChanged, Blocked.
        """
        async with self._uow() as tx:
            if await identity.is_blocked(tx, actor.id):  # since the session was checked
                raise Blocked(actor.id)
            order = await repository.lock_order(tx, sequence_of(number))
            check_owner(actor, order.user_id)
            status = order.status
            if status is OrderStatus.REFUNDED:
                raise OrderNotPayable()
            if status not in PAID_STATUSES:
                if not rules.is_payable(status, order.expires_at, tx.now):
                    raise OrderNotPayable()
                await settling.pay_reserved(tx, self._fulfillers, order, actor.user_id)
        return OrderRef(order.id, rules.order_number(order.sequence))

    @retry_conflicts
    async def settle_payment(self, event: TopUpSucceeded) -> None:
        """Task: pay the order for which a payment has arrived.

        An unpaid order is paid once its payment is complete; until then the balance stays free. An expired order is
        paid too, if its goods are still in stock; otherwise, and for a cancelled order, the money stays in the
        balance and the buyer is notified. So it is for goods that this buyer may not buy now: their order is
        cancelled. A blocked buyer gets no goods: the order is cancelled, the money stays in the balance, and the
        admins are notified.
        """
        if event.order_id is None:
            return
        failpoint("orders.settle_before")
        async with self._uow() as tx:
            # Before the order, as blocking a person does: a block comes either before or after this.
            blocked = await identity.is_blocked(tx, event.user_id)
            order = await repository.lock_order(tx, order_id=event.order_id)
            if order.user_id != event.user_id:
                return
            status = order.status
            not_applied = None
            if blocked:
                not_applied = await self._end_for_blocked(tx, event.order_id, status)
            elif status is OrderStatus.AWAITING_PAYMENT and not event.missing and await money.is_covered(tx, order):
                not_applied = await settling.pay_arrived(tx, self._fulfillers, order)
            elif status is OrderStatus.CANCELLED:
                not_applied = NotApplied(NotAppliedReason.CANCELLED)
            elif status is OrderStatus.EXPIRED:
                missing = NotApplied(NotAppliedReason.NOT_ENOUGH)
                not_applied = missing if event.missing else await self._pay_late(tx, order)
            if not_applied is not None:
                tx.emit(
                    OrderPaymentKept(
                        order_id=event.order_id,
                        user_id=event.user_id,
                        amount=event.amount,
                        currency=event.currency,
                        why=not_applied.why,
                        line_id=not_applied.line_id,
                    )
                )
            failpoint("orders.settled")

    @retry_conflicts
    async def settle_line(self, event: LineFulfilled | LineFailed) -> None:
        """Task: a line that takes its time was delivered, or will not be: then it is refunded to the balance.

        Nothing for a line that is not pending: the task ran before, or an admin has refunded the line.
        """
        async with self._uow() as tx:
            order_id = await line_rows.find_order_id(tx, event.line_id)
            if order_id is None:
                return
            order = await repository.lock_order(tx, order_id=order_id)
            lines, goods = await line_rows.list_lines(tx, order)
            line = next(one for one in lines if one.id == event.line_id)
            if line.status is not LineStatus.PENDING:
                return
            if isinstance(event, LineFailed):
                await refunding.fail_line(tx, self._fulfillers, order, lines, goods, line, event.reason)
            else:
                await settling.note_line_delivered(tx, order, lines, line)
            failpoint("orders.line_settled")

    async def _pay_late(self, tx: Tx, order: OrderRecord) -> NotApplied | None:
        return await settling.pay_late(tx, self._fulfillers, order, self._premium_grace())

    async def _end_for_blocked(self, tx: Tx, order_id: OrderId, status: OrderStatus) -> NotApplied | None:
        """End a blocked buyer's order, which the caller has locked; None for one that was paid before."""
        if status in PAID_STATUSES:
            return None
        if status is OrderStatus.AWAITING_PAYMENT:
            cancelled, step = OrderStatus.CANCELLED, OrderStep.CANCELLED
            await settling.close_unpaid(tx, self._fulfillers, order_id, cancelled, step, None)
        await audit.record(tx, None, "orders.keep_payment", f"order:{order_id}", {"why": NotAppliedReason.BLOCKED})
        return NotApplied(NotAppliedReason.BLOCKED)
