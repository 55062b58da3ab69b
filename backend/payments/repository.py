"""All SQL of payments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, and_, bindparam, case, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import IntentId, OrderId, UserId
from backend.kernel.money import Money
from backend.payments.models import PaymentEvent, PaymentIntent
from backend.payments.rules import Decision
from backend.payments.types import OPEN, Created, Intent, IntentStatus, Outcome, PayAction, Report

_INTENT = PaymentIntent.__table__.c
_CREATED = IntentStatus.CREATED.value
_COLUMNS = (
    _INTENT.id, _INTENT.user_id, _INTENT.provider, _INTENT.currency, _INTENT.amount, _INTENT.credited, _INTENT.status,
    _INTENT.action, _INTENT.external_id, _INTENT.order_id, _INTENT.created_at, _INTENT.updated_at, _INTENT.expires_at,
    _INTENT.polls,
)  # fmt: skip


def _intent(row: Any) -> Intent:
    return Intent(
        id=IntentId(row.id),
        user_id=UserId(row.user_id),
        way=row.provider,
        amount=Money(row.amount, row.currency),
        credited=Money(row.credited, row.currency),
        status=IntentStatus(row.status),
        action=msgspec.convert(row.action, PayAction) if row.action else None,
        external_id=row.external_id,
        order_id=OrderId(row.order_id) if row.order_id else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        polls=row.polls,
    )


async def add_intent(
    tx: Tx,
    *,
    user_id: UserId,
    way: str,
    amount: Money,
    order_id: OrderId | None,
    idempotency_key: str,
    lifetime: timedelta,
    lease: timedelta,
    next_poll: timedelta,
) -> tuple[Intent, bool]:
    """A new payment, leased to the caller, and True; or the one that the person's key made before, and False."""
    values = {
        "id": tx.new_id(), "user_id": user_id, "provider": way, "currency": amount.currency, "amount": amount.amount,
        "status": IntentStatus.CREATED.value, "idempotency_key": idempotency_key, "order_id": order_id,
        "created_at": tx.now, "updated_at": tx.now, "expires_at": tx.now + lifetime, "leased_until": tx.now + lease,
        "next_poll_at": tx.now + next_poll,
    }  # fmt: skip
    added = insert(PaymentIntent).values(values).on_conflict_do_nothing().returning(*_COLUMNS)
    row = (await tx.execute(added)).one_or_none()
    if row is not None:
        return _intent(row), True
    mine = select(*_COLUMNS).where(_INTENT.user_id == user_id, _INTENT.idempotency_key == idempotency_key)
    return _intent((await tx.execute(mine)).one()), False


_FIND = select(*_COLUMNS).where(_INTENT.id == bindparam("intent_id"))


async def get_intent(tx: Tx, intent_id: IntentId) -> Intent:
    """The payment. Raises NotFound."""
    row = (await tx.execute(_FIND, {"intent_id": intent_id})).one_or_none()
    if row is None:
        raise NotFound(f"payment {intent_id}")
    return _intent(row)


def _named(provider: str, report: Report) -> Select[Any]:
    found = select(*_COLUMNS).where(_INTENT.provider == provider)
    if report.intent_id is not None:
        return found.where(_INTENT.id == report.intent_id)
    return found.where(_INTENT.external_id == report.external_id)


async def lock_reported(tx: Tx, provider: str, report: Report) -> Intent | None:
    """The payment that ``report`` speaks of, locked."""
    row = (await tx.execute(_named(provider, report).with_for_update(key_share=True))).one_or_none()
    return None if row is None else _intent(row)


async def lock_intent(tx: Tx, intent_id: IntentId) -> Intent:
    """The payment, locked. Raises NotFound."""
    row = (await tx.execute(_FIND.with_for_update(key_share=True), {"intent_id": intent_id})).one_or_none()
    if row is None:
        raise NotFound(f"payment {intent_id}")
    return _intent(row)


async def lease(tx: Tx, intent_id: IntentId, length: timedelta) -> bool:
    """Whether the caller may open the payment at the provider: nobody has, and nobody is about to."""
    taken = (
        update(PaymentIntent)
        .where(_INTENT.id == intent_id, _INTENT.external_id.is_(None), _INTENT.leased_until <= tx.now)
        .values(leased_until=tx.now + length)
        .returning(_INTENT.id)
    )
    return (await tx.execute(taken)).one_or_none() is not None


async def save_created(tx: Tx, intent_id: IntentId, created: Created) -> None:
    """Keep the provider's answer, unless another came first; the payment now waits for the person."""
    await tx.execute(
        update(PaymentIntent)
        .where(_INTENT.id == intent_id, _INTENT.external_id.is_(None))
        .values(
            external_id=created.external_id,
            action=msgspec.to_builtins(created.action),
            status=case((_INTENT.status == _CREATED, IntentStatus.PENDING.value), else_=_INTENT.status),
            updated_at=tx.now,
        )
    )


async def save_progress(tx: Tx, intent_id: IntentId, status: IntentStatus, credited: Money) -> None:
    """Keep a payment's new status and what has been credited."""
    await tx.execute(
        update(PaymentIntent)
        .where(_INTENT.id == intent_id)
        .values(status=status.value, credited=credited.amount, updated_at=tx.now)
    )


async def add_event(tx: Tx, provider: str, report: Report, decision: Decision, intent_id: IntentId | None) -> bool:
    """Store a provider's message with what became of it; False when it is known.

    One that matched nothing before may match now, and then counts as new.
    """
    applied_at = tx.now if decision.outcome is Outcome.APPLIED else None
    added = insert(PaymentEvent).values(
        id=tx.new_id(),
        provider=provider,
        external_id=report.event_id,
        intent_id=intent_id,
        state=report.state.value,
        amount=report.received.amount if report.received else None,
        currency=report.received.currency if report.received else None,
        details=report.details,
        outcome=decision.outcome.value,
        reason=decision.reason,
        received_at=tx.now,
        applied_at=applied_at,
    )
    again = {name: added.excluded[name] for name in ("intent_id", "outcome", "reason", "applied_at")}
    upsert = added.on_conflict_do_update(
        index_elements=["provider", "external_id"],
        set_=again,
        where=and_(PaymentEvent.outcome == Outcome.UNMATCHED.value, added.excluded.outcome != Outcome.UNMATCHED.value),
    ).returning(PaymentEvent.id)
    return (await tx.execute(upsert)).one_or_none() is not None


async def next_poll(tx: Tx, intent_id: IntentId, attempt: int, at: datetime) -> bool:
    """Note that the next question comes ``at``; False when the ``attempt``-th has been followed up already."""
    noted = (
        update(PaymentIntent)
        .where(_INTENT.id == intent_id, _INTENT.polls == attempt)
        .values(polls=attempt + 1, next_poll_at=at)
        .returning(_INTENT.id)
    )
    return (await tx.execute(noted)).one_or_none() is not None


async def claim_forgotten(tx: Tx, overdue: timedelta, most: int) -> list[tuple[IntentId, int]]:
    """Open payments whose question is overdue, with their counts of questions; each is claimed for that long again."""
    late = (
        select(_INTENT.id)
        .where(
            # Spelled as the index's condition, so that the index serves.
            _INTENT.status.in_([literal_column(f"'{status}'") for status in sorted(OPEN)]),
            _INTENT.next_poll_at < tx.now - overdue,
            or_(_INTENT.status != IntentStatus.UNDERPAID.value, _INTENT.expires_at > tx.now),
        )
        .order_by(_INTENT.next_poll_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(PaymentIntent)
        .where(_INTENT.id.in_(late))
        .values(next_poll_at=tx.now)
        .returning(_INTENT.id, _INTENT.polls)
    )
    return [(IntentId(row.id), row.polls) for row in await tx.execute(claimed)]
