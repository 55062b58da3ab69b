"""Admins give people credits, with a reason, within what one admin may give away alone. See decisions/0005."""

from __future__ import annotations

from typing import Final

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.catalog.domain import goods
from backend.catalog.types import StockKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import CREDIT, Money
from backend.kernel.text import fold
from backend.readings.domain import packages
from backend.readings.repository import gifts
from backend.readings.repository import packages as repository
from backend.readings.types.office import Gift
from backend.wallet import domain as wallet
from backend.wallet.errors import IdempotencyConflict

MOST_GIVEN: Final = 1000
_MAX_REASON: Final = 200
_LATEST: Final = 50


class CreditGiftsService:
    """For admins with the permission for money; ``limit`` is the single-admin limit."""

    def __init__(self, *, uow: UnitOfWork, limit: Live[Money]) -> None:
        self._uow = uow
        self._limit = limit

    @retry_conflicts
    async def give(
        self, actor: Actor, user_id: UserId, credits: int, reason: str, *, idempotency_key: str | None = None
    ) -> None:
        """Give a person credits, which count at the dearest package's price against the single-admin limit.

        The same key again gives nothing; without one each call is a gift. Raises IdempotencyConflict for a key of
        another gift, Forbidden, Invalid (``above_limit`` in the field ``credits``: credits can't wait for a second
        admin), NotFound, SecondAdminNeeded for one's own.
        """
        actor.require(Permission.MONEY)
        reason = fold(reason.replace("\0", ""))
        if not 0 < len(reason) <= _MAX_REASON:
            raise Invalid("a reason is needed", fields={"reason": "too_long" if reason else "required"})
        if not 1 <= credits <= MOST_GIVEN:
            raise Invalid("so many credits", fields={"credits": "range"})
        limit = self._limit()
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            gift = OrderLineId(tx.new_id())
            given = Gift(
                id=gift, user_id=user_id, credits=credits, reason=reason, given_by=actor.user_id, given_at=tx.now
            )
            key = idempotency_key or str(gift)
            if not await gifts.add(tx, given, key):
                await _check_replay(tx, given, key)
                return
            worth = await _worth(tx, credits, limit.currency)
            value = NewValue(
                kind=ValueKind.CREDITS, subject=str(gift), amount=worth or Money.zero(limit.currency),
                permission=Permission.MONEY, user_id=user_id, reason=reason, open_ended=worth is None, waits=False,
            )  # fmt: skip
            if await approvals.make(tx, actor, value, limit) is not Approval.GIVEN:
                raise Invalid("above the single-admin limit", fields={"credits": "above_limit"}, maximum=limit)
            await repository.add_lots(tx, {gift: (user_id, credits)}, tx.now)
            await packages.give(tx, gift, user_id, credits)
            details = {"credits": credits, "reason": reason}
            await audit.record(tx, actor.user_id, "readings.give_credits", f"user:{user_id}", details, person=user_id)

    async def list_latest(self, actor: Actor) -> list[Gift]:
        """The last 50 gifts, newest first. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await gifts.list_latest(tx, _LATEST)

    async def balance_of(self, actor: Actor, user_id: UserId) -> int:
        """How many credits a person has. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return (await wallet.balance(tx, user_id, CREDIT)).amount


async def _check_replay(tx: Tx, gift: Gift, key: str) -> None:
    before = await gifts.find_by_key(tx, gift.given_by, key)
    if before is None or (before.user_id, before.credits) != (gift.user_id, gift.credits):
        raise IdempotencyConflict(f"gift key {key}")


async def _worth(tx: Tx, credits: int, currency: str) -> Money | None:
    """What so many credits cost at the dearest package, rounded up; None where no package says it."""
    each = await repository.list_all(tx)
    variants = await goods.list_variants(tx, await goods.list_of_kind(tx, StockKind.CREDITS))
    prices = [
        -(-credits * variant.fields.price.amount // each[variant.id])
        for variant in variants.values()
        if variant.id in each and variant.fields.price.currency == currency
    ]
    return Money(max(prices), currency) if prices else None
