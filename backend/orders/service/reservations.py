"""Reservations: how long an order's goods wait for the money, and how an unpaid order ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission, PersonBlocked
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import OrderId, UserId
from backend.orders import domain, rules
from backend.orders.domain import settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import OrderNotPayable
from backend.orders.repository import orders as repository
from backend.orders.service.common import check_owner, sequence_of
from backend.orders.types import PAID_STATUSES, OrderRef, OrderStatus, OrderStep, Reserved
from backend.payments import domain as payments
from backend.payments.types import Capabilities

_AHEAD: Final = timedelta(seconds=45)
"""How long before its end a reservation is extended: the timer runs every 15 seconds, and may be late."""
_BATCH: Final = 500


class ReservationsService:
    """Extends reservations while a payment is under way, and ends unpaid orders.

    ``methods`` are the payment methods that are on. Goods are reserved for ``reservation``, and for ``longest`` in all
    while a payment is under way.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        fulfillers: Fulfillers,
        methods: Mapping[str, Capabilities],
        reservation: Live[timedelta],
        longest: Live[timedelta],
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._methods = methods
        self._reservation = reservation
        self._longest = longest

    def _most(self) -> timedelta:
        return max(self._longest(), self._reservation())

    @retry_conflicts
    async def extend_for_payment(self, actor: Actor, number: str, method: str) -> datetime:
        """Extend an unpaid order's reservation for a payment by ``method`` that begins now; the end of both.

        Raises NotFound, Invalid for an unknown payment method, OrderNotPayable, PaymentTooLate.
        """
        can = self._methods.get(method)
        if can is None:
            raise Invalid(f"no payment method called {method!r}", fields={"method": "unknown_method"})
        async with self._uow() as tx:
            order = await repository.lock_order(tx, sequence_of(number))
            check_owner(actor, order.user_id)
            if order.expires_at is None or not rules.is_payable(order.status, order.expires_at, tx.now):
                raise OrderNotPayable()
            order_id = order.id
            begun = await payments.list_for(tx, order_id)
            end = rules.payment_end(
                Reserved(order.created_at, order.expires_at),
                tx.now,
                timedelta(seconds=can.lifetime_seconds),
                timedelta(seconds=can.shortest_seconds),
                self._most(),
                again=any(item.method == method and item.is_open and item.expires_at > tx.now for item in begun),
            )
            if end > order.expires_at:
                await repository.set_expiry(tx, order_id, end)
                tx.signal(domain.TOPIC, order_id)
        return end

    async def awaits_payment(self, order_id: OrderId) -> bool:
        """Whether the order is unpaid and still reserved."""
        async with self._uow.read() as tx:
            try:
                order = await repository.get_order(tx, order_id=order_id)
            except NotFound:
                return False
            return rules.is_payable(order.status, order.expires_at, tx.now)

    @retry_conflicts
    async def cancel(self, actor: Actor, number: str) -> OrderRef:
        """Cancel the actor's unpaid order. Raises NotFound, OrderNotPayable."""
        async with self._uow() as tx:
            order = await repository.lock_order(tx, sequence_of(number))
            check_owner(actor, order.user_id)
            if order.status in PAID_STATUSES:
                raise OrderNotPayable()
            if order.status is OrderStatus.AWAITING_PAYMENT:
                cancelled, step = OrderStatus.CANCELLED, OrderStep.CANCELLED
                await settling.close_unpaid(tx, self._fulfillers, order.id, cancelled, step, actor.user_id)
        return OrderRef(order.id, rules.order_number(order.sequence))

    @retry_conflicts
    async def cancel_for(self, actor: Actor, number: str, reason: str) -> OrderRef:
        """Cancel anybody's unpaid order. Needs the permission for orders. Raises NotFound, OrderNotPayable."""
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            order = await repository.lock_order(tx, sequence_of(number))
            if order.status is not OrderStatus.AWAITING_PAYMENT:
                raise OrderNotPayable()
            status, step = OrderStatus.CANCELLED, OrderStep.CANCELLED
            await settling.close_unpaid(tx, self._fulfillers, order.id, status, step, actor.user_id)
            facts = {"reason": reason}
            await audit.record(tx, actor.user_id, "orders.cancel", f"order:{order.id}", facts, person=order.user_id)
        return OrderRef(order.id, rules.order_number(order.sequence))

    async def cancel_blocked(self, event: PersonBlocked) -> int:
        """Task: cancel what a blocked person has reserved, unless they were unblocked since; the number cancelled.

        Each order in a transaction of its own, so that no two products are locked together.
        """
        cancelled = 0
        while await self._cancel_one(event.user_id):
            cancelled += 1
        return cancelled

    @retry_conflicts
    async def _cancel_one(self, user_id: UserId) -> bool:
        async with self._uow() as tx:
            if not await identity.is_blocked(tx, user_id):
                return False
            order_id = await repository.lock_waiting(tx, user_id)
            if order_id is None:
                return False
            status, step = OrderStatus.CANCELLED, OrderStep.CANCELLED
            await settling.close_unpaid(tx, self._fulfillers, order_id, status, step, None)
        return True

    async def expire_lapsed(self) -> int:
        """End the orders whose reservation has expired and return their goods to the stock; returns their number.

        An order whose payment is being confirmed is extended while its longest time allows. Each order has its own
        transaction, so that no two products are locked together.
        """
        async with self._uow.read() as tx:
            soon = await repository.list_lapsing(tx, tx.now + _AHEAD, _BATCH)
        for order_id in soon:
            await self._extend_for_arriving(order_id)
        ended = 0
        while await self._expire_one():
            ended += 1
        return ended

    @retry_conflicts
    async def _extend_for_arriving(self, order_id: OrderId) -> None:
        """Extend a reservation while a payment for it is arriving, before its end is shown as passed."""
        async with self._uow() as tx:
            order = await repository.lock_order(tx, order_id=order_id)
            if order.status is not OrderStatus.AWAITING_PAYMENT or order.expires_at is None:
                return
            if order.expires_at > tx.now + _AHEAD:
                return
            if not any(intent.is_arriving for intent in await payments.list_for(tx, order_id)):
                return
            reserved = Reserved(order.created_at, order.expires_at)
            end = rules.extended(reserved, tx.now, self._reservation(), self._most())
            if end > order.expires_at:
                await repository.set_expiry(tx, order_id, end)
                tx.signal(domain.TOPIC, order_id)

    @retry_conflicts
    async def _expire_one(self) -> bool:
        async with self._uow() as tx:
            order_id = await repository.lock_lapsed(tx)
            if order_id is None:
                return False
            status, step = OrderStatus.EXPIRED, OrderStep.EXPIRED
            await settling.close_unpaid(tx, self._fulfillers, order_id, status, step, None)
        return True
