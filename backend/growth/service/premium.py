"""Premium membership: what people see of theirs, months from admins, and the reminders of its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from backend.catalog import domain as catalog
from backend.catalog.types import MOST_PREMIUM_MONTHS, StockKind
from backend.growth.domain import premium
from backend.growth.repository import premium as repository
from backend.growth.rules import premium as rules
from backend.growth.types.premium import Membership, PremiumEnded, PremiumEnding, PremiumRecord
from backend.identity import domain as identity
from backend.identity.errors import NotYourself
from backend.identity.types import Actor, Permission, PremiumStage
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.clock import Clock
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.text import fold

REMIND_AHEAD: Final = timedelta(days=3)
"""How long before its end people are reminded of it."""
_MAX_REASON: Final = 500


class PremiumService:
    """Says who is a premium member until when; ``grace`` is how long what is for members stays open after the end."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, grace: Live[timedelta]) -> None:
        self._uow = uow
        self._clock = clock
        self._grace = grace

    def mine(self, actor: Actor) -> Membership:
        """The actor's premium."""
        endless = actor.is_premium and actor.premium_until is None
        return rules.membership(actor.premium_until, self._clock.now(), self._grace(), endless=endless)

    async def of_lines(self, actor: Actor, lines: Sequence[OrderLineId]) -> Membership | None:
        """The actor's premium, if one of these lines of orders has given them some."""
        if not lines:
            return None
        async with self._uow.read() as tx:
            until = await premium.find_end_of_lines(tx, actor.id, lines)
            return rules.membership(until, tx.now, self._grace(), endless=False) if until else None

    async def find_product(self) -> str | None:
        """The slug of the product by which people become members, the one that sells best; None without one."""
        async with self._uow.read() as tx:
            return await catalog.find_slug_of_kind(tx, StockKind.PREMIUM.value)

    async def of(self, actor: Actor, user_id: UserId) -> PremiumRecord:
        """A person's premium, for admins with the permission for users. Raises Forbidden, NotFound."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            endless = await identity.has_endless_premium(tx, user_id)
            until = await premium.find_end(tx, user_id)
            grants = await repository.list_grants(tx, user_id)
            return PremiumRecord(rules.membership(until, tx.now, self._grace(), endless=endless), tuple(grants))

    @retry_conflicts
    async def give(self, actor: Actor, user_id: UserId, months: int, reason: str) -> None:
        """Add months to what a person has left. Raises Forbidden, NotYourself, NotFound, Invalid, PremiumTooLong."""
        await self._change(actor, user_id, months, reason)

    @retry_conflicts
    async def take(self, actor: Actor, user_id: UserId, months: int, reason: str) -> None:
        """Take months away from what a person has left, as far as it reaches. Raises Forbidden, NotFound, Invalid."""
        await self._change(actor, user_id, -months, reason)

    async def _change(self, actor: Actor, user_id: UserId, months: int, reason: str) -> None:
        actor.require(Permission.USERS)
        reason = fold(reason.replace("\0", ""))
        if not 0 < len(reason) <= _MAX_REASON:
            raise Invalid("a reason is needed", fields={"reason": "required" if not reason else "too_long"})
        if not 1 <= abs(months) <= MOST_PREMIUM_MONTHS:
            raise Invalid("so many months", fields={"months": "invalid"})
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            # As with prices for resellers: only a shop's only admin may give themselves something of value.
            to_self = months > 0 and user_id == actor.user_id
            if to_self and await identity.is_another_admin(tx, Permission.USERS, {user_id}):
                raise NotYourself("an admin cannot give this to themselves")
            if months > 0:
                await premium.give(tx, user_id, months, self._grace())
            else:
                await premium.take(tx, user_id, -months)
            await repository.add_by_admin(tx, user_id, months, actor.user_id, reason)
            details = {"months": months, "reason": reason}
            await audit.record(tx, actor.user_id, "users.change_premium", f"user:{user_id}", details, person=user_id)

    async def remind(self) -> int:
        """Tell people of the end of their premium, ahead of it and when it comes; returns how many were told.

        When the days of grace are over nothing is said, and open pages reload.
        """
        reminded = 0
        while await self._remind_one():
            reminded += 1
        return reminded

    @retry_conflicts
    async def _remind_one(self) -> bool:
        async with self._uow() as tx:
            due = await identity.take_premium_end(tx, REMIND_AHEAD, self._grace())
            if due is None:
                return False
            user_id, until, stage = due
            if stage is PremiumStage.ENDING and until > tx.now:
                tx.emit(PremiumEnding(user_id=user_id, until=until))
            elif stage is PremiumStage.ENDED:
                tx.emit(PremiumEnded(user_id=user_id, until=until, open_until=until + self._grace()))
            return True
