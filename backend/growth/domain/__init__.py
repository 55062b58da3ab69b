"""Steps that growth's use cases share, inside the caller's transaction."""

from __future__ import annotations

from backend.growth import rules
from backend.growth.repository import bonuses, gifts
from backend.growth.repository.gifts import SealedGift
from backend.growth.types import GIFT_CARD_KEYS, GIFT_CARDS, GiftCard, GiftStatus
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import IntentId
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, TransferKind


def fingerprint(ring: KeyRing, code: str) -> bytes:
    """The keyed hash by which a code is found; the code itself is not stored."""
    return ring.fingerprint(code.encode(), b"growth.code")


async def open_gift(tx: Tx, ring: KeyRing, gift: SealedGift) -> GiftCard:
    """The gift card for its buyer, with its code in groups while it is active."""
    code = ""
    if gift.sealed is not None and gift.data_key_id is not None:
        key = await ring.get(tx, gift.data_key_id)
        code = rules.show_code(open_sealed(key, gift.sealed, gift.id.bytes).decode())
    return GiftCard(
        id=gift.id,
        amount=gift.amount,
        status=gift.status,
        code=code,
        created_at=gift.created_at,
        closed_at=gift.closed_at,
    )


async def granted_bonus(tx: Tx, intent_id: IntentId) -> Money | None:
    """The bonus that a top-up has got so far; None for no bonus."""
    bonus = await bonuses.find_bonus(tx, intent_id)
    return bonus.granted if bonus is not None and bonus.granted else None


async def pay_gift_out(tx: Tx, ring: KeyRing, gift: SealedGift, status: GiftStatus, to: UserId) -> None:
    """Pay the money of an active gift card, which the caller has locked, to ``to``, and delete its sealed code.

    Redeeming and cancelling use the same idempotency key, so the ledger cannot pay a card twice.
    """
    await wallet.transfer(
        tx,
        TransferKind.VOUCHER,
        f"{GIFT_CARD_KEYS}{gift.id}:out",
        AccountRef.shop(GIFT_CARDS),
        AccountRef.user(to),
        gift.amount,
        reference=str(gift.id),
    )
    await gifts.close_gift(tx, gift.id, status, to if status is GiftStatus.REDEEMED else None)
    if gift.data_key_id is not None:
        await ring.destroy(tx, gift.data_key_id)
