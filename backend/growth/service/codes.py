"""Redeeming codes of vouchers and gift cards."""

from __future__ import annotations

from typing import Final

from backend.growth import domain, rules
from backend.growth.errors import CodeNotValid, OwnVoucher
from backend.growth.repository import gifts, vouchers
from backend.growth.repository.gifts import SealedGift
from backend.growth.repository.vouchers import LockedVoucher
from backend.growth.types import VOUCHERS, CodeKind, GiftCardRedeemed, GiftOffer, GiftStatus, Redeemed
from backend.identity import domain as identity
from backend.identity.errors import Blocked
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.failpoints import failpoint
from backend.infra.rate_limit import Limit, RateLimiter
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.money import Money
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, TransferKind

REDEEM: Final = Limit("redeem", 10, 300)
"""How many codes a person can try, and within how many seconds."""


class CodesService:
    """Redeems codes: each as often as its voucher or gift card allows, and once for each person."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, limiter: RateLimiter) -> None:
        self._uow = uow
        self._ring = ring
        self._limiter = limiter

    async def redeem(self, actor: Actor, typed: str) -> Redeemed:
        """Credit the actor's wallet with a code's value; repeated by the same person, it only answers ``again``.

        Raises RateLimited with the wait; CodeNotValid for a code that is unknown, expired, used up or stopped, and for
        a gift card whose buyer is blocked; OwnVoucher for a code that the actor made; Blocked for a blocked actor.
        """
        code = rules.read_code(typed)
        if code is None:
            # A misspelt code is not counted as an attempt: it tells people who guess codes nothing.
            raise CodeNotValid("not a code")
        await self._limiter.hit(REDEEM, str(actor.id))
        return await self._redeem(actor, domain.fingerprint(self._ring, code))

    async def offer(self, actor: Actor, typed: str) -> GiftOffer | None:
        """The active gift card behind a link, or None. It counts as an attempt. Raises RateLimited."""
        await self._limiter.hit(REDEEM, str(actor.id))
        code = rules.read_code(typed)
        if code is None:
            return None
        async with self._uow.read() as tx:
            gift = await gifts.find_by_code(tx, domain.fingerprint(self._ring, code))
            if gift is None or gift.status is not GiftStatus.ACTIVE:
                return None
            names = await identity.user_names(tx, [gift.buyer_id])
        return GiftOffer(gift.amount, names.get(gift.buyer_id, ""))

    @retry_conflicts
    async def _redeem(self, actor: Actor, fingerprint: bytes) -> Redeemed:
        async with self._uow() as tx:
            if await identity.is_blocked(tx, actor.id):  # since the session was checked
                raise Blocked(actor.id)
            voucher = await vouchers.lock_by_code(tx, fingerprint)
            if voucher is not None:
                return await self._voucher(tx, actor, voucher)
            gift = await gifts.lock_by_code(tx, fingerprint)
            if gift is not None:
                return await self._gift(tx, actor, gift)
        raise CodeNotValid("unknown")

    async def _voucher(self, tx: Tx, actor: Actor, voucher: LockedVoucher) -> Redeemed:
        if await vouchers.was_redeemed_by(tx, voucher.id, actor.id):
            return await self._result(tx, actor, CodeKind.VOUCHER, voucher.amount, again=True)
        expired = voucher.expires_at is not None and voucher.expires_at <= tx.now
        if expired or voucher.stopped_at is not None or voucher.redeemed >= voucher.people:
            raise CodeNotValid("expired, stopped or used up")
        if voucher.created_by == actor.id:
            if await identity.is_another_admin(tx, Permission.MONEY, {actor.id}):
                raise OwnVoucher(f"voucher {voucher.id}")
            await audit.record(tx, actor.id, "vouchers.redeem_own", f"voucher:{voucher.id}")
        await vouchers.add_redemption(tx, voucher.id, actor.id)
        failpoint("codes.counted")
        await wallet.transfer(
            tx,
            TransferKind.VOUCHER,
            f"voucher:{voucher.id}:{actor.id}",
            AccountRef.shop(VOUCHERS),
            AccountRef.user(actor.id),
            voucher.amount,
            reference=str(voucher.id),
        )
        return await self._result(tx, actor, CodeKind.VOUCHER, voucher.amount, again=False)

    async def _gift(self, tx: Tx, actor: Actor, gift: SealedGift) -> Redeemed:
        if gift.redeemed_by == actor.id:
            return await self._result(tx, actor, CodeKind.GIFT_CARD, gift.amount, again=True)
        if gift.status is not GiftStatus.ACTIVE:
            raise CodeNotValid("redeemed or cancelled")
        if await identity.is_blocked(tx, gift.buyer_id):  # a blocked person's money does not move
            raise CodeNotValid("its buyer is blocked")
        await domain.pay_gift_out(tx, self._ring, gift, GiftStatus.REDEEMED, actor.id)
        if gift.buyer_id != actor.id:
            tx.emit(
                GiftCardRedeemed(
                    gift_card_id=gift.id,
                    user_id=gift.buyer_id,
                    amount=gift.amount.amount,
                    currency=gift.amount.currency,
                )
            )
        return await self._result(tx, actor, CodeKind.GIFT_CARD, gift.amount, again=False)

    @staticmethod
    async def _result(tx: Tx, actor: Actor, kind: CodeKind, amount: Money, *, again: bool) -> Redeemed:
        balance = await wallet.balance(tx, actor.id, amount.currency)
        return Redeemed(kind=kind, amount=amount, balance=balance, again=again)
