"""Months of premium, inside the caller's transaction: given, taken back, and until when they last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.catalog.types import MOST_PREMIUM_MONTHS
from backend.growth.errors import PremiumTooLong
from backend.growth.repository import premium as repository
from backend.growth.rules import premium as rules
from backend.identity import domain as identity
from backend.identity.types import PremiumPeriod
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId


async def give(tx: Tx, user_id: UserId, months: int, grace: timedelta) -> PremiumPeriod:
    """Add months to what a person has left, one purchase at a time. Raises PremiumTooLong."""
    period = rules.extended(await identity.lock_premium(tx, user_id), months, tx.now, grace)
    if period is None:
        raise PremiumTooLong(limit=MOST_PREMIUM_MONTHS)
    await identity.set_premium(tx, user_id, period)
    return period


async def take(tx: Tx, user_id: UserId, months: int) -> None:
    """Take months away from what a person has left, as far as it reaches: what is over stays over."""
    period = await identity.lock_premium(tx, user_id)
    if period is not None and period.until > tx.now:
        await identity.set_premium(tx, user_id, rules.shortened(period, months, tx.now))


async def take_back(tx: Tx, line_id: OrderLineId, quantity: int, of: int) -> None:
    """Take back what ``quantity`` of a delivered line's ``of`` units gave; months of an earlier period are used up."""
    grant = await repository.lock_line(tx, line_id)
    if grant is None or grant.started_at is None:
        return
    months = rules.part_of(grant.months, grant.taken, quantity, of)
    await repository.add_taken(tx, grant.id, months)
    period = await identity.lock_premium(tx, grant.user_id)
    if period is not None and period.started_at == grant.started_at:
        await identity.set_premium(tx, grant.user_id, rules.shortened(period, months, tx.now))


async def find_end(tx: Tx, user_id: UserId) -> datetime | None:
    """When a person's premium ends or ended; None where they have none."""
    period = await identity.find_premium(tx, user_id)
    return period.until if period else None


async def find_end_of_lines(tx: Tx, user_id: UserId, lines: Sequence[OrderLineId]) -> datetime | None:
    """Until when a person has premium, if one of these lines of orders has given them some."""
    return await find_end(tx, user_id) if await repository.is_given_by(tx, lines, user_id) else None
