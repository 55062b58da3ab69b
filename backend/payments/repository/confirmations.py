"""The SQL of admins' words on payments by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import IntentId, UserId
from backend.kernel.money import Money
from backend.payments.models import PaymentConfirmation
from backend.payments.types import FirstWord, Intent

_C = PaymentConfirmation.__table__.c
_LOCK_PAYER: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('deposits:' || CAST(:user_id AS text), 0))")


async def lock_payer(tx: Tx, user_id: UserId) -> None:
    """Let nobody else confirm a payment of this person until the transaction ends: what is counted stays counted."""
    await tx.execute(_LOCK_PAYER, {"user_id": str(user_id)})


async def add_confirmation(
    tx: Tx, intent: Intent, received: Money, credit: Money, by: UserId, *, applied: bool
) -> None:
    """Keep an admin's word; it waits for another's where it is not ``applied``, in the place of one that waited."""
    await drop_waiting(tx, intent.id)
    values: dict[str, Any] = {
        "id": tx.new_id(), "intent_id": intent.id, "user_id": intent.user_id,
        "received": received.amount, "asset": received.currency, "credit": credit.amount, "currency": credit.currency,
        "confirmed_by": by, "confirmed_at": tx.now, "applied_at": tx.now if applied else None,
    }  # fmt: skip
    await tx.execute(insert(PaymentConfirmation), values)


async def approve(tx: Tx, intent_id: IntentId, by: UserId) -> None:
    """Note that a second admin has said the same."""
    waits = (_C.intent_id == intent_id) & _C.applied_at.is_(None)
    await tx.execute(update(PaymentConfirmation).where(waits).values(approved_by=by, applied_at=tx.now))


async def drop_waiting(tx: Tx, intent_id: IntentId) -> None:
    """Forget a word that waits: another one was spoken."""
    await tx.execute(delete(PaymentConfirmation).where(_C.intent_id == intent_id, _C.applied_at.is_(None)))


async def find_waiting(tx: Tx, intent_id: IntentId) -> FirstWord | None:
    """The word on a payment that waits for a second admin's."""
    found = select(_C.received, _C.asset, _C.confirmed_by).where(_C.intent_id == intent_id, _C.applied_at.is_(None))
    row = (await tx.execute(found)).one_or_none()
    return None if row is None else FirstWord(Money(row.received, row.asset), UserId(row.confirmed_by))


async def list_waiting(tx: Tx, limit: int) -> list[IntentId]:
    """Payments that wait for a second admin, those that wait longest first."""
    found = select(_C.intent_id).where(_C.applied_at.is_(None)).order_by(_C.id).limit(limit)
    return [IntentId(found_id) for found_id in (await tx.execute(found)).scalars()]


async def sum_alone(tx: Tx, by: UserId, user_id: UserId, currency: str, since: datetime) -> Money:
    """What an admin has confirmed for a person since then without a second one."""
    total = select(func.coalesce(func.sum(_C.credit), 0)).where(
        _C.user_id == user_id,
        _C.confirmed_by == by,
        _C.currency == currency,
        _C.approved_by.is_(None),
        _C.applied_at > since,
    )
    return Money(int((await tx.execute(total)).scalar_one()), currency)
