"""The SQL of a person's payments for their timeline."""

from __future__ import annotations

from sqlalchemy import select

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.models import PaymentIntent
from backend.payments.types import reference_of


async def list_payments(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's newest payments before a place, each with its present status."""
    place = PaymentIntent.created_at, PaymentIntent.id
    statement = (
        select(
            PaymentIntent.id, PaymentIntent.number, PaymentIntent.status, PaymentIntent.amount,
            PaymentIntent.currency, PaymentIntent.created_at,
        )
        .where(PaymentIntent.user_id == user_id)
    )  # fmt: skip
    return [
        Entry(
            kind=EntryKind.PAYMENT,
            at=row.created_at,
            id=row.id,
            state=row.status,
            number=reference_of(row.number),
            amount=Money(row.amount, row.currency),
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]
