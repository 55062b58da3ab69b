"""Admins act on many orders together: shown first, then done one by one, each with its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.catalog.domain import hand_work
from backend.catalog.types import StockKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.turns import take_turns
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, Invalid, Unavailable
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders import rules
from backend.orders.domain import refunding, resending, settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import NothingToHandOver, OrderNotPayable, OwnOrder, TooManyOrders
from backend.orders.repository import bulk as repository
from backend.orders.repository import lines as line_rows
from backend.orders.repository import managing, orders
from backend.orders.rules.refunds import shares_of_amount
from backend.orders.service.managing import variants_of
from backend.orders.types import PAID_STATUSES, OrderRecord, OrderStatus, OrderStep, RefundTarget
from backend.orders.types.bulk import MOST_ORDERS, Bulk, BulkAction, BulkId, BulkStarted, BulkStatus, BulkTerms
from backend.orders.types.criteria import OrderCriteria
from backend.orders.types.lines import LineStatus
from backend.orders.types.refunds import NewRefund
from backend.payments.types import Capabilities

_RECENT: Final = 20


class BulkService:
    """What admins with the permission for orders do to many orders.

    ``methods`` are the payment methods that are on; the sum of all refunds together is held against
    ``single_admin_limit``. Decision: backend/decisions/0127-many-orders-together.md.
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
        self._limit = single_admin_limit

    @retry_conflicts
    async def plan(self, actor: Actor, chosen: OrderCriteria, terms: BulkTerms, *, idempotency_key: str) -> BulkId:
        """Store what would be done to the orders that meet the criteria; nothing happens yet.

        The same key is the same plan. Raises Forbidden, TooManyOrders, Invalid (fields ``orders`` for none, ``reason``,
        ``to``).
        """
        actor.require(Permission.ORDERS)
        rules.check_idempotency_key(idempotency_key)
        terms = replace(terms, reason=terms.reason.strip())
        if terms.action in {BulkAction.REFUND, BulkAction.CANCEL} and not terms.reason:
            raise Invalid("no reason", fields={"reason": "required"})
        async with self._uow() as tx:
            before = await repository.find_by_key(tx, actor.id, idempotency_key)
            if before is not None:
                return before
            if terms.action is BulkAction.HAND_OVER and (
                terms.to is None or not await identity.holds(tx, terms.to, Permission.ORDERS)
            ):
                raise Invalid("nobody to hand over to", fields={"to": "required"})
            ids = await managing.list_ids(tx, chosen, await variants_of(tx, chosen), before=None, limit=MOST_ORDERS + 1)
            if len(ids) > MOST_ORDERS:
                raise TooManyOrders(limit=MOST_ORDERS)
            if not ids:
                raise Invalid("no orders", fields={"orders": "required"})
            added = await repository.add(tx, actor.id, idempotency_key, terms, ids, self._limit().currency)
            return added or await self._by_key(tx, actor, idempotency_key)

    @staticmethod
    async def _by_key(tx: Tx, actor: Actor, key: str) -> BulkId:
        bulk_id = await repository.find_by_key(tx, actor.id, key)
        if bulk_id is None:
            raise Unavailable("the plan of this key is being stored")
        return bulk_id

    async def get(self, actor: Actor, bulk_id: BulkId) -> Bulk:
        """An action with its counts; a draft is its owner's only. Raises Forbidden, NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await repository.get(tx, bulk_id)

    async def list_recent(self, actor: Actor) -> list[Bulk]:
        """The latest actions that were confirmed, by anybody. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return [await repository.get(tx, one) for one in await repository.list_recent(tx, _RECENT)]

    @retry_conflicts
    async def start(self, actor: Actor, bulk_id: BulkId) -> Bulk:
        """Do what was planned; by a second admin, approve it. Twice is once.

        Above the single-admin limit, by the sum of all its refunds, it awaits a second admin. Raises Forbidden,
        NotFound, and Invalid where nothing can be done.
        """
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status not in {BulkStatus.DRAFT, BulkStatus.AWAITING_APPROVAL}:
                return bulk
            if bulk.status is BulkStatus.DRAFT and bulk.by != actor.id:
                raise Invalid("another admin's draft")
            if not bulk.able:
                raise Invalid("nothing can be done", fields={"orders": "required"})
            status = BulkStatus.RUNNING
            if bulk.terms.action is BulkAction.REFUND:
                value = NewValue(
                    kind=ValueKind.BULK_REFUND,
                    subject=str(bulk_id),
                    amount=bulk.planned,
                    permission=Permission.ORDERS,
                    user_id=None,
                    reason=bulk.terms.reason,
                    facts={"target": bulk.terms.target, "orders": str(bulk.able)},
                )
                if await approvals.make(tx, actor, value, self._limit()) is not Approval.GIVEN:
                    status = BulkStatus.AWAITING_APPROVAL
            approver = actor.id if status is BulkStatus.RUNNING and actor.id != bulk.by else None
            await repository.set_status(tx, bulk_id, status, approver)
            if status is BulkStatus.RUNNING:
                tx.emit(BulkStarted(bulk_id=bulk_id))
                facts: dict[str, Any] = {"action": bulk.terms.action, "orders": bulk.able}
                if bulk.planned:
                    facts |= {"amount": bulk.planned.amount, "currency": bulk.planned.currency}
                await audit.record(tx, actor.user_id, "orders.bulk", f"bulk:{bulk_id}", facts)
            return await repository.get(tx, bulk_id)

    @retry_conflicts
    async def stop(self, actor: Actor, bulk_id: BulkId) -> Bulk:
        """Leave the rest alone. Raises Forbidden, NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status in {BulkStatus.RUNNING, BulkStatus.AWAITING_APPROVAL}:
                await repository.stop_rest(tx, bulk_id)
                await repository.set_status(tx, bulk_id, BulkStatus.STOPPED)
                await approvals.drop(tx, ValueKind.BULK_REFUND, str(bulk_id))
                await audit.record(tx, actor.user_id, "orders.stop_bulk", f"bulk:{bulk_id}")
            return await repository.get(tx, bulk_id)

    async def resend(self, actor: Actor, order_id: OrderId, *, idempotency_key: str) -> None:
        """Send an order's keys to its buyer's chat again; the same key sends them once.

        Raises Forbidden, NotFound, NoKeysToSend, SentTooOften.
        """
        actor.require(Permission.ORDERS)
        rules.check_idempotency_key(idempotency_key)
        async with self._uow() as tx:
            await resending.resend(tx, self._fulfillers, actor, order_id, idempotency_key)

    async def run(self, bulk_id: BulkId) -> None:
        """Task: go on with an action; what takes longer is left to a job that follows. Each order is done once."""
        await take_turns(self._uow, lambda: self._run_one(bulk_id), BulkStarted(bulk_id=bulk_id))

    @retry_conflicts
    async def _run_one(self, bulk_id: BulkId) -> bool:
        """Do it to the next order, with its outcome in the same transaction; False where it has ended."""
        async with self._uow() as tx:
            status, terms, by, approved_by = await repository.status_of(tx, bulk_id)
            if status is not BulkStatus.RUNNING:
                return False
            if not await identity.holds(tx, by, Permission.ORDERS):
                stop = True
            else:
                stop = False
                item = await repository.lock_next(tx, bulk_id)
                if item is not None:
                    await self._do(tx, bulk_id, terms, item.order_id, by, approved_by)
                    failpoint("orders.bulk_item")
                    return True
        await self._end(bulk_id, stopped=stop)
        return False

    async def _do(
        self, tx: Tx, bulk_id: BulkId, terms: BulkTerms, order_id: OrderId, by: UserId, approved_by: UserId | None
    ) -> None:
        try:
            async with tx.savepoint():
                amount = await self._act(tx, bulk_id, terms, order_id, by, approved_by)
        except AppError as why:
            if why.retryable:
                raise
            await repository.set_outcome(tx, bulk_id, order_id, "failed", failure=why.code)
            return
        await repository.set_outcome(tx, bulk_id, order_id, "done", amount=amount)

    @retry_conflicts
    async def _end(self, bulk_id: BulkId, *, stopped: bool) -> None:
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status is not BulkStatus.RUNNING or (bulk.left and not stopped):
                return  # another worker has the last ones
            await repository.stop_rest(tx, bulk_id)
            await repository.set_status(tx, bulk_id, BulkStatus.STOPPED if bulk.left else BulkStatus.DONE)

    async def _act(
        self, tx: Tx, bulk_id: BulkId, terms: BulkTerms, order_id: OrderId, by: UserId, approved_by: UserId | None
    ) -> int | None:
        """Do it to one order; what was refunded of it. Raises an AppError that says why not."""
        if terms.action is BulkAction.RESEND_KEYS:
            await resending.resend(tx, self._fulfillers, _actor(by), order_id, f"bulk:{bulk_id}")
            return None
        order = await orders.lock_order(tx, order_id=order_id)
        match terms.action:
            case BulkAction.REFUND:
                if order.user_id in {by, approved_by}:
                    raise OwnOrder()
                return await self._refund(tx, bulk_id, terms, order, by)
            case BulkAction.CANCEL:
                if order.status is not OrderStatus.AWAITING_PAYMENT:
                    raise OrderNotPayable()
                cancelled = OrderStatus.CANCELLED, OrderStep.CANCELLED
                await settling.close_unpaid(tx, self._fulfillers, order.id, *cancelled, by)
                facts = {"reason": terms.reason, "bulk": str(bulk_id)}
                await audit.record(tx, by, "orders.cancel", f"order:{order.id}", facts, person=order.user_id)
            case BulkAction.HAND_OVER:
                await self._hand_over(tx, terms, order, by)
        return None

    async def _refund(self, tx: Tx, bulk_id: BulkId, terms: BulkTerms, order: OrderRecord, by: UserId) -> int:
        left = order.total - order.refunded
        if order.status not in PAID_STATUSES or not left:
            raise OrderNotPayable()
        lines, goods = await line_rows.list_lines(tx, order)
        new = NewRefund(
            shares=shares_of_amount(lines, left),
            target=RefundTarget(terms.target),
            reason=terms.reason,
            idempotency_key=f"bulk:{bulk_id}",
            actor_id=by,
            by_line=False,
        )
        await refunding.refund(tx, self._fulfillers, order, lines, goods, new, self._methods)
        facts = {
            "amount": left.amount, "currency": left.currency, "target": terms.target, "reason": terms.reason,
            "bulk": str(bulk_id),
        }  # fmt: skip
        await audit.record(tx, by, "orders.refund", f"order:{order.id}", facts, person=order.user_id)
        return left.amount

    async def _hand_over(self, tx: Tx, terms: BulkTerms, order: OrderRecord, by: UserId) -> None:
        assert terms.to is not None
        lines, _ = await line_rows.list_lines(tx, order)
        work = [one for one in lines if one.kind == StockKind.BY_HAND and one.status is LineStatus.PENDING]
        if not work:
            raise NothingToHandOver()
        for line in work:
            await hand_work.hand_over(tx, line.id, terms.to, by)


def _actor(by: UserId) -> Actor:
    """Who began the action, for the audit trail; their right has been checked."""
    return replace(Actor.system(), user_id=by)
