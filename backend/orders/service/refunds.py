"""Refunds of orders, by admins."""

from __future__ import annotations

from collections.abc import Mapping

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.orders import domain, rules
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import IdempotencyKeyReused, OrderNotPayable
from backend.orders.repository import orders as repository
from backend.orders.repository import refunds
from backend.orders.service.common import sequence_of
from backend.orders.types import OrderStatus, OrderView, Refundable, RefundableMethod, RefundTarget
from backend.payments import domain as payments
from backend.payments.types import Capabilities, Refund

_PAID = frozenset({OrderStatus.DELIVERED, OrderStatus.REFUNDED})


class RefundsService:
    """Refunds by admins with the permission for orders.

    ``methods`` are the payment methods that are on; above ``single_admin_limit`` a second admin must approve.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        fulfillers: Fulfillers,
        methods: Mapping[str, Capabilities],
        single_admin_limit: Live[Money],
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._methods = methods
        self._single_admin_limit = single_admin_limit

    async def refundable(self, actor: Actor, number: str) -> Refundable:
        """What of the order can go back, and where to. Raises NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            order = await repository.get_order(tx, sequence=sequence_of(number))
            done = await refunds.list_refunds(tx, order.id, order.total.currency)
            left = order.total - order.refunded if order.status in _PAID else Money.zero(order.total.currency)
            methods = []
            for intent in await payments.list_paid_for(tx, order.id):
                can = self._methods.get(intent.method)
                if can is None or not can.refundable or not intent.refundable or not left:
                    continue
                whole = not can.partial_refunds
                if whole and (intent.refunded or intent.credited > left):
                    continue
                most = min(left, intent.refundable)
                methods.append(RefundableMethod(intent.method, most, whole))
        return Refundable(left, methods, done)

    @retry_conflicts
    async def refund(
        self, actor: Actor, number: str, amount: Money, target: RefundTarget, reason: str, *, idempotency_key: str
    ) -> OrderView:
        """Refund ``amount`` of a paid order to the wallet, or through the payment method that paid it.

        Above the single-admin limit the order stays as it is until a second admin refunds the same amount to the same
        place: the buyer keeps the goods, so either way counts as value made. The same key again gives nothing more.
        Raises NotFound, SecondAdminNeeded for one's own order, OrderNotPayable for one that was not paid,
        RefundTooMuch, RefundNotPossible, Invalid without a reason, IdempotencyKeyReused.
        """
        actor.require(Permission.ORDERS)
        rules.check_idempotency_key(idempotency_key)
        if not reason.strip():
            raise Invalid("no reason", fields={"reason": "required"})
        async with self._uow() as tx:
            order = await repository.lock_order(tx, sequence_of(number))
            order_id = order.id
            before = await refunds.find_refund(tx, order_id, idempotency_key, order.total.currency)
            if before is not None:
                if (before.amount, before.target) != (amount, target):
                    raise IdempotencyKeyReused()
                return await domain.load(tx, self._fulfillers, order_id=order_id)
            if order.status not in _PAID:
                raise OrderNotPayable()
            refunded = rules.check_refund(order.total, order.refunded, amount)
            value = NewValue(
                kind=ValueKind.REFUND,
                subject=str(order_id),
                amount=amount,
                permission=Permission.ORDERS,
                user_id=order.user_id,
                reason=reason.strip(),
                facts={"target": target.value},
            )
            if await approvals.make(tx, actor, value, self._single_admin_limit()) is not Approval.GIVEN:
                return await domain.load(tx, self._fulfillers, order_id=order_id)
            sent: list[Refund] = []
            if target is RefundTarget.WALLET:
                await domain.refund_to_wallet(tx, order, amount, reason, idempotency_key)
            else:
                sent = await payments.refund_order(
                    tx,
                    order_id,
                    amount,
                    self._methods,
                    reason=reason,
                    idempotency_key=f"order:{order_id}:{idempotency_key}",
                    actor_id=actor.user_id,
                )
            await refunds.add_refund(tx, order_id, idempotency_key, amount, target, reason, actor.user_id)
            await domain.note_refund(tx, order, refunded, amount, target, actor.user_id, sent)
            told = {"amount": amount.amount, "currency": amount.currency, "target": target, "reason": reason}
            await audit.record(tx, actor.user_id, "orders.refund", f"order:{order_id}", told)
            return await domain.load(tx, self._fulfillers, order_id=order_id)
