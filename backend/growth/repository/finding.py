"""The SQL by which admins find what a code is of."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from backend.growth.models import GiftCard, Partner, Promo, PromoCode, Voucher, VoucherBatch
from backend.growth.types.finding import CodeHit, CodeKind
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import like


async def list_valued(tx: Tx, fingerprint: bytes) -> list[CodeHit]:
    """The voucher or the gift card with this code."""
    vouchers = (
        select(VoucherBatch.id, VoucherBatch.note, VoucherBatch.amount, VoucherBatch.currency, VoucherBatch.stopped_at)
        .join(Voucher, Voucher.batch_id == VoucherBatch.id)
        .where(Voucher.fingerprint == fingerprint)
    )
    gifts = select(GiftCard.id, GiftCard.buyer_id, GiftCard.amount, GiftCard.currency, GiftCard.closed_at)
    hits = [
        CodeHit(
            kind=CodeKind.VOUCHER,
            id=row.id,
            name=row.note,
            amount=Money(row.amount, row.currency),
            stopped=row.stopped_at is not None,
        )
        for row in await tx.execute(vouchers)
    ]
    return hits + [
        CodeHit(
            kind=CodeKind.GIFT_CARD,
            id=row.id,
            amount=Money(row.amount, row.currency),
            user_id=UserId(row.buyer_id),
            stopped=row.closed_at is not None,
        )
        for row in await tx.execute(gifts.where(GiftCard.fingerprint == fingerprint))
    ]


async def list_promos(tx: Tx, key: str) -> list[CodeHit]:
    """The promotion of a code with these signs."""
    statement = (
        select(Promo.id, PromoCode.code, Promo.stopped_at)
        .join(PromoCode, PromoCode.promo_id == Promo.id)
        .where(PromoCode.key == key)
    )
    return [
        CodeHit(kind=CodeKind.PROMO, id=row.id, name=row.code, stopped=row.stopped_at is not None)
        for row in await tx.execute(statement)
    ]


async def list_partners(tx: Tx, name: str, limit: int) -> list[CodeHit]:
    """The partners with this code, or with ``name`` in theirs."""
    named = or_(func.lower(Partner.code) == name.lower(), Partner.name.ilike(like(name), escape="\\"))
    statement = select(Partner.id, Partner.name, Partner.stopped_at).where(named).order_by(Partner.id.desc())
    return [
        CodeHit(kind=CodeKind.PARTNER, id=row.id, name=row.name, stopped=row.stopped_at is not None)
        for row in await tx.execute(statement.limit(limit))
    ]
