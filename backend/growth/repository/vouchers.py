"""The SQL of vouchers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.growth.models import Voucher, VoucherRedemption
from backend.growth.models import VoucherBatch as Batch
from backend.growth.types import VoucherBatch, VoucherBatchId, VoucherId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money

_B = Batch.__table__.c
_V = Voucher.__table__.c
_R = VoucherRedemption.__table__.c
_LISTED = 100
_REDEEMED = (
    select(func.coalesce(func.sum(_V.redeemed), 0)).where(_V.batch_id == _B.id).scalar_subquery().label("redeemed")
)
_COLUMNS = (*_B, _REDEEMED)


class LockedVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """A code that is about to be redeemed, locked until the transaction ends."""

    id: VoucherId
    amount: Money
    people: int
    redeemed: int
    expires_at: datetime | None
    stopped_at: datetime | None
    created_by: UserId


def _batch(row: Any) -> VoucherBatch:
    return VoucherBatch(
        id=VoucherBatchId(row.id),
        amount=Money(row.amount, row.currency),
        people=row.people,
        codes=row.codes,
        redeemed=int(row.redeemed),
        note=row.note,
        expires_at=row.expires_at,
        stopped_at=row.stopped_at,
        created_by=UserId(row.created_by),
        created_at=row.created_at,
    )


async def add_batch(
    tx: Tx,
    amount: Money,
    people: int,
    codes: int,
    *,
    note: str,
    expires_at: datetime | None,
    created_by: UserId,
    idempotency_key: str,
) -> VoucherBatchId | None:
    """Add a batch without its codes; None when the admin has used this idempotency key before."""
    added = (
        insert(Batch)
        .values(
            id=tx.new_id(),
            amount=amount.amount,
            currency=amount.currency,
            people=people,
            codes=codes,
            note=note,
            expires_at=expires_at,
            created_by=created_by,
            idempotency_key=idempotency_key,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["created_by", "idempotency_key"])
        .returning(_B.id)
    )
    batch_id = (await tx.execute(added)).scalar_one_or_none()
    return None if batch_id is None else VoucherBatchId(batch_id)


async def add_codes(tx: Tx, batch_id: VoucherBatchId, people: int, fingerprints: Iterable[bytes]) -> None:
    """Add the codes of a batch as keyed hashes."""
    rows = [{"id": tx.new_id(), "batch_id": batch_id, "fingerprint": one, "people": people} for one in fingerprints]
    await tx.execute(insert(Voucher), rows)


async def get_batch(tx: Tx, batch_id: VoucherBatchId) -> VoucherBatch:
    """One batch. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_B.id == batch_id))).one_or_none()
    if row is None:
        raise NotFound(f"vouchers {batch_id}")
    return _batch(row)


async def get_by_key(tx: Tx, created_by: UserId, idempotency_key: str) -> VoucherBatch:
    """The batch that the admin made with this idempotency key."""
    statement = select(*_COLUMNS).where(_B.created_by == created_by, _B.idempotency_key == idempotency_key)
    return _batch((await tx.execute(statement)).one())


async def list_batches(tx: Tx) -> list[VoucherBatch]:
    """The latest batches, the latest first, at most 100."""
    rows = await tx.execute(select(*_COLUMNS).order_by(_B.id.desc()).limit(_LISTED))
    return [_batch(row) for row in rows]


async def stop_batch(tx: Tx, batch_id: VoucherBatchId) -> bool:
    """Stop a batch, so that its codes cannot be redeemed; False when it was stopped before or does not exist."""
    stopped = update(Batch).where(_B.id == batch_id, _B.stopped_at.is_(None)).values(stopped_at=tx.now)
    return (await tx.execute(stopped.returning(_B.id))).one_or_none() is not None


async def lock_by_code(tx: Tx, fingerprint: bytes) -> LockedVoucher | None:
    """The voucher with this code, locked until the transaction ends; None for no voucher."""
    statement = (
        select(_V.id, _V.people, _V.redeemed, _B.amount, _B.currency, _B.expires_at, _B.stopped_at, _B.created_by)
        .join_from(Voucher, Batch, _B.id == _V.batch_id)
        .where(_V.fingerprint == fingerprint)
        .with_for_update(of=Voucher)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    return LockedVoucher(
        id=VoucherId(row.id),
        amount=Money(row.amount, row.currency),
        people=row.people,
        redeemed=row.redeemed,
        expires_at=row.expires_at,
        stopped_at=row.stopped_at,
        created_by=UserId(row.created_by),
    )


async def was_redeemed_by(tx: Tx, voucher_id: VoucherId, user_id: UserId) -> bool:
    """Whether this person has redeemed the voucher."""
    statement = select(_R.at).where(_R.voucher_id == voucher_id, _R.user_id == user_id)
    return (await tx.execute(statement)).one_or_none() is not None


async def add_redemption(tx: Tx, voucher_id: VoucherId, user_id: UserId) -> None:
    """Record that a person redeems the voucher, which the caller has locked."""
    await tx.execute(insert(VoucherRedemption).values(voucher_id=voucher_id, user_id=user_id, at=tx.now))
    await tx.execute(update(Voucher).where(_V.id == voucher_id).values(redeemed=_V.redeemed + 1))
