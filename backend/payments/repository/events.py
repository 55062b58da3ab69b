"""SQL of provider events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.money import Money
from backend.payments import rules
from backend.payments.models import PaymentEvent, PaymentIntent
from backend.payments.rules import Decision
from backend.payments.types import (
    Intent,
    IntentId,
    Outcome,
    PaymentEventId,
    ProviderEvent,
    ProviderReport,
    ProviderState,
)

_EVENT = PaymentEvent.__table__.c
_COLUMNS = (
    _EVENT.id, _EVENT.provider, _EVENT.external_id, _EVENT.intent_id, _EVENT.state, _EVENT.amount, _EVENT.currency,
    _EVENT.outcome, _EVENT.reason, _EVENT.details, _EVENT.received_at, _EVENT.charge_id,
)  # fmt: skip


def _row(row: Any) -> ProviderEvent:
    return ProviderEvent(
        id=PaymentEventId(row.id),
        method=row.provider,
        event_id=row.external_id,
        intent_id=IntentId(row.intent_id) if row.intent_id else None,
        charge_id=row.charge_id,
        state=ProviderState(row.state),
        amount=None if row.amount is None else Money(row.amount, row.currency),
        outcome=Outcome(row.outcome),
        reason=row.reason,
        details=row.details,
        received_at=row.received_at,
    )


def _add() -> Any:
    # An unmatched event that can be applied now is applied. One that would be ignored stays visible to admins: a
    # statement may report a subscription's renewal under the id of the first charge.
    added = insert(PaymentEvent)
    again = {name: added.excluded[name] for name in ("intent_id", "outcome", "reason", "applied_at")}
    matches = and_(PaymentEvent.outcome == Outcome.UNMATCHED.value, added.excluded.outcome == Outcome.APPLIED.value)
    upsert = added.on_conflict_do_update(index_elements=["provider", "external_id"], set_=again, where=matches)
    return upsert.returning(PaymentEvent.id)


_ADD = _add()  # built once: building takes longer than running


async def add_event(
    tx: Tx, provider: str, report: ProviderReport, decision: Decision, intent_id: IntentId | None
) -> PaymentEventId | None:
    """Store a provider event with its outcome; None if it was stored before."""
    amount = report.received or report.refunded
    row = {
        "id": tx.new_id(),
        "provider": provider,
        "external_id": report.event_id,
        "intent_id": intent_id,
        "charge_id": report.charge_id,
        "state": report.state.value,
        "amount": amount.amount if amount else None,
        "currency": amount.currency if amount else None,
        # Strangers write some of it (a transfer's comment), and PostgreSQL cannot store NUL.
        "details": {name: text.replace("\0", "") for name, text in report.details.items()},
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "received_at": tx.now,
        "applied_at": tx.now if decision.outcome is Outcome.APPLIED else None,
    }
    event_id = (await tx.execute(_ADD, row)).scalar_one_or_none()
    return None if event_id is None else PaymentEventId(event_id)


async def knows_period(tx: Tx, provider: str, report: ProviderReport, until: datetime) -> bool:
    """Whether the charge of a subscription that is not the shop's was stored before, for about the same period.

    The statement reports it with another end of the period than the bot, and so as another event. Only where a payment
    has the same charge id is that shared by several charges.
    """
    same = select(_EVENT.external_id).where(_EVENT.provider == provider, _EVENT.charge_id == report.charge_id)
    stored = (name.rpartition(":")[2] for name in (await tx.execute(same)).scalars() if name != report.event_id)
    ends = (datetime.fromtimestamp(int(end), UTC) for end in stored if end.isdigit())
    mine = select(PaymentIntent.id).where(PaymentIntent.provider == provider)
    shared = (await tx.execute(mine.where(PaymentIntent.charge_id == report.charge_id).limit(1))).first() is not None
    return any(not shared or rules.is_same_period(end, until) for end in ends)


async def lock_event(tx: Tx, event_id: PaymentEventId) -> ProviderEvent:
    """The provider event, locked. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_EVENT.id == event_id).with_for_update())).one_or_none()
    if row is None:
        raise NotFound(f"payment event {event_id}")
    return _row(row)


async def get_event(tx: Tx, event_id: PaymentEventId) -> ProviderEvent:
    """The provider event. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_EVENT.id == event_id))).one_or_none()
    if row is None:
        raise NotFound(f"payment event {event_id}")
    return _row(row)


async def most_refunded(tx: Tx, intent: Intent) -> Money:
    """The largest refund total that the provider ever reported of a payment, whatever the events' outcomes."""
    asset = intent.payable.currency
    query = select(func.coalesce(func.max(_EVENT.amount), 0)).where(
        _EVENT.intent_id == intent.id, _EVENT.state == ProviderState.REFUNDED.value, _EVENT.currency == asset
    )
    return Money(int((await tx.execute(query)).scalar_one()), asset)


async def is_unmatched(tx: Tx, provider: str, event_id: str) -> bool:
    """Whether a provider event still awaits an admin."""
    query = select(_EVENT.outcome).where(_EVENT.provider == provider, _EVENT.external_id == event_id)
    return (await tx.execute(query)).scalar_one_or_none() == Outcome.UNMATCHED.value


async def count_unmatched(tx: Tx) -> int:
    """How many provider events are unmatched."""
    unmatched = select(func.count()).where(_EVENT.outcome == Outcome.UNMATCHED.value)
    return int((await tx.execute(unmatched)).scalar_one())


async def list_events(
    tx: Tx, *, outcome: Outcome | None, intent_id: IntentId | None = None, before: UUID | None = None, limit: int
) -> list[ProviderEvent]:
    """Provider events, the latest first."""
    query = select(*_COLUMNS).order_by(_EVENT.id.desc()).limit(limit)
    if outcome is not None:
        query = query.where(_EVENT.outcome == outcome.value)
    if intent_id is not None:
        query = query.where(_EVENT.intent_id == intent_id)
    if before is not None:
        query = query.where(_EVENT.id < before)
    return [_row(row) for row in await tx.execute(query)]


async def save_outcome(tx: Tx, event_id: PaymentEventId, outcome: Outcome, reason: str) -> None:
    """Save an admin's decision about a provider event."""
    await tx.execute(update(PaymentEvent).where(_EVENT.id == event_id).values(outcome=outcome.value, reason=reason))
