"""Refunds of orders, by admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.approvals.types import Approval
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.orders import domain, rules
from backend.orders.domain import approving, refunding
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import IdempotencyKeyReused, OrderNotPayable
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.repository import refunds
from backend.orders.rules.refunds import check_refund, shares_of_amount, shares_of_lines
from backend.orders.service.common import sequence_of
from backend.orders.types import (
    PAID_STATUSES,
    OrderLine,
    OrderRecord,
    OrderView,
    RefundTarget,
)
from backend.orders.types.lines import LineQuantity, LineRefund, sum_of
from backend.orders.types.refunds import NewRefund, OrderRefundRow, Refundable, RefundableMethod
from backend.payments import domain as payments
from backend.payments.types import Capabilities


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
            lines, goods = await line_rows.list_lines(tx, order)
            quantities = {line.id: line.unrefunded for line in lines}
            unused = await self._fulfillers.count_unused(tx, [(one, quantities[one.id]) for one in goods])
            left = order.total - order.refunded if order.status in PAID_STATUSES else Money.zero(order.total.currency)
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
        return Refundable(left, methods, done, lines, unused)

    async def amount_of(self, actor: Actor, number: str, requested: Money | Sequence[LineQuantity]) -> Money:
        """What a refund of an amount or of so many of some lines would come to now.

        Raises NotFound, Invalid, RefundTooMuch.
        """
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            order = await repository.get_order(tx, sequence=sequence_of(number))
            lines, _ = await line_rows.list_lines(tx, order)
        amount = sum_of(_shares(order, lines, requested))
        check_refund(order.total, order.refunded, amount)
        return amount

    @retry_conflicts
    async def refund(
        self,
        actor: Actor,
        number: str,
        requested: Money | Sequence[LineQuantity],
        target: RefundTarget,
        reason: str,
        *,
        idempotency_key: str,
    ) -> OrderView:
        """Refund an amount of a paid order, or so many of some lines, to the wallet or through what paid it.

        An amount is shared out to the lines by what each has left, and takes no goods back unless it is all that is
        left; what lines cost is decided by rules.refunds. Above the single-admin limit the order stays as it is until
        a second admin refunds the same to the same place: the buyer may keep the goods, so either way counts as value
        made. The same key again gives nothing more. Raises NotFound, SecondAdminNeeded for one's own order,
        OrderNotPayable for one that was not paid, RefundTooMuch, RefundNotPossible, Invalid without a reason and for
        lines of another order, IdempotencyKeyReused.
        """
        actor.require(Permission.ORDERS)
        rules.check_idempotency_key(idempotency_key)
        if not reason.strip():
            raise Invalid("no reason", fields={"reason": "required"})
        async with self._uow() as tx:
            order = await repository.lock_order(tx, sequence_of(number))
            before = await refunds.find_refund(tx, order.id, idempotency_key, order.total.currency)
            if before is not None:
                if not _is_same(before, requested, target):
                    raise IdempotencyKeyReused()
                return await domain.load(tx, self._fulfillers, order_id=order.id)
            if order.status not in PAID_STATUSES:
                raise OrderNotPayable()
            lines, goods = await line_rows.list_lines(tx, order)
            new = NewRefund(
                shares=_shares(order, lines, requested),
                target=target,
                reason=reason,
                idempotency_key=idempotency_key,
                actor_id=actor.user_id,
                by_line=not isinstance(requested, Money),
            )
            check_refund(order.total, order.refunded, new.amount)
            limit = self._single_admin_limit()
            if await approving.approve(tx, actor, order, lines, new, limit) is Approval.GIVEN:
                await refunding.refund(tx, self._fulfillers, order, lines, goods, new, self._methods)
                facts = {
                    "amount": new.amount.amount,
                    "currency": new.amount.currency,
                    "target": target,
                    "reason": reason,
                }
                facts |= approving.facts(new)
                await audit.record(tx, actor.user_id, "orders.refund", f"order:{order.id}", facts, person=order.user_id)
            return await domain.load(tx, self._fulfillers, order_id=order.id)


def _shares(
    order: OrderRecord, lines: Sequence[OrderLine], requested: Money | Sequence[LineQuantity]
) -> tuple[LineRefund, ...]:
    if not isinstance(requested, Money):
        return shares_of_lines(lines, requested)
    check_refund(order.total, order.refunded, requested)
    return shares_of_amount(lines, requested)


def _is_same(before: OrderRefundRow, requested: Money | Sequence[LineQuantity], target: RefundTarget) -> bool:
    """Whether a refund that was made is what is asked for again."""
    if before.target is not target:
        return False
    if isinstance(requested, Money):
        return before.amount == requested
    return {(share.line_id, share.quantity) for share in before.shares} == {
        (item.line_id, item.quantity) for item in requested
    }
