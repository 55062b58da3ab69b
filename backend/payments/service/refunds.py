"""Money that goes back through a provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.ids import IntentId, OrderId, RefundId
from backend.kernel.money import Money
from backend.payments import domain, rules
from backend.payments.errors import RefundNotPossible, RefundRefused
from backend.payments.repository import intents, refunds
from backend.payments.service.common import Providers, ref
from backend.payments.types import Refund, RefundChoice, RefundEnded, RefundStatus, SendRefund
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

_STUCK: Final = timedelta(minutes=10)
_AT_ONCE: Final = 100
log = structlog.get_logger(__name__)


class RefundsService:
    """Refunds through the providers that are on."""

    def __init__(self, *, uow: UnitOfWork, providers: Providers) -> None:
        self._uow = uow
        self._providers = providers

    @retry_conflicts
    async def refund_top_up(
        self, actor: Actor, intent_id: IntentId, amount: Money, reason: str, *, idempotency_key: str
    ) -> Refund:
        """Send ``amount`` of a top-up back from the person's wallet, through the way that it came.

        Needs the permission for money. The same key again gives the same refund. Raises NotFound, RefundNotPossible,
        RefundTooMuch, InsufficientFunds when he has spent it.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            intent = await intents.lock_intent(tx, intent_id)
            provider = self._providers.get(intent.way)
            begun = await domain.refund(
                tx,
                intent,
                amount,
                AccountRef.user(intent.user_id),
                provider.capabilities if provider else None,
                reason=reason,
                idempotency_key=idempotency_key,
                actor_id=actor.user_id,
            )
            told = {"amount": amount.amount, "currency": amount.currency, "reason": reason}
            await audit.record(tx, actor.user_id, "payments.refund", f"payment:{intent_id}", told)
        return begun

    async def choice(self, actor: Actor, intent_id: IntentId) -> RefundChoice:
        """What of a top-up can go back from the person's wallet through its provider now, or why nothing.

        Needs the permission for money. Raises NotFound.
        """
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent_id)
            balance = await wallet.balance(tx, intent.user_id, intent.amount.currency)
        provider = self._providers.get(intent.way)
        return rules.refund_choice(intent, provider.capabilities if provider else None, balance)

    async def list_for(
        self, actor: Actor, *, intent_id: IntentId | None = None, order_id: OrderId | None = None
    ) -> list[Refund]:
        """Refunds of a payment, of an order, or the latest of all. Needs the permission for money or for orders."""
        if not actor.may(Permission.ORDERS):
            actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await refunds.list_refunds(tx, intent_id=intent_id, order_id=order_id)

    async def send(self, asked: SendRefund) -> None:
        """Task: have the provider send the money; ledger and provider agree whenever this is interrupted.

        The provider gets the refund's id as its idempotency key, so sending again sends nothing more. Raises
        ProviderDown, upon which the task comes back.
        """
        async with self._uow.read() as tx:
            refund = await refunds.get_refund(tx, asked.refund_id)
            intent = await intents.get_intent(tx, refund.intent_id)
            reference = await ref(tx, intent)
        if refund.status is not RefundStatus.PENDING:
            return
        provider = self._providers.get(refund.way)
        failpoint("refunds.before_sending")
        try:
            if provider is None:
                raise RefundNotPossible(f"{refund.way} is off")
            sent = await provider.refund(reference, refund.payable, str(refund.id))
        except (RefundRefused, RefundNotPossible) as error:
            log.warning("payments.refund_refused", refund=str(refund.id), provider=refund.way, error=str(error))
            await self._end(refund.id, RefundStatus.FAILED, None)
        else:
            failpoint("refunds.sent")
            await self._end(refund.id, RefundStatus.SUCCEEDED, sent.external_id)

    async def sweep(self) -> int:
        """Timer: take up again what was booked and never sent; returns how many."""
        async with self._uow() as tx:
            stuck = await refunds.claim_stuck(tx, _STUCK, _AT_ONCE)
            for refund_id in stuck:
                tx.enqueue(domain.SEND_REFUND, SendRefund(refund_id))
        return len(stuck)

    @retry_conflicts
    async def _end(self, refund_id: RefundId, status: RefundStatus, external_id: str | None) -> None:
        async with self._uow() as tx:
            refund = await refunds.get_refund(tx, refund_id)
            intent = await intents.lock_intent(tx, refund.intent_id)
            if not await refunds.end_refund(tx, refund_id, status, external_id):
                return
            sent = status is RefundStatus.SUCCEEDED
            target = AccountRef.house(f"provider:{refund.way}") if sent else AccountRef.user(refund.user_id)
            await wallet.transfer(
                tx,
                TransferKind.REFUND,
                f"refund:{refund_id}:{'sent' if sent else 'kept'}",
                AccountRef.house(domain.REFUNDS),
                target,
                refund.amount,
                reference=str(refund.intent_id),
                memo=Memo(way=refund.way, reason=refund.reason),
            )
            if not sent:
                refunded = intent.refunded - refund.amount
                await intents.save_refunded(tx, intent.id, rules.refunded_status(intent, refunded), refunded)
            tx.emit(
                RefundEnded(
                    refund_id=refund_id,
                    intent_id=refund.intent_id,
                    user_id=refund.user_id,
                    order_id=refund.order_id,
                    way=refund.way,
                    amount=refund.amount.amount,
                    currency=refund.amount.currency,
                    status=status,
                )
            )
            tx.signal(domain.SIGNAL, intent.id)
