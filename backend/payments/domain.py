"""The one road by which a provider's word becomes money."""

from __future__ import annotations

import structlog

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import IntentId
from backend.payments import repository, rules
from backend.payments.types import Intent, IntentStatus, Outcome, Report, TopUpSucceeded
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

SIGNAL = "payment"
"""The signal's topic of a payment that changed; the key is its id."""
log = structlog.get_logger(__name__)


async def apply(tx: Tx, provider: str, report: Report) -> Outcome:
    """Store ``report`` in the inbox and do what it says: both or neither, and once however often it comes."""
    intent = await repository.lock_reported(tx, provider, report)
    decision = rules.decide(intent, report)
    if not await repository.add_event(tx, provider, report, decision, intent.id if intent else None):
        return Outcome.DUPLICATE
    if decision.outcome is Outcome.UNMATCHED:
        log.warning("payments.unmatched", provider=provider, event_id=report.event_id, reason=decision.reason)
    if intent is None or decision.outcome is not Outcome.APPLIED or decision.status is None:
        return decision.outcome
    credited = intent.credited
    if decision.credit is not None:
        credited += decision.credit
        await wallet.transfer(
            tx,
            TransferKind.TOP_UP,
            rules.transfer_key(intent),
            AccountRef.house(f"provider:{provider}"),
            AccountRef.user(intent.user_id),
            decision.credit,
            reference=str(intent.id),
            memo=Memo(way=provider),
        )
        balance = await wallet.balance(tx, intent.user_id, intent.amount.currency)
        tx.emit(
            TopUpSucceeded(
                intent_id=intent.id,
                user_id=intent.user_id,
                order_id=intent.order_id,
                way=provider,
                amount=decision.credit.amount,
                balance=balance.amount,
                currency=balance.currency,
                status=decision.status,
            )
        )
    await repository.save_progress(tx, intent.id, decision.status, credited)
    tx.signal(SIGNAL, intent.id)
    return Outcome.APPLIED


async def expire(tx: Tx, intent_id: IntentId) -> Intent:
    """Give a payment up whose time is over, unless something came in the meantime."""
    intent = await repository.lock_intent(tx, intent_id)
    if rules.has_expired(intent, tx.now):
        await repository.save_progress(tx, intent.id, IntentStatus.EXPIRED, intent.credited)
        tx.signal(SIGNAL, intent.id)
    return await repository.get_intent(tx, intent_id)
