"""Gift cards: bought from the balance, shared as a code."""

from __future__ import annotations

from backend.growth import domain, rules
from backend.growth.errors import GiftRedeemed
from backend.growth.repository import gifts as repository
from backend.growth.repository.gifts import SealedGift
from backend.growth.types import GIFT_CARD_KEYS, GIFT_CARDS, GiftCard, GiftCardId, GiftQuote, GiftStatus, Limits
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing, seal
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.money import Money
from backend.wallet import domain as wallet
from backend.wallet.errors import IdempotencyConflict
from backend.wallet.types import AccountRef, TransferKind


class GiftsService:
    """A person's own gift cards; ``limits`` are the smallest and the largest amount of one."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, limits: Live[Limits]) -> None:
        self._uow = uow
        self._ring = ring
        self._limits = limits

    @property
    def limits(self) -> Limits:
        """What one gift card may be worth."""
        return self._limits()

    async def quote(self, actor: Actor, amount: Money | None) -> GiftQuote:
        """What buying a gift card of ``amount`` would do to the actor's balance; None for no amount yet."""
        async with self._uow.read() as tx:
            balance = await wallet.balance(tx, actor.id, self.limits.minimum.currency)
        return GiftQuote(balance=balance) if amount is None else rules.gift_quote(amount, balance, self.limits)

    @retry_conflicts
    async def buy(self, actor: Actor, amount: Money, *, idempotency_key: str) -> GiftCard:
        """Buy a gift card from the actor's balance; the same idempotency key again gives the same card.

        Raises Invalid for an amount outside the limits, InsufficientFunds, IdempotencyConflict.
        """
        rules.check_amount(amount, self.limits)
        async with self._uow() as tx:
            before = await repository.find_by_key(tx, actor.id, idempotency_key)
            gift = before or await self._add(tx, actor, amount, idempotency_key)
            if gift.amount != amount:
                raise IdempotencyConflict(f"gift card key {idempotency_key}")
            return await domain.open_gift(tx, self._ring, gift)

    async def mine(self, actor: Actor) -> list[GiftCard]:
        """The actor's gift cards, the latest first, at most 100."""
        async with self._uow.read() as tx:
            return [await domain.open_gift(tx, self._ring, gift) for gift in await repository.list_of(tx, actor.id)]

    async def get(self, actor: Actor, gift_id: GiftCardId) -> GiftCard:
        """One of the actor's gift cards. Raises NotFound, also for another person's."""
        async with self._uow.read() as tx:
            return await domain.open_gift(tx, self._ring, await repository.get_gift(tx, gift_id, actor.id))

    @retry_conflicts
    async def cancel(self, actor: Actor, gift_id: GiftCardId) -> GiftCard:
        """Cancel a gift card that was not redeemed, and return its money to the actor's balance.

        Raises NotFound, also for another person's, GiftRedeemed.
        """
        async with self._uow() as tx:
            gift = await repository.lock_gift(tx, gift_id, actor.id)
            if gift.status is GiftStatus.REDEEMED:
                raise GiftRedeemed(str(gift_id))
            if gift.status is GiftStatus.ACTIVE:
                await domain.pay_gift_out(tx, self._ring, gift, GiftStatus.CANCELLED, actor.id)
            return await domain.open_gift(tx, self._ring, await repository.get_gift(tx, gift_id, actor.id))

    async def _add(self, tx: Tx, actor: Actor, amount: Money, idempotency_key: str) -> SealedGift:
        gift_id, code = GiftCardId(tx.new_id()), rules.new_code()
        key_id, key = await self._ring.create(tx, "gift_card")
        added = await repository.add_gift(
            tx,
            gift_id,
            actor.id,
            amount,
            fingerprint=domain.fingerprint(self._ring, code),
            sealed=seal(key, code.encode(), gift_id.bytes),
            data_key_id=key_id,
            idempotency_key=idempotency_key,
        )
        if not added:  # another request with this idempotency key was faster
            await self._ring.destroy(tx, key_id)
            existing = await repository.find_by_key(tx, actor.id, idempotency_key)
            assert existing is not None
            return existing
        await wallet.transfer(
            tx,
            TransferKind.VOUCHER,
            f"{GIFT_CARD_KEYS}{gift_id}:bought",
            AccountRef.user(actor.id),
            AccountRef.shop(GIFT_CARDS),
            amount,
            reference=str(gift_id),
        )
        return await repository.get_gift(tx, gift_id, actor.id)
