"""SQL of payments."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Select, Uuid, bindparam, case, false, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra import id_ranges
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.payments import rules
from backend.payments.models import PaymentIntent
from backend.payments.types import (
    Created,
    Intent,
    IntentId,
    IntentStatus,
    PayAction,
    ProviderReport,
    ProviderState,
    SubscriptionId,
)

_INTENT = PaymentIntent.__table__.c
_TABLE = PaymentIntent.__tablename__
_CREATED = IntentStatus.CREATED.value
_UNTOUCHED = (IntentStatus.CREATED.value, IntentStatus.PENDING.value)
_LOCK_METHODS = text("SELECT pg_advisory_xact_lock(hashtextextended('payments:' || :order_id, 0))")
_COLUMNS = (
    _INTENT.id, _INTENT.number, _INTENT.user_id, _INTENT.provider, _INTENT.currency, _INTENT.amount, _INTENT.credited,
    _INTENT.refunded, _INTENT.asset, _INTENT.payable, _INTENT.received, _INTENT.status, _INTENT.action,
    _INTENT.external_id, _INTENT.charge_id, _INTENT.progress, _INTENT.order_id, _INTENT.created_at,
    _INTENT.updated_at, _INTENT.expires_at, _INTENT.polls, _INTENT.mark,
    _INTENT.title, _INTENT.subscription_id, _INTENT.renewal_of, _INTENT.paid_until, _INTENT.renews,
)  # fmt: skip

# On the wallet's page and on that of each unpaid order.
_MINE = HotStatement(
    text(
        f"SELECT {', '.join(column.name for column in _COLUMNS)} FROM {PaymentIntent.__tablename__}"  # noqa: S608
        " WHERE user_id = :user_id ORDER BY id DESC LIMIT :most"
    ).bindparams(bindparam("user_id", type_=Uuid()), bindparam("most", type_=BigInteger()))
)


def _intent(row: Any) -> Intent:
    return Intent(
        id=IntentId(row.id),
        number=row.number,
        user_id=UserId(row.user_id),
        method=row.provider,
        amount=Money(row.amount, row.currency),
        credited=Money(row.credited, row.currency),
        refunded=Money(row.refunded, row.currency),
        payable=Money(row.payable, row.asset),
        received=Money(row.received, row.asset),
        status=IntentStatus(row.status),
        action=msgspec.convert(row.action, PayAction) if row.action else None,
        external_id=row.external_id,
        charge_id=row.charge_id,
        progress=row.progress,
        order_id=OrderId(row.order_id) if row.order_id else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        polls=row.polls,
        checkpoint=row.mark,
        title=row.title,
        subscription_id=SubscriptionId(row.subscription_id) if row.subscription_id else None,
        renewal_of=IntentId(row.renewal_of) if row.renewal_of else None,
        paid_until=row.paid_until,
        renews=row.renews,
    )


async def add_intent(
    tx: Tx,
    *,
    user_id: UserId,
    method: str,
    amount: Money,
    payable: Money,
    order_id: OrderId | None,
    idempotency_key: str,
    lifetime: timedelta,
    lease: timedelta,
    next_poll: timedelta | None,
    title: str = "",
    subscription_id: SubscriptionId | None = None,
) -> tuple[Intent, bool]:
    """Add a payment, leased to the caller, and True; or return the one with the person's same key, and False."""
    values = {
        "id": tx.new_id(), "user_id": user_id, "provider": method, "currency": amount.currency, "amount": amount.amount,
        "asset": payable.currency, "payable": payable.amount,
        "status": IntentStatus.CREATED.value, "idempotency_key": idempotency_key, "order_id": order_id,
        "title": title, "subscription_id": subscription_id,
        "created_at": tx.now, "updated_at": tx.now, "expires_at": tx.now + lifetime, "leased_until": tx.now + lease,
        "next_poll_at": None if next_poll is None else tx.now + next_poll,
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


async def lock_reported(tx: Tx, provider: str, report: ProviderReport) -> Intent | None:
    """The payment that ``report`` is about, locked; None if there is none, or it was paid by another charge.

    A refund is also matched by its charge: an unmatched payment that an admin assigned has nothing else. Of a
    subscription it is the charge for the report's period; one that is not known yet is reported of the first payment.
    """
    query = select(*_COLUMNS).where(_INTENT.provider == provider).with_for_update(key_share=True)
    named: Intent | None = None
    if report.intent_id is not None:
        named = await _one(tx, query.where(_INTENT.id == report.intent_id))
    elif report.external_id is not None:
        named = await _one(tx, query.where(_INTENT.external_id == report.external_id))
    if named is not None and not rules.is_another_charge(named, report):
        if named.subscription_id is None:
            return named
        if report.state is not ProviderState.REFUNDED:
            return await _of_period(tx, named, report)
    if report.charge_id is None or report.state is not ProviderState.REFUNDED:
        return None
    # Charge ids are not unique here, so take the first; of a subscription's payments one that the shop refunds.
    ours_first = (_INTENT.refunded > 0).desc() if named is not None and named.subscription_id else _INTENT.id
    return await _one(tx, query.where(_INTENT.charge_id == report.charge_id).order_by(ours_first, _INTENT.id).limit(1))


async def _of_period(tx: Tx, first: Intent, report: ProviderReport) -> Intent:
    """The payment of a subscription, whose ``first`` one is locked, for the report's period; else the first one."""
    renewals = select(*_COLUMNS).where(_INTENT.renewal_of == first.id).order_by(_INTENT.id.desc())
    known = (_intent(row) for row in await tx.execute(renewals.with_for_update(key_share=True)))
    return next((one for one in known if rules.is_renewal_of(first, one, report)), first)


async def add_renewal(tx: Tx, first: Intent, report: ProviderReport) -> Intent:
    """Add the payment of a renewal of the subscription whose ``first`` payment is locked."""
    values = {
        "id": tx.new_id(), "user_id": first.user_id, "provider": first.method, "currency": first.amount.currency,
        "amount": first.amount.amount, "asset": first.payable.currency, "payable": first.payable.amount,
        "status": IntentStatus.PENDING.value, "idempotency_key": f"renewal:{report.event_id}",
        "external_id": report.event_id, "title": first.title, "subscription_id": first.subscription_id,
        "renewal_of": first.id, "created_at": tx.now, "updated_at": tx.now, "expires_at": tx.now,
        "leased_until": tx.now,
    }  # fmt: skip
    row = (await tx.execute(insert(PaymentIntent).values(values).returning(*_COLUMNS))).one()
    return _intent(row)


async def save_order(tx: Tx, intent_id: IntentId, order_id: OrderId) -> None:
    """Save which order a charge of a subscription has paid."""
    await _save(tx, intent_id, order_id=order_id)


async def save_renews(tx: Tx, intent_id: IntentId, *, renews: bool) -> None:
    """Save whether the subscription that a payment began shall renew itself."""
    await _save(tx, intent_id, renews=renews)


async def _one(tx: Tx, query: Select[Any]) -> Intent | None:
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _intent(row)


async def lock_intent(tx: Tx, intent_id: IntentId) -> Intent:
    """The payment, locked. Raises NotFound."""
    row = (await tx.execute(_FIND.with_for_update(key_share=True), {"intent_id": intent_id})).one_or_none()
    if row is None:
        raise NotFound(f"payment {intent_id}")
    return _intent(row)


async def lease(tx: Tx, intent_id: IntentId, length: timedelta) -> bool:
    """Lease the payment for opening it at the provider; False if it is open or leased by another process."""
    taken = (
        update(PaymentIntent)
        .where(_INTENT.id == intent_id, _INTENT.external_id.is_(None), _INTENT.leased_until <= tx.now)
        .values(leased_until=tx.now + length)
        .returning(_INTENT.id)
    )
    return (await tx.execute(taken)).one_or_none() is not None


async def save_created(tx: Tx, intent_id: IntentId, created: Created) -> None:
    """Store that the provider opened the payment, unless another answer came first; a new payment becomes pending."""
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


async def lock_methods(tx: Tx, order_id: OrderId) -> None:
    """Start the payments of one order one after another, so that each sees the one before."""
    await tx.execute(_LOCK_METHODS, {"order_id": str(order_id)})


async def cancel_others(tx: Tx, chosen: Intent, instead: IntentId | None) -> list[IntentId]:
    """Cancel the order's other payments and ``instead``, unless money arrived: ``chosen`` replaces them."""
    replaced = _INTENT.id == instead
    if chosen.order_id is not None:
        replaced |= _INTENT.order_id == chosen.order_id
    cancelled = (
        update(PaymentIntent)
        .where(_INTENT.user_id == chosen.user_id, _INTENT.id != chosen.id, _INTENT.status.in_(_UNTOUCHED), replaced)
        .values(status=IntentStatus.CANCELLED.value, updated_at=tx.now)
        .returning(_INTENT.id)
    )
    return [IntentId(row.id) for row in await tx.execute(cancelled)]


async def save_paid(
    tx: Tx,
    intent_id: IntentId,
    status: IntentStatus,
    *,
    credited: Money,
    received: Money,
    charge_id: str | None,
    paid_until: datetime | None = None,
) -> None:
    """Save a payment's status and its totals of received and credited money."""
    values: dict[str, Any] = {"credited": credited.amount, "received": received.amount}
    if charge_id is not None:
        values["charge_id"] = charge_id
    if paid_until is not None:
        values["paid_until"] = paid_until
    await _save(tx, intent_id, status=status.value, **values)


async def save_status(tx: Tx, intent_id: IntentId, status: IntentStatus, progress: dict[str, str]) -> None:
    """Save a payment's status and what is known of money on its way."""
    await _save(
        tx, intent_id, status=status.value, progress={name: value.replace("\0", "") for name, value in progress.items()}
    )


async def save_checkpoint(tx: Tx, intent_id: IntentId, checkpoint: str) -> None:
    """Save the provider's checkpoint; ``updated_at`` stays, since nothing changed for people."""
    await tx.execute(update(PaymentIntent).where(_INTENT.id == intent_id).values(mark=checkpoint))


async def save_refunded(tx: Tx, intent_id: IntentId, status: IntentStatus, refunded: Money) -> None:
    """Save a payment's status and its refund total."""
    await _save(tx, intent_id, status=status.value, refunded=refunded.amount)


async def _save(tx: Tx, intent_id: IntentId, **values: Any) -> None:
    await tx.execute(update(PaymentIntent).where(_INTENT.id == intent_id).values(**values, updated_at=tx.now))


def _paid_for(order_id: OrderId) -> Select[Any]:
    query = select(*_COLUMNS).where(_INTENT.order_id == order_id, _INTENT.credited > 0)
    return query.order_by(_INTENT.id.desc())


async def list_paid_for(tx: Tx, order_id: OrderId) -> list[Intent]:
    """The payments that were credited for an order, the latest first."""
    return [_intent(row) for row in await tx.execute(_paid_for(order_id))]


async def lock_paid_for(tx: Tx, order_id: OrderId) -> list[Intent]:
    """The payments that were credited for an order, the latest first, locked."""
    return [_intent(row) for row in await tx.execute(_paid_for(order_id).with_for_update(key_share=True))]


async def list_by(
    tx: Tx,
    *,
    user_id: UserId | None = None,
    method: str | None = None,
    order_id: OrderId | None = None,
    status: IntentStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    least: Money | None = None,
    most: Money | None = None,
    refunded: bool = False,
    before: UUID | None = None,
    limit: int,
) -> list[Intent]:
    """Payments that match all given conditions, the latest first; amounts are those of the shop's currency.

    ``since`` and ``until`` are included.
    """
    conditions = {
        _INTENT.user_id: user_id, _INTENT.provider: method, _INTENT.order_id: order_id,
        _INTENT.status: status.value if status else None,
    }  # fmt: skip
    query = select(*_COLUMNS).order_by(_INTENT.id.desc()).limit(limit)
    for column, value in conditions.items():
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        first = await id_ranges.first_id(tx, _TABLE, since)
        query = query.where(_INTENT.created_at >= since, false() if first is None else _INTENT.id >= first)
    if until is not None:
        last = await id_ranges.last_id(tx, _TABLE, until)
        query = query.where(_INTENT.created_at <= until, false() if last is None else _INTENT.id < last)
    if least is not None:
        query = query.where(_INTENT.amount >= least.amount, _INTENT.currency == least.currency)
    if most is not None:
        query = query.where(_INTENT.amount <= most.amount, _INTENT.currency == most.currency)
    if refunded:
        query = query.where(_INTENT.refunded > 0)
    if before is not None:
        query = query.where(_INTENT.id < before)
    return [_intent(row) for row in await tx.execute(query)]


async def list_mine(tx: Tx, user_id: UserId, limit: int) -> list[Intent]:
    """A person's payments, the latest first."""
    rows = await tx.fetch(_MINE, {"user_id": user_id, "most": limit})
    return [_intent(SimpleNamespace(**row)) for row in rows]


async def list_ids(tx: Tx, ids: Collection[UUID], limit: int) -> list[Intent]:
    """The payments with these ids, the latest first; unknown ids are left out."""
    query = select(*_COLUMNS).where(_INTENT.id.in_(ids)).order_by(_INTENT.id.desc()).limit(limit)
    return [_intent(row) for row in await tx.execute(query)]


async def sum_net(tx: Tx, method: str) -> dict[str, int]:
    """The sum of a provider's credited money less refunds, in minor units by the shop's currency."""
    net = func.sum(_INTENT.credited - _INTENT.refunded).label("net")
    rows = await tx.execute(select(_INTENT.currency, net).where(_INTENT.provider == method).group_by(_INTENT.currency))
    return {row.currency: int(row.net) for row in rows if row.net}


async def next_poll(tx: Tx, intent_id: IntentId, attempt: int, at: datetime | None) -> bool:
    """Schedule the next poll ``at``, or none; False if the ``attempt``-th poll was followed up already."""
    noted = (
        update(PaymentIntent)
        .where(_INTENT.id == intent_id, _INTENT.polls == attempt)
        .values(polls=attempt + 1, next_poll_at=at)
        .returning(_INTENT.id)
    )
    return (await tx.execute(noted)).one_or_none() is not None


async def claim_forgotten(tx: Tx, overdue: timedelta, most: int) -> list[tuple[IntentId, int]]:
    """Payments whose poll is overdue, with their poll counts; each is claimed for ``overdue`` again."""
    late = (
        select(_INTENT.id)
        .where(_INTENT.next_poll_at < tx.now - overdue)
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
