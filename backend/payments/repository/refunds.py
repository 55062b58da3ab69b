"""SQL of refunds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.payments.models import PaymentIntent, PaymentRefund
from backend.payments.types import Intent, IntentId, Refund, RefundId, RefundStatus

_REFUND = PaymentRefund.__table__.c
_INTENT = PaymentIntent.__table__.c
_QUERY = select(
    _REFUND.id, _REFUND.intent_id, _REFUND.order_id, _REFUND.amount, _REFUND.currency, _REFUND.payable, _REFUND.asset,
    _REFUND.status, _REFUND.reason, _REFUND.external_id, _REFUND.created_at, _REFUND.updated_at, _INTENT.user_id,
    _INTENT.provider,
).join(PaymentIntent, _INTENT.id == _REFUND.intent_id)  # fmt: skip


def _refund(row: Any) -> Refund:
    return Refund(
        id=RefundId(row.id),
        intent_id=IntentId(row.intent_id),
        user_id=UserId(row.user_id),
        order_id=OrderId(row.order_id) if row.order_id else None,
        method=row.provider,
        amount=Money(row.amount, row.currency),
        payable=Money(row.payable, row.asset),
        status=RefundStatus(row.status),
        reason=row.reason,
        external_id=row.external_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def add_refund(
    tx: Tx,
    intent: Intent,
    amount: Money,
    payable: Money,
    *,
    order_id: OrderId | None,
    reason: str,
    idempotency_key: str,
    actor_id: UserId | None,
) -> RefundId | None:
    """Add a pending refund; None if the key was used before."""
    added = (
        insert(PaymentRefund)
        .values(
            id=tx.new_id(),
            intent_id=intent.id,
            order_id=order_id,
            amount=amount.amount,
            currency=amount.currency,
            payable=payable.amount,
            asset=payable.currency,
            status=RefundStatus.PENDING.value,
            reason=reason,
            idempotency_key=idempotency_key,
            actor_id=actor_id,
            created_at=tx.now,
            updated_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(_REFUND.id)
    )
    refund_id = (await tx.execute(added)).scalar_one_or_none()
    return None if refund_id is None else RefundId(refund_id)


async def get_refund(tx: Tx, refund_id: RefundId) -> Refund:
    """The refund. Raises NotFound."""
    row = (await tx.execute(_QUERY.where(_REFUND.id == refund_id))).one_or_none()
    if row is None:
        raise NotFound(f"refund {refund_id}")
    return _refund(row)


async def find_by_key(tx: Tx, idempotency_key: str) -> Refund | None:
    """The refund with this idempotency key; None if there is none."""
    row = (await tx.execute(_QUERY.where(_REFUND.idempotency_key == idempotency_key))).one_or_none()
    return None if row is None else _refund(row)


async def list_refunds(
    tx: Tx, *, intent_id: IntentId | None = None, order_id: OrderId | None = None, limit: int = 100
) -> list[Refund]:
    """Refunds of one payment, of one order, or all; the latest first."""
    query = _QUERY.order_by(_REFUND.id.desc()).limit(limit)
    if intent_id is not None:
        query = query.where(_REFUND.intent_id == intent_id)
    if order_id is not None:
        query = query.where(_REFUND.order_id == order_id)
    return [_refund(row) for row in await tx.execute(query)]


async def end_refund(tx: Tx, refund_id: RefundId, status: RefundStatus, external_id: str | None) -> bool:
    """End a pending refund; False if it ended before."""
    ended = (
        update(PaymentRefund)
        .where(_REFUND.id == refund_id, _REFUND.status == RefundStatus.PENDING.value)
        .values(status=status.value, external_id=external_id, updated_at=tx.now)
        .returning(_REFUND.id)
    )
    return (await tx.execute(ended)).one_or_none() is not None


async def claim(tx: Tx, refund_id: RefundId, length: timedelta) -> bool:
    """Claim a pending refund for ``length``, so that one run sends it; False if it ended or is claimed."""
    free = or_(_REFUND.claimed_until.is_(None), _REFUND.claimed_until <= tx.now)
    claimed = (
        update(PaymentRefund)
        .where(_REFUND.id == refund_id, _REFUND.status == RefundStatus.PENDING.value, free)
        .values(claimed_until=tx.now + length, updated_at=tx.now)
        .returning(_REFUND.id)
    )
    return (await tx.execute(claimed)).one_or_none() is not None


async def claim_stuck(tx: Tx, older_than: timedelta, most: int) -> list[RefundId]:
    """Pending refunds that no run tried to send for ``older_than``; each counts as tried now."""
    stuck = (
        select(_REFUND.id)
        .where(_REFUND.status == RefundStatus.PENDING.value, _REFUND.updated_at < tx.now - older_than)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = update(PaymentRefund).where(_REFUND.id.in_(stuck)).values(updated_at=tx.now).returning(_REFUND.id)
    return [RefundId(row.id) for row in await tx.execute(claimed)]


# One expression sees one moment: a refund that ends in between must not be counted twice.
_CONFIRMED = _INTENT.refunded - (
    select(func.coalesce(func.sum(_REFUND.amount), 0))
    .where(_REFUND.intent_id == _INTENT.id, _REFUND.status == RefundStatus.PENDING.value)
    .correlate(PaymentIntent)
    .scalar_subquery()
)


async def get_refunded_total(tx: Tx, intent_id: IntentId) -> Money:
    """How much of a payment was refunded and confirmed, without pending refunds. Raises NotFound."""
    row = (
        await tx.execute(select(_CONFIRMED.label("confirmed"), _INTENT.currency).where(_INTENT.id == intent_id))
    ).one_or_none()
    if row is None:
        raise NotFound(f"payment {intent_id}")
    return Money(int(row.confirmed), row.currency)


async def list_refunded_totals(tx: Tx, method: str, since: datetime, most: int) -> dict[IntentId, Money]:
    """The confirmed refund total of each payment of a provider with a refund that succeeded after ``since``."""
    sent = select(_REFUND.intent_id).where(_REFUND.status == RefundStatus.SUCCEEDED.value, _REFUND.updated_at >= since)
    query = select(_INTENT.id, _CONFIRMED.label("confirmed"), _INTENT.currency).where(
        _INTENT.provider == method, _INTENT.id.in_(sent)
    )
    rows = await tx.execute(query.order_by(_INTENT.id.desc()).limit(most))
    return {IntentId(row.id): Money(int(row.confirmed), row.currency) for row in rows}


async def count_pending(tx: Tx) -> tuple[int, IntentId | None]:
    """How many refunds are under way, and the payment of the oldest."""
    pending = _REFUND.status == RefundStatus.PENDING.value
    many = int((await tx.execute(select(func.count().label("refunds")).where(pending))).scalar_one())
    oldest = select(_REFUND.intent_id).where(pending).order_by(_REFUND.updated_at).limit(1)
    intent_id = (await tx.execute(oldest)).scalar_one_or_none() if many else None
    return many, None if intent_id is None else IntentId(intent_id)


async def sum_pending(tx: Tx, method: str) -> dict[str, int]:
    """The sum of a provider's pending refunds, in minor units by the shop's currency."""
    pending = (
        select(_REFUND.currency, func.sum(_REFUND.amount).label("amount"))
        .join(PaymentIntent, _INTENT.id == _REFUND.intent_id)
        .where(_INTENT.provider == method, _REFUND.status == RefundStatus.PENDING.value)
        .group_by(_REFUND.currency)
    )
    return {row.currency: int(row.amount) for row in await tx.execute(pending)}
