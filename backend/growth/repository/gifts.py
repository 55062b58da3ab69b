"""The SQL of gift cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backend.growth.models import GiftCard
from backend.growth.types import GiftCardId, GiftStatus
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, UserId
from backend.kernel.money import Money

_G = GiftCard.__table__.c
_LISTED = 100
_COLUMNS = (
    _G.id, _G.buyer_id, _G.amount, _G.currency, _G.status, _G.sealed, _G.data_key_id, _G.redeemed_by, _G.created_at,
    _G.closed_at,
)  # fmt: skip


class SealedGift(msgspec.Struct, frozen=True, kw_only=True):
    """A gift card with its encrypted code (``sealed``), which a closed card no longer has."""

    id: GiftCardId
    buyer_id: UserId
    amount: Money
    status: GiftStatus
    sealed: bytes | None
    data_key_id: DataKeyId | None
    redeemed_by: UserId | None
    created_at: datetime
    closed_at: datetime | None


def _gift(row: Any) -> SealedGift:
    return SealedGift(
        id=GiftCardId(row.id),
        buyer_id=UserId(row.buyer_id),
        amount=Money(row.amount, row.currency),
        status=GiftStatus(row.status),
        sealed=row.sealed,
        data_key_id=None if row.data_key_id is None else DataKeyId(row.data_key_id),
        redeemed_by=None if row.redeemed_by is None else UserId(row.redeemed_by),
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


async def add_gift(
    tx: Tx,
    gift_id: GiftCardId,
    buyer_id: UserId,
    amount: Money,
    *,
    fingerprint: bytes,
    sealed: bytes,
    data_key_id: DataKeyId,
    idempotency_key: str,
) -> bool:
    """Add a gift card; False when the buyer has used this idempotency key before."""
    added = (
        insert(GiftCard)
        .values(
            id=gift_id,
            buyer_id=buyer_id,
            amount=amount.amount,
            currency=amount.currency,
            status=GiftStatus.ACTIVE,
            fingerprint=fingerprint,
            sealed=sealed,
            data_key_id=data_key_id,
            idempotency_key=idempotency_key,
            created_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["buyer_id", "idempotency_key"])
        .returning(_G.id)
    )
    return (await tx.execute(added)).one_or_none() is not None


async def find_by_key(tx: Tx, buyer_id: UserId, idempotency_key: str) -> SealedGift | None:
    """The gift card that the buyer bought with this idempotency key, or None."""
    statement = select(*_COLUMNS).where(_G.buyer_id == buyer_id, _G.idempotency_key == idempotency_key)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _gift(row)


async def list_of(tx: Tx, buyer_id: UserId) -> list[SealedGift]:
    """A buyer's gift cards, the latest first, at most 100."""
    statement = select(*_COLUMNS).where(_G.buyer_id == buyer_id).order_by(_G.id.desc()).limit(_LISTED)
    return [_gift(row) for row in await tx.execute(statement)]


async def get_gift(tx: Tx, gift_id: GiftCardId, buyer_id: UserId) -> SealedGift:
    """A gift card of this buyer. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(_G.id == gift_id, _G.buyer_id == buyer_id))).one_or_none()
    if row is None:
        raise NotFound(f"gift card {gift_id}")
    return _gift(row)


async def lock_gift(tx: Tx, gift_id: GiftCardId, buyer_id: UserId) -> SealedGift:
    """A gift card of this buyer, locked until the transaction ends. Raises NotFound."""
    statement = select(*_COLUMNS).where(_G.id == gift_id, _G.buyer_id == buyer_id).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"gift card {gift_id}")
    return _gift(row)


async def lock_by_code(tx: Tx, fingerprint: bytes) -> SealedGift | None:
    """The gift card with this code, locked until the transaction ends; None for no gift card."""
    statement = select(*_COLUMNS).where(_G.fingerprint == fingerprint).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _gift(row)


async def find_by_code(tx: Tx, fingerprint: bytes) -> SealedGift | None:
    """The gift card with this code, or None."""
    row = (await tx.execute(select(*_COLUMNS).where(_G.fingerprint == fingerprint))).one_or_none()
    return None if row is None else _gift(row)


async def close_gift(tx: Tx, gift_id: GiftCardId, status: GiftStatus, redeemed_by: UserId | None) -> None:
    """Close a gift card, which the caller has locked, and delete its encrypted code."""
    closed = update(GiftCard).where(_G.id == gift_id)
    await tx.execute(
        closed.values(status=status, redeemed_by=redeemed_by, closed_at=tx.now, sealed=None, data_key_id=None)
    )
