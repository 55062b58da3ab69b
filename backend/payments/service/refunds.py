"""Refunds through payment providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from backend.approvals import domain as approvals
from backend.identity.types import Actor, Permission
from backend.infra import audit, jobs
from backend.infra.failpoints import failpoint
from backend.infra.jobs import DEFAULT_TIMEOUT, RetryLater
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.payments import domain, rules
from backend.payments.errors import RefundRefused
from backend.payments.ports import PaymentProvider
from backend.payments.repository import events, intents, refunds
from backend.payments.service.common import Providers, ref
from backend.payments.types import (
    Intent,
    IntentId,
    PaymentRef,
    PaymentTakenBack,
    ProviderReport,
    ProviderState,
    Refund,
    RefundChoice,
    RefundEnded,
    RefundId,
    RefundStatus,
    SendRefund,
)
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

# Longer than a task may run: a run that is cut off has had its answer by then, or will never have it.
_CLAIM: Final = timedelta(seconds=DEFAULT_TIMEOUT + 30)
_DISABLED_RETRY: Final = timedelta(minutes=10)
_STUCK: Final = timedelta(minutes=10)
_AT_ONCE: Final = 100
log = structlog.get_logger(__name__)


class RefundsService:
    """Refunds through the enabled providers."""

    def __init__(self, *, uow: UnitOfWork, providers: Providers) -> None:
        self._uow = uow
        self._providers = providers

    @retry_conflicts
    async def refund_top_up(
        self, actor: Actor, intent_id: IntentId, amount: Money, reason: str, *, idempotency_key: str
    ) -> Refund:
        """Refund ``amount`` of a top-up from the person's wallet, to the payment method that was used.

        Needs the permission for money. The same key again returns the same refund. The wallet pays it, so no second
        admin is needed. Raises NotFound, SecondAdminNeeded for one's own top-up, RefundNotPossible, RefundTooMuch,
        InsufficientFunds if the person has spent it.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            intent = await intents.lock_intent(tx, intent_id)
            await approvals.check_not_own(tx, actor, intent.user_id, Permission.MONEY, f"payment:{intent_id}")
            provider = self._providers.get(intent.method)
            refund = await domain.refund(
                tx,
                intent,
                amount,
                AccountRef.user(intent.user_id),
                provider.capabilities if provider else None,
                reason=reason,
                idempotency_key=idempotency_key,
                actor_id=actor.user_id,
            )
            facts = {"amount": amount.amount, "currency": amount.currency, "reason": reason}
            subject = f"payment:{intent_id}"
            await audit.record(tx, actor.user_id, "payments.refund", subject, facts, person=intent.user_id)
        return refund

    async def choice(self, actor: Actor, intent_id: IntentId) -> RefundChoice:
        """How much of a top-up can be refunded from the person's wallet now, or why nothing.

        Needs the permission for money. Raises NotFound.
        """
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent_id)
            balance = await wallet.balance(tx, intent.user_id, intent.amount.currency)
        provider = self._providers.get(intent.method)
        return rules.refund_choice(intent, provider.capabilities if provider else None, balance)

    async def list_for(
        self, actor: Actor, *, intent_id: IntentId | None = None, order_id: OrderId | None = None
    ) -> list[Refund]:
        """Refunds of a payment, of an order, or the latest of all. Needs the permission for money or for orders."""
        if not actor.may(Permission.ORDERS):
            actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await refunds.list_refunds(tx, intent_id=intent_id, order_id=order_id)

    async def count_pending(self, actor: Actor) -> tuple[int, IntentId | None]:
        """How many refunds are under way, and the payment of the oldest. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await refunds.count_pending(tx)

    async def send(self, asked: SendRefund) -> None:
        """Task: have the provider send a refund; it can be interrupted at any point and repeated.

        The refund's id is the provider's idempotency key, so a repeated call sends nothing more. Only one run calls the
        provider at a time, since the refusal of one call would not tell how another ended. Refunds of a disabled method
        wait until it is enabled. Raises ProviderDown, RetryLater: the task is then retried.
        """
        claimed = await self._claim(asked.refund_id)
        if claimed is None:
            return
        refund, provider, reference = claimed
        failpoint("refunds.before_sending")
        try:
            sent = await provider.refund(reference, refund.payable, str(refund.id))
        except RefundRefused as error:
            log.warning("payments.refund_refused", refund=str(refund.id), provider=refund.method, error=str(error))
            await self._end(refund.id, RefundStatus.FAILED, None)
        else:
            failpoint("refunds.sent")
            await self._end(refund.id, RefundStatus.SUCCEEDED, sent.external_id)

    async def _claim(self, refund_id: RefundId) -> tuple[Refund, PaymentProvider, PaymentRef] | None:
        async with self._uow() as tx:
            refund = await refunds.get_refund(tx, refund_id)
            if refund.status is not RefundStatus.PENDING:
                return None
            provider = self._providers.get(refund.method)
            if provider is None:
                log.warning(
                    "payments.refund_waits",
                    refund=str(refund_id),
                    provider=refund.method,
                    error="the method is disabled",
                )
                raise RetryLater(_DISABLED_RETRY.total_seconds(), f"{refund.method} is disabled")
            if not await refunds.claim(tx, refund_id, _CLAIM):
                raise RetryLater(_CLAIM.total_seconds(), "another run is sending it, or was just now")
            return refund, provider, await ref(tx, await intents.get_intent(tx, refund.intent_id))

    async def sweep(self) -> int:
        """Timer: enqueue pending refunds whose task was lost again; returns how many."""
        async with self._uow() as tx:
            queued = {payload["refund_id"] for payload, _ in await jobs.list_open(tx, domain.SEND_REFUND)}
            stuck = [
                refund_id
                for refund_id in await refunds.claim_stuck(tx, _STUCK, _AT_ONCE)
                if str(refund_id) not in queued
            ]
            for refund_id in stuck:
                tx.enqueue(domain.SEND_REFUND, SendRefund(refund_id))
        return len(stuck)

    @retry_conflicts
    async def _end(self, refund_id: RefundId, status: RefundStatus, external_id: str | None) -> None:
        async with self._uow() as tx:
            intent = await intents.lock_intent(tx, (await refunds.get_refund(tx, refund_id)).intent_id)
            refund = await refunds.get_refund(tx, refund_id)
            if refund.status is not RefundStatus.PENDING:
                await _report_contradiction(tx, intent, refund, status, external_id)
                return
            sent = refund.amount
            if status is RefundStatus.FAILED:
                sent = rules.refunded_elsewhere(intent, refund.amount, await events.most_refunded(tx, intent))
            returned = refund.amount - sent
            # Refused because all of it was refunded already: then it succeeded, though outside the shop.
            await _settle(tx, intent, refund, sent, returned)
            ended = RefundStatus.FAILED if returned else RefundStatus.SUCCEEDED
            await refunds.end_refund(tx, refund_id, ended, external_id)
            tx.emit(
                RefundEnded(
                    refund_id=refund_id,
                    intent_id=refund.intent_id,
                    user_id=refund.user_id,
                    order_id=refund.order_id,
                    method=refund.method,
                    amount=(returned or sent).amount,
                    currency=refund.amount.currency,
                    status=ended,
                )
            )
            tx.signal(domain.SIGNAL, intent.id)


async def _settle(tx: Tx, intent: Intent, refund: Refund, sent: Money, returned: Money) -> None:
    """Move a refund's money: ``sent`` of it to the provider's account, ``returned`` to the person's wallet."""
    parts = (
        ("sent", AccountRef.shop(f"provider:{refund.method}"), sent),
        ("kept", AccountRef.user(refund.user_id), returned),
    )
    for name, target, amount in parts:
        if amount:
            await wallet.transfer(
                tx,
                TransferKind.REFUND,
                f"refund:{refund.id}:{name}",
                AccountRef.shop(domain.REFUNDS),
                target,
                amount,
                reference=str(refund.intent_id),
                memo=Memo(method=refund.method, reason=refund.reason),
            )
    if returned:
        refunded = intent.refunded - returned
        await intents.save_refunded(tx, intent.id, rules.refunded_status(intent, refunded), refunded)
        if sent:
            tx.emit(
                PaymentTakenBack(
                    intent_id=intent.id, user_id=intent.user_id, amount=sent.amount, currency=sent.currency
                )
            )


async def _report_contradiction(
    tx: Tx, intent: Intent, refund: Refund, status: RefundStatus, external_id: str | None
) -> None:
    """Handle a refund that another run has ended: if it was refused there and sent here, it was paid twice.

    Then it becomes an unmatched event, as a refund made at the provider, for an admin.
    """
    if status is refund.status:
        return
    log.error("payments.refund_contradicted", refund=str(refund.id), was=refund.status, now=status)
    if status is RefundStatus.SUCCEEDED:
        total = min(rules.known_refund(intent) + refund.payable, intent.received, key=lambda money: money.amount)
        report = ProviderReport(
            event_id=f"refund:{refund.id}:sent",
            state=ProviderState.REFUNDED,
            intent_id=intent.id,
            refunded=total,
            details={"refund": str(refund.id), "external": external_id or ""},
        )
        await domain.apply(tx, refund.method, report)
