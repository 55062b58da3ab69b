"""The SQL of subscriptions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text, update
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.types import VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.models import Order, SubscriptionChargeRow, SubscriptionRow
from backend.orders.rules import order_number
from backend.orders.types.subscriptions import (
    ABANDONED_AFTER,
    ChargedOrder,
    ChargeRefusal,
    Subscription,
    SubscriptionCharge,
    SubscriptionOffer,
    SubscriptionStatus,
)
from backend.payments.types import IntentId, SubscriptionCharged, SubscriptionId

_ROW = SubscriptionRow.__table__.c
_CHARGE = SubscriptionChargeRow.__table__.c
_AWAITING = SubscriptionStatus.AWAITING_PAYMENT
_ENDED = SubscriptionStatus.ENDED
_OPEN = text("status <> 'ended'")  # as the index says it
_ALL = select(*_ROW)


def _subscription(row: Any) -> Subscription:
    return Subscription(
        id=SubscriptionId(row.id),
        user_id=UserId(row.user_id),
        variant_id=VariantId(row.variant_id),
        status=SubscriptionStatus(row.status),
        price=Money(row.amount, row.currency),
        charged=Money(row.charged, row.asset),
        method=row.method,
        first_id=IntentId(row.first_id) if row.first_id else None,
        paid_until=row.paid_until,
        stopped=row.stopped,
        created_at=row.created_at,
    )


async def open_one(tx: Tx, user_id: UserId, offer: SubscriptionOffer) -> Subscription:
    """The person's subscription to these goods that has not ended, locked; a new one where there is none."""
    row = {"id": tx.new_id(), "user_id": user_id, "variant_id": offer.variant_id, "created_at": tx.now}
    row |= {"status": _AWAITING.value, **_terms(offer), "check_at": tx.now + ABANDONED_AFTER}
    added = insert(SubscriptionRow).values(row)
    await tx.execute(added.on_conflict_do_nothing(index_elements=["user_id", "variant_id"], index_where=_OPEN))
    opened = await _find_open(tx, user_id, offer.variant_id)
    assert opened is not None  # the one that conflicted is locked, or this one is ours
    return opened


async def set_terms(tx: Tx, subscription: Subscription, offer: SubscriptionOffer) -> None:
    """Give a subscription that was not paid yet today's price."""
    terms = {**_terms(offer), "check_at": tx.now + ABANDONED_AFTER}
    await tx.execute(update(SubscriptionRow).where(_ROW.id == subscription.id).values(terms))


def _terms(offer: SubscriptionOffer) -> dict[str, Any]:
    price, charged = offer.price, offer.charged
    terms = {"amount": price.amount, "currency": price.currency, "method": offer.method}
    return terms | {"charged": charged.amount, "asset": charged.currency}


async def _find_open(tx: Tx, user_id: UserId, variant_id: VariantId) -> Subscription | None:
    query = _ALL.where(_ROW.user_id == user_id, _ROW.variant_id == variant_id, _ROW.status != _ENDED.value)
    row = (await tx.execute(query.with_for_update())).one_or_none()
    return None if row is None else _subscription(row)


async def has_other(tx: Tx, subscription: Subscription) -> bool:
    """Whether the person has another subscription to the same goods that has not ended."""
    other = await _find_open(tx, subscription.user_id, subscription.variant_id)
    return other is not None and other.id != subscription.id


async def lock(tx: Tx, subscription_id: SubscriptionId) -> Subscription:
    """The subscription, locked. Raises NotFound."""
    return await _one(tx, _ALL.where(_ROW.id == subscription_id).with_for_update())


async def get(tx: Tx, subscription_id: SubscriptionId) -> Subscription:
    """The subscription. Raises NotFound."""
    return await _one(tx, _ALL.where(_ROW.id == subscription_id))


async def _one(tx: Tx, query: Select[Any]) -> Subscription:
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound("no such subscription")
    return _subscription(row)


async def save(tx: Tx, subscription: Subscription, *, check_at: datetime | None, remind_at: datetime | None) -> None:
    """Save what changes of a subscription while it runs, and when to look at it next."""
    values = {
        "status": subscription.status.value,
        "first_id": subscription.first_id,
        "paid_until": subscription.paid_until,
        "stopped": subscription.stopped,
        "check_at": check_at,
        "remind_at": remind_at,
    }
    await tx.execute(update(SubscriptionRow).where(_ROW.id == subscription.id).values(values))


async def list_mine(tx: Tx, user_id: UserId, limit: int) -> list[Subscription]:
    """A person's subscriptions that were ever paid, the latest first."""
    query = _ALL.where(_ROW.user_id == user_id, _ROW.first_id.is_not(None)).order_by(_ROW.id.desc())
    return [_subscription(row) for row in await tx.execute(query.limit(limit))]


async def list_running(tx: Tx, user_id: UserId) -> list[Subscription]:
    """A person's subscriptions that were paid and have not ended, locked in the order of their ids."""
    query = _ALL.where(_ROW.user_id == user_id, _ROW.status.not_in([_AWAITING.value, _ENDED.value]))
    return [_subscription(row) for row in await tx.execute(query.order_by(_ROW.id).with_for_update())]


async def lock_due(tx: Tx) -> Subscription | None:
    """The subscription to look at first, locked; those that another process has locked are skipped."""
    return await _first_due(tx, _ROW.check_at)


async def lock_to_remind(tx: Tx) -> Subscription | None:
    """The subscription whose person is to be reminded first, locked; those locked elsewhere are skipped."""
    return await _first_due(tx, _ROW.remind_at)


async def _first_due(tx: Tx, due: Any) -> Subscription | None:
    query = _ALL.where(due <= tx.now).order_by(due).limit(1).with_for_update(skip_locked=True)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _subscription(row)


async def set_reminded(tx: Tx, subscription_id: SubscriptionId) -> None:
    """Note that the person was reminded of the next charge."""
    await tx.execute(update(SubscriptionRow).where(_ROW.id == subscription_id).values(remind_at=None))


async def add_charge(tx: Tx, event: SubscriptionCharged) -> bool:
    """Note a charge; False if it was noted before."""
    row: dict[str, Any] = {"intent_id": event.intent_id, "subscription_id": event.subscription_id}
    row |= {"first": event.intent_id == event.first_id, "amount": event.amount, "currency": event.currency}
    row |= {"paid_until": event.until, "at": tx.now}
    added = insert(SubscriptionChargeRow).values(row).on_conflict_do_nothing().returning(_CHARGE.intent_id)
    return (await tx.execute(added)).one_or_none() is not None


async def end_charge(tx: Tx, intent_id: IntentId, outcome: OrderId | ChargeRefusal) -> None:
    """Note what a charge bought, or why nothing."""
    refused = isinstance(outcome, ChargeRefusal)
    values: dict[str, Any] = {"not_applied": outcome} if refused else {"order_id": outcome}
    await tx.execute(update(SubscriptionChargeRow).where(_CHARGE.intent_id == intent_id).values(values))


async def list_charges(
    tx: Tx, subscriptions: Collection[UUID], limit: int
) -> dict[SubscriptionId, list[SubscriptionCharge]]:
    """The charges of these subscriptions, the latest first, ``limit`` in all."""
    query = (
        select(*_CHARGE, Order.sequence)
        .outerjoin(Order, Order.id == _CHARGE.order_id)
        .where(_CHARGE.subscription_id.in_(list(subscriptions)))
        .order_by(_CHARGE.paid_until.desc(), _CHARGE.at.desc())
        .limit(limit)
    )
    charges: dict[SubscriptionId, list[SubscriptionCharge]] = {}
    for row in await tx.execute(query):
        charge = SubscriptionCharge(
            intent_id=IntentId(row.intent_id),
            number=None if row.sequence is None else order_number(row.sequence),
            refusal=ChargeRefusal(row.not_applied) if row.not_applied else None,
            amount=Money(row.amount, row.currency),
            at=row.at,
        )
        charges.setdefault(SubscriptionId(row.subscription_id), []).append(charge)
    return charges


async def find_order(tx: Tx, order_id: OrderId) -> ChargedOrder | None:
    """The subscription whose charge has paid an order; None for any other order."""
    query = select(_CHARGE.subscription_id, _CHARGE.first).where(_CHARGE.order_id == order_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else ChargedOrder(SubscriptionId(row.subscription_id), row.first)
