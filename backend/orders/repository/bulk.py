"""The SQL of actions on many orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Text, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders.models import Order, OrderBulk, OrderBulkItem
from backend.orders.rules import order_number
from backend.orders.types.bulk import Bulk, BulkAction, BulkFailure, BulkId, BulkItem, BulkStatus, BulkTerms

_BULK: Final = OrderBulk.__table__.c
_ITEM: Final = OrderBulkItem.__table__.c
_DRAFTS_LAST: Final = timedelta(hours=24)
_NUMBERS: Final = 5
# Why an action is not for an order, as it stands when it is shown; once it runs everything is checked again.
_REFUSALS: Final = {
    BulkAction.REFUND: """CASE
        WHEN o.user_id = :actor THEN 'own'
        WHEN o.currency <> :currency THEN 'other_currency'
        WHEN o.status NOT IN ('paid', 'delivered', 'refunded') THEN 'not_paid'
        WHEN o.total_amount = o.refunded_amount THEN 'nothing_left'
        WHEN :target = 'provider' AND o.method = 'balance' THEN 'paid_from_balance'
    END""",
    BulkAction.CANCEL: "CASE WHEN o.status <> 'awaiting_payment' THEN 'not_unpaid' END",
    BulkAction.RESEND_KEYS: """CASE WHEN NOT EXISTS (
        SELECT FROM order_lines l
        WHERE l.order_id = o.id AND l.status = 'delivered' AND l.refunded_quantity < l.quantity
    ) THEN 'no_keys' END""",
    BulkAction.HAND_OVER: """CASE WHEN NOT EXISTS (
        SELECT FROM order_lines l WHERE l.order_id = o.id AND l.status = 'pending' AND l.kind = 'by_hand'
    ) THEN 'no_work' END""",
}  # fmt: skip
_ADD_ITEMS: Final = """
    INSERT INTO order_bulk_items (bulk_id, order_id, amount, refusal)
    SELECT :bulk, o.id, CASE WHEN :refunds THEN o.total_amount - o.refunded_amount ELSE 0 END, {refusal}
    FROM orders o WHERE o.id = ANY (:ids) AND (:actor = :actor AND :currency = :currency AND :target = :target)
"""


async def find_by_key(tx: Tx, by: UserId, key: str) -> BulkId | None:
    """The action that this admin began with the key."""
    statement = select(_BULK.id).where(_BULK.created_by == by, _BULK.idempotency_key == key)
    bulk_id = (await tx.execute(statement)).scalar_one_or_none()
    return None if bulk_id is None else BulkId(bulk_id)


async def add(tx: Tx, by: UserId, key: str, terms: BulkTerms, ids: Sequence[OrderId], currency: str) -> BulkId | None:
    """Store the plan of an action; None where the admin's key was used meanwhile. Old drafts of theirs are dropped."""
    old = (_BULK.created_by == by, _BULK.status == BulkStatus.DRAFT, _BULK.created_at < tx.now - _DRAFTS_LAST)
    await tx.execute(delete(OrderBulk).where(*old))
    values = {
        "id": tx.new_id(), "created_by": by, "idempotency_key": key, "status": BulkStatus.DRAFT.value,
        "terms": msgspec.to_builtins(terms), "currency": currency, "created_at": tx.now,
    }  # fmt: skip
    statement = insert(OrderBulk).values(values).on_conflict_do_nothing().returning(_BULK.id)
    bulk_id = (await tx.execute(statement)).scalar_one_or_none()
    if bulk_id is None:
        return None
    added = text(_ADD_ITEMS.format(refusal=_REFUSALS[terms.action])).bindparams(
        bindparam("bulk", type_=Uuid()),
        bindparam("actor", type_=Uuid()),
        bindparam("ids", type_=ARRAY(Uuid())),
        *(bindparam(name, type_=Text()) for name in ("currency", "target")),
    )
    planned = {"bulk": bulk_id, "actor": by, "ids": list(ids), "currency": currency, "target": terms.target}
    await tx.execute(added, {**planned, "refunds": terms.action is BulkAction.REFUND})
    return BulkId(bulk_id)


async def lock(tx: Tx, bulk_id: BulkId) -> Bulk:
    """An action, locked. Raises NotFound."""
    await tx.execute(select(_BULK.id).where(_BULK.id == bulk_id).with_for_update())
    return await get(tx, bulk_id)


async def get(tx: Tx, bulk_id: BulkId) -> Bulk:
    """An action with its counts and what failed. Raises NotFound."""
    row = (await tx.execute(select(OrderBulk.__table__).where(_BULK.id == bulk_id))).one_or_none()
    if row is None:
        raise NotFound("no such action on orders")
    grouped = (
        select(
            _ITEM.refusal, _ITEM.outcome, _ITEM.failure, func.count().label("orders"),
            func.sum(_ITEM.amount).label("amount"),
            func.array_agg(Order.sequence).label("sequences"),
        )
        .join(Order, Order.id == _ITEM.order_id)
        .where(_ITEM.bulk_id == bulk_id)
        .group_by(_ITEM.refusal, _ITEM.outcome, _ITEM.failure)
        .order_by(func.count().desc())
    )  # fmt: skip
    groups = (await tx.execute(grouped)).all()

    def total(field: str, **equal: str) -> int:
        return sum(int(getattr(one, field)) for one in groups if all(getattr(one, k) == v for k, v in equal.items()))

    able = [one for one in groups if one.refusal is None]
    return Bulk(
        id=bulk_id,
        terms=msgspec.convert(row.terms, BulkTerms),
        status=BulkStatus(row.status),
        by=UserId(row.created_by),
        approved_by=None if row.approved_by is None else UserId(row.approved_by),
        at=row.created_at,
        orders=total("orders"),
        able=sum(one.orders for one in able),
        done=total("orders", outcome="done"),
        failed=total("orders", outcome="failed"),
        stopped=total("orders", outcome="stopped"),
        planned=Money(sum(int(one.amount) for one in able), row.currency),
        moved=Money(total("amount", outcome="done"), row.currency),
        refusals=tuple(_failure(one.refusal, one) for one in groups if one.refusal),
        failures=tuple(_failure(one.failure or "", one) for one in groups if one.outcome == "failed"),
    )


def _failure(code: str, row: Any) -> BulkFailure:
    sequences = sorted(row.sequences, reverse=True)[:_NUMBERS]
    return BulkFailure(code, row.orders, tuple(order_number(sequence) for sequence in sequences))


async def set_status(tx: Tx, bulk_id: BulkId, status: BulkStatus, approved_by: UserId | None = None) -> None:
    """Move an action to ``status``; one that ends is dated."""
    change: dict[str, Any] = {"status": status.value}
    if status in {BulkStatus.DONE, BulkStatus.STOPPED}:
        change["ended_at"] = tx.now
    if approved_by is not None:
        change["approved_by"] = approved_by
    await tx.execute(update(OrderBulk).where(_BULK.id == bulk_id).values(change))


async def lock_next(tx: Tx, bulk_id: BulkId) -> BulkItem | None:
    """The next order of a running action, its item locked; what another process has locked is skipped."""
    statement = (
        select(_ITEM.order_id, _ITEM.amount)
        .where(_ITEM.bulk_id == bulk_id, _ITEM.outcome.is_(None), _ITEM.refusal.is_(None))
        .order_by(_ITEM.order_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else BulkItem(OrderId(row.order_id), row.amount)


async def set_outcome(
    tx: Tx, bulk_id: BulkId, order_id: OrderId, outcome: str, *, failure: str | None = None, amount: int | None = None
) -> None:
    """Store what became of one order, and how much was really refunded of it."""
    change: dict[str, Any] = {"outcome": outcome, "failure": failure}
    if amount is not None:
        change["amount"] = amount
    await tx.execute(update(OrderBulkItem).where(_ITEM.bulk_id == bulk_id, _ITEM.order_id == order_id).values(change))


async def stop_rest(tx: Tx, bulk_id: BulkId) -> None:
    """Leave alone what has not had its turn."""
    left = (_ITEM.bulk_id == bulk_id, _ITEM.outcome.is_(None), _ITEM.refusal.is_(None))
    await tx.execute(update(OrderBulkItem).where(*left).values(outcome="stopped"))


async def status_of(tx: Tx, bulk_id: BulkId) -> tuple[BulkStatus, BulkTerms, UserId, UserId | None]:
    """How far an action is, what it does, who began and who approved it; its row is kept from changing."""
    columns = (_BULK.status, _BULK.terms, _BULK.created_by, _BULK.approved_by)
    row = (await tx.execute(select(*columns).where(_BULK.id == bulk_id).with_for_update(read=True))).one_or_none()
    if row is None:
        raise NotFound("no such action on orders")
    return BulkStatus(row.status), msgspec.convert(row.terms, BulkTerms), row.created_by, row.approved_by


async def list_recent(tx: Tx, limit: int) -> list[BulkId]:
    """The latest actions that were confirmed, by anybody."""
    statement = select(_BULK.id).where(_BULK.status != BulkStatus.DRAFT).order_by(_BULK.id.desc()).limit(limit)
    return [BulkId(bulk_id) for bulk_id in (await tx.execute(statement)).scalars()]
