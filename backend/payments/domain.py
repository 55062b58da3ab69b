"""Apply provider reports, and refund payments: the only code that moves payments' money.

Why one function for webhooks, polling and statements: backend/decisions/0036-provider-reports.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from backend.infra.failpoints import failpoint
from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId, parse_short_number, short_number
from backend.kernel.money import Money
from backend.kernel.text import code_signs
from backend.payments import rules
from backend.payments.errors import PaymentConflict, RefundNotPossible
from backend.payments.repository import calls, events, intents, refunds, search, timeline
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    PaymentUnmatched,
    ProviderReport,
    ProviderState,
    Refund,
    SendRefund,
    SendRenewal,
    SubscriptionCharged,
    TopUpSucceeded,
    parse_reference,
)
from backend.payments.types.providers import PERIOD
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind

SIGNAL = "payment"
"""The topic of the signal that a payment changed; the key is its id."""
SEND_REFUND = "payments.send_refund"
SEND_RENEWAL = "payments.send_renewal"
REFUNDS = "refunds"
"""The shop's ledger account of refunds on their way to a provider."""
_EARLIER = 500
_STORED = frozenset({ProviderState.PAID, ProviderState.REFUNDED, ProviderState.FAILED, ProviderState.EXPIRED})
TIMELINE: Final = Source(EntryKind.PAYMENT, timeline.list_payments)
"""A person's payments, for their timeline."""
log = structlog.get_logger(__name__)


async def apply(tx: Tx, provider: str, report: ProviderReport) -> Outcome:
    """Store ``report`` as a provider event and apply it: both or neither, and once however often it is reported.

    PENDING and CONFIRMING are applied but not stored: they may alternate, as when a chain is reorganised. Raises
    BadWebhook for a webhook call that had an effect before with another body.
    """
    if report.call is not None:
        await calls.use(tx, provider, report.call)
    intent = await intents.lock_reported(tx, provider, report)
    if intent is not None and rules.is_new_renewal(intent, report):
        intent = await intents.add_renewal(tx, intent, report)
    if intent is None and report.until is not None and await events.knows_period(tx, provider, report, report.until):
        return Outcome.DUPLICATE
    decision = rules.decide(intent, report)
    if report.state in _STORED and not await _store(tx, provider, report, decision, intent):
        return Outcome.DUPLICATE
    failpoint("payments.stored")
    if intent is None or decision.outcome is not Outcome.APPLIED or decision.status is None:
        return decision.outcome
    if decision.credit is None or report.received is None:
        await intents.save_status(tx, intent.id, decision.status, report.details)
    else:
        await _credit(tx, intent, report, decision.status, report.received, decision.credit)
    failpoint("payments.applied")
    tx.signal(SIGNAL, intent.id)
    return Outcome.APPLIED


async def _store(
    tx: Tx, provider: str, report: ProviderReport, decision: rules.Decision, intent: Intent | None
) -> bool:
    stored = await events.add_event(tx, provider, report, decision, intent.id if intent else None)
    if stored is None:
        return False
    if decision.outcome is Outcome.UNMATCHED:
        log.warning("payments.unmatched", provider=provider, event_id=report.event_id, reason=decision.reason)
        money = report.received or report.refunded
        tx.emit(
            PaymentUnmatched(
                event_id=stored,
                method=provider,
                reason=decision.reason,
                amount=money.amount if money else None,
                currency=money.currency if money else None,
            )
        )
    return True


async def _credit(
    tx: Tx, intent: Intent, report: ProviderReport, status: IntentStatus, received: Money, credit: Money
) -> None:
    if credit:
        await wallet.transfer(
            tx,
            TransferKind.TOP_UP,
            rules.transfer_key(intent),
            AccountRef.shop(f"provider:{intent.method}"),
            AccountRef.user(intent.user_id),
            credit,
            reference=str(intent.id),
            memo=Memo(method=intent.method),
        )
        if intent.subscription_id is not None:
            _emit_charge(tx, intent, report, credit)
        else:
            await _emit_top_up(tx, intent, status, received, credit)
    await intents.save_paid(
        tx,
        intent.id,
        status,
        credited=intent.credited + credit,
        received=received,
        charge_id=report.charge_id,
        paid_until=report.until,
    )


def _emit_charge(tx: Tx, intent: Intent, report: ProviderReport, credit: Money) -> None:
    assert intent.subscription_id is not None
    tx.emit(
        SubscriptionCharged(
            subscription_id=intent.subscription_id,
            intent_id=intent.id,
            first_id=intent.renewal_of or intent.id,
            user_id=intent.user_id,
            amount=credit.amount,
            currency=credit.currency,
            until=report.until or tx.now + PERIOD,
        )
    )


async def _emit_top_up(tx: Tx, intent: Intent, status: IntentStatus, received: Money, credit: Money) -> None:
    balance = await wallet.balance(tx, intent.user_id, intent.amount.currency)
    missing = max(intent.payable.amount - received.amount, 0)
    tx.emit(
        TopUpSucceeded(
            intent_id=intent.id,
            user_id=intent.user_id,
            order_id=intent.order_id,
            method=intent.method,
            amount=credit.amount,
            balance=balance.amount,
            currency=balance.currency,
            status=status,
            missing=missing,
            asset=received.currency,
        )
    )


async def get_intent(tx: Tx, intent_id: IntentId) -> Intent:
    """The payment. Raises NotFound."""
    return await intents.get_intent(tx, intent_id)


async def get_refunded_total(tx: Tx, intent_id: IntentId) -> Money:
    """How much of a payment was refunded and confirmed, without refunds on their way. Raises NotFound."""
    return await refunds.get_refunded_total(tx, intent_id)


async def is_first_top_up(tx: Tx, user_id: UserId, intent_id: IntentId) -> bool:
    """Whether no earlier payment of this person was a top-up with money; payments for orders do not count."""
    earlier = await intents.list_by(tx, user_id=user_id, before=intent_id, limit=_EARLIER)
    top_ups = (one for one in earlier if one.order_id is None and one.subscription_id is None)
    return len(earlier) < _EARLIER and not any(one.credited for one in top_ups)


async def assign_order(tx: Tx, intent_id: IntentId, order_id: OrderId) -> None:
    """Note which order a charge of a subscription has paid: it is refunded with that order from now on."""
    await intents.save_order(tx, intent_id, order_id)


async def refund_charge(tx: Tx, intent_id: IntentId, methods: Mapping[str, Capabilities], *, reason: str) -> Refund:
    """Refund a charge of a subscription that has bought nothing, from the wallet; ``methods`` are the enabled ones.

    Raises RefundNotPossible, InsufficientFunds.
    """
    intent = await intents.lock_intent(tx, intent_id)
    return await refund(
        tx,
        intent,
        intent.credited,
        AccountRef.user(intent.user_id),
        methods.get(intent.method),
        reason=reason,
        idempotency_key=f"subscription:{intent_id}",
        actor_id=None,
    )


async def set_renewal(tx: Tx, intent_id: IntentId, *, on: bool) -> None:
    """Have the provider stop the renewals of the subscription that a payment began, or allow them again (``on``)."""
    await intents.lock_intent(tx, intent_id)
    await intents.save_renews(tx, intent_id, renews=on)
    tx.enqueue(SEND_RENEWAL, SendRenewal(intent_id))


async def expire(tx: Tx, intent_id: IntentId) -> Intent:
    """Expire a payment whose lifetime has ended, unless money arrived in the meantime; the payment."""
    intent = await intents.lock_intent(tx, intent_id)
    if rules.has_expired(intent, tx.now):
        await intents.save_status(tx, intent.id, IntentStatus.EXPIRED, intent.progress)
        tx.signal(SIGNAL, intent.id)
    return await intents.get_intent(tx, intent_id)


async def refund(
    tx: Tx,
    intent: Intent,
    amount: Money,
    source: AccountRef,
    can: Capabilities | None,
    *,
    reason: str,
    idempotency_key: str,
    actor_id: UserId | None,
    order_id: OrderId | None = None,
) -> Refund:
    """Take ``amount`` of a payment, which the caller has locked, from ``source`` and enqueue the refund.

    The same key again returns the same refund. Raises RefundNotPossible, RefundTooMuch, PaymentConflict for a key of
    another refund, InsufficientFunds if ``source`` is a wallet that holds too little.
    """
    before = await refunds.find_by_key(tx, idempotency_key)
    if before is not None:
        if (before.intent_id, before.amount) != (intent.id, amount):
            raise PaymentConflict(f"refund key {idempotency_key}")
        return before
    rules.check_refund(intent, amount, can)
    refund_id = await refunds.add_refund(
        tx,
        intent,
        amount,
        intent.refund_payable(amount),
        order_id=order_id,
        reason=reason,
        idempotency_key=idempotency_key,
        actor_id=actor_id,
    )
    if refund_id is None:  # another transaction used the key in the meantime, for another payment
        raise PaymentConflict(f"refund key {idempotency_key}")
    refunded = intent.refunded + amount
    await intents.save_refunded(tx, intent.id, rules.refunded_status(intent, refunded), refunded)
    await wallet.transfer(
        tx,
        TransferKind.REFUND,
        f"refund:{refund_id}",
        source,
        AccountRef.shop(REFUNDS),
        amount,
        reference=str(intent.id),
        memo=Memo(method=intent.method, reason=reason),
    )
    tx.enqueue(SEND_REFUND, SendRefund(refund_id), unique_key=f"{SEND_REFUND}:{refund_id}")
    tx.signal(SIGNAL, intent.id)
    return await refunds.get_refund(tx, refund_id)


async def list_paid_for(tx: Tx, order_id: OrderId) -> list[Intent]:
    """The payments that were credited for an order, the latest first."""
    return await intents.list_paid_for(tx, order_id)


async def list_for(tx: Tx, order_id: OrderId) -> list[Intent]:
    """The payments started for an order, the latest first."""
    return await intents.list_by(tx, order_id=order_id, limit=_EARLIER)


async def find_by_reference(tx: Tx, text: str) -> Intent | None:
    """The payment with exactly this reference, with or without ``D-``; None if there is none.

    Early bank transfers got references that look like order numbers; those stay valid.
    """
    old = parse_short_number(code_signs(text))
    intent_id = None if old is None else await search.find_named(tx, old, short_number(old))
    if intent_id is None:
        number = parse_reference(text)
        intent_id = None if number is None else await search.find_number(tx, number)
    return None if intent_id is None else await intents.get_intent(tx, IntentId(intent_id))


async def list_by_provider_id(tx: Tx, name: str, limit: int) -> list[Intent]:
    """The payments with the provider's id ``name``: of the payment, of the money, or of a provider event."""
    return await intents.list_ids(tx, await search.list_by_provider_id(tx, name, limit), limit)


async def refund_order(
    tx: Tx,
    order_id: OrderId,
    amount: Money,
    methods: Mapping[str, Capabilities],
    *,
    reason: str,
    idempotency_key: str,
    actor_id: UserId | None,
) -> list[Refund]:
    """Refund ``amount`` of an order's price through the payments that paid it, the latest first.

    ``methods`` are the enabled ones. Raises RefundTooMuch if those payments are smaller, RefundNotPossible if none of
    their providers supports refunds.
    """
    paid = await intents.lock_paid_for(tx, order_id)
    able = [intent for intent in paid if (can := methods.get(intent.method)) is not None and can.refundable]
    if paid and not able:
        raise RefundNotPossible(paid[0].method)
    return [
        await refund(
            tx,
            intent,
            part,
            AccountRef.shop(REVENUE),
            methods[intent.method],
            reason=reason,
            idempotency_key=f"{idempotency_key}:{intent.number}",
            actor_id=actor_id,
            order_id=order_id,
        )
        for intent, part in rules.shares(able, amount)
    ]
