"""SQL of the payment search for admins."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.short_numbers import list_numbered
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import Numbering, NumberPart, OrderId, UserId
from backend.kernel.money import Money
from backend.payments.models import PaymentEvent, PaymentIntent

_INTENT = PaymentIntent.__table__.c
_EVENT = PaymentEvent.__table__.c
_OF_PEOPLE = text(
    """
    SELECT p.id FROM unnest(:people) AS person (id) CROSS JOIN LATERAL (
        SELECT i.id FROM payment_intents i WHERE i.user_id = person.id ORDER BY i.id DESC LIMIT :most
    ) p ORDER BY p.id DESC LIMIT :most
    """
).bindparams(bindparam("people", type_=ARRAY(Uuid())))


async def find_number(tx: Tx, number: int) -> UUID | None:
    """The payment with this number; None if there is none."""
    return (await tx.execute(select(_INTENT.id).where(_INTENT.number == number))).scalar_one_or_none()


async def find_named(tx: Tx, number: int, reference: str) -> UUID | None:
    """The payment with this number, if its instructions named ``reference``; else None."""
    named = _INTENT.action["fields"]["reference"].astext == reference
    return (await tx.execute(select(_INTENT.id).where(_INTENT.number == number, named))).scalar_one_or_none()


async def list_numbered_like(tx: Tx, part: NumberPart, limit: int) -> list[UUID]:
    """The newest payments whose reference contains the characters of ``part``."""
    return await list_numbered(tx, PaymentIntent.__tablename__, "number", Numbering.PAYMENTS, part, limit)


async def list_by_provider_id(tx: Tx, name: str, limit: int) -> list[UUID]:
    """The payments with the provider's id ``name``: of the payment, of the money, or of a provider event."""
    money = func.split_part(_INTENT.charge_id, ":", 1)
    payments = select(_INTENT.id).where(
        or_(
            _INTENT.external_id == name,
            _INTENT.charge_id == name,
            _INTENT.charge_id.is_not(None) & (money == name),
        )
    )
    events = select(_EVENT.intent_id).where(_EVENT.external_id == name, _EVENT.intent_id.is_not(None))
    return list((await tx.execute(payments.union(events).limit(limit))).scalars())


async def list_by_amount(tx: Tx, amount: Money, limit: int) -> list[UUID]:
    """The newest payments of an amount, credited or payable."""
    credited = (_INTENT.amount == amount.amount) & (_INTENT.currency == amount.currency)
    paid = (_INTENT.payable == amount.amount) & (_INTENT.asset == amount.currency)
    ids: list[UUID] = []
    for condition in (credited, paid):
        newest = select(_INTENT.id).where(condition).order_by(_INTENT.id.desc()).limit(limit)
        ids += (await tx.execute(newest)).scalars()
    return ids


async def list_of_people(tx: Tx, people: Sequence[UserId], limit: int) -> list[UUID]:
    """The newest payments of these people."""
    return list((await tx.execute(_OF_PEOPLE, {"people": list(people), "most": limit})).scalars())


async def list_of_orders(tx: Tx, orders: Sequence[OrderId], limit: int) -> list[UUID]:
    """The newest payments for these orders."""
    query = select(_INTENT.id).where(_INTENT.order_id.in_(orders)).order_by(_INTENT.id.desc()).limit(limit)
    return list((await tx.execute(query)).scalars())
