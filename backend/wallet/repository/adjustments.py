"""The SQL of admins' adjustments."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.models import WalletAdjustment
from backend.wallet.types import Adjustment, AdjustmentId, AdjustmentStatus

_C = WalletAdjustment.__table__.c
_COLUMNS: Final = (
    _C.id, _C.user_id, _C.amount, _C.currency, _C.reason, _C.status, _C.asked_by, _C.decided_by, _C.refusal,
    _C.created_at, _C.decided_at,
)  # fmt: skip
_LISTED: Final = 100


def _adjustment(row: Any) -> Adjustment:
    return Adjustment(
        id=AdjustmentId(row.id),
        user_id=UserId(row.user_id),
        amount=Money(row.amount, row.currency),
        reason=row.reason,
        status=AdjustmentStatus(row.status),
        asked_by=UserId(row.asked_by),
        decided_by=None if row.decided_by is None else UserId(row.decided_by),
        refusal=row.refusal,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )


async def add_adjustment(
    tx: Tx, user_id: UserId, amount: Money, reason: str, asked_by: UserId, idempotency_key: str
) -> AdjustmentId | None:
    """A new pending adjustment; None when the admin has used this key."""
    added = (
        insert(WalletAdjustment)
        .values(
            id=tx.new_id(),
            user_id=user_id,
            amount=amount.amount,
            currency=amount.currency,
            reason=reason,
            status=AdjustmentStatus.WAITING,
            asked_by=asked_by,
            refusal="",
            idempotency_key=idempotency_key,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["asked_by", "idempotency_key"])
        .returning(_C.id)
    )
    adjustment_id = (await tx.execute(added)).scalar_one_or_none()
    return None if adjustment_id is None else AdjustmentId(adjustment_id)


async def get_by_key(tx: Tx, asked_by: UserId, idempotency_key: str) -> Adjustment:
    """The adjustment that the admin made under this key."""
    statement = select(*_COLUMNS).where(_C.asked_by == asked_by, _C.idempotency_key == idempotency_key)
    return _adjustment((await tx.execute(statement)).one())


async def get_adjustment(tx: Tx, adjustment_id: AdjustmentId) -> Adjustment:
    """One adjustment. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_C.id == adjustment_id))).one_or_none()
    if row is None:
        raise NotFound(f"adjustment {adjustment_id}")
    return _adjustment(row)


async def lock_adjustment(tx: Tx, adjustment_id: AdjustmentId) -> Adjustment:
    """One adjustment, locked until the transaction ends. Raises NotFound."""
    statement = select(*_COLUMNS).where(_C.id == adjustment_id).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"adjustment {adjustment_id}")
    return _adjustment(row)


async def list_waiting(tx: Tx) -> list[Adjustment]:
    """Pending adjustments, the oldest first, at most 100."""
    statement = select(*_COLUMNS).where(_C.status == AdjustmentStatus.WAITING).order_by(_C.id).limit(_LISTED)
    return [_adjustment(row) for row in await tx.execute(statement)]


async def list_of(tx: Tx, user_id: UserId) -> list[Adjustment]:
    """A person's adjustments, the latest first, at most 100."""
    statement = select(*_COLUMNS).where(_C.user_id == user_id).order_by(_C.id.desc()).limit(_LISTED)
    return [_adjustment(row) for row in await tx.execute(statement)]


async def decide(
    tx: Tx, adjustment_id: AdjustmentId, status: AdjustmentStatus, by: UserId | None, refusal: str
) -> None:
    """Write the decision on an adjustment, which the caller has locked."""
    decided = update(WalletAdjustment).where(_C.id == adjustment_id)
    await tx.execute(decided.values(status=status, decided_by=by, refusal=refusal, decided_at=tx.now))
