"""Premium: months of membership, which any number of people can buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from backend.catalog import domain as catalog
from backend.catalog.errors import ReservationGone
from backend.catalog.types import MOST_PREMIUM_MONTHS, StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, WithoutItems
from backend.growth.domain import premium
from backend.growth.errors import PremiumEndless, PremiumTooLong
from backend.growth.repository import premium as repository
from backend.growth.rules import premium as rules
from backend.identity import domain as identity
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class PremiumMonths(WithoutItems):
    """Adds the months of each line to what its recipient has left; ``grace`` is how long premium outlasts its end.

    A line is months and no item: there is nothing to open. See decisions/0052.
    """

    kind = StockKind.PREMIUM.value
    instant = True

    def __init__(self, grace: Live[timedelta]) -> None:
        self._grace = grace

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Note what the lines will give: what a variant is changed to later is for later buyers."""
        for line, months in (await _months_of(tx, lines)).items():
            await repository.add_for_line(tx, line.id, line.recipient, months, None)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Forget what is reserved for the lines."""
        await repository.release(tx, [line.id for line in lines])

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Give the months. Raises ReservationGone, PremiumTooLong."""
        if reserved:
            months_of = await repository.find_reserved(tx, [line.id for line in lines])
            if len(months_of) < len(lines):
                raise ReservationGone()
            months = {line: months_of[line.id] for line in lines}
        else:
            months = await _months_of(tx, lines)
        for line, count in months.items():
            period = await premium.give(tx, line.recipient, count, self._grace())
            if reserved:
                await repository.mark_delivered(tx, [line.id], period.started_at)
            else:
                await repository.add_for_line(tx, line.id, line.recipient, count, period.started_at)
        return {line.id: Delivery(DeliveryStatus.DELIVERED) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """PremiumEndless, or PremiumTooLong for the line with which it would last too long."""
        if await identity.has_endless_premium(tx, recipient):
            return {line.id: PremiumEndless() for line in lines}
        period = await identity.find_premium(tx, recipient)
        refused: dict[OrderLineId, Money | AppError] = {}
        for line, months in (await _months_of(tx, lines)).items():
            longer = rules.extended(period, months, tx.now, self._grace())
            if longer is None:
                refused[line.id] = PremiumTooLong(limit=MOST_PREMIUM_MONTHS)
            else:
                period = longer
        return refused

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Take the months of ``quantity`` away from what is left, and end premium where nothing is."""
        await premium.take_back(tx, line.id, quantity, line.quantity)


async def _months_of(tx: Tx, lines: Sequence[FulfilmentLine]) -> dict[FulfilmentLine, int]:
    """The months of each line. Raises NotFound for a variant that says none."""
    each = await catalog.list_premium_months(tx, {line.variant_id for line in lines})
    if any(line.quantity < 1 for line in lines):
        raise ValueError("a quantity is at least 1")
    missing = [line.variant_id for line in lines if line.variant_id not in each]
    if missing:
        raise NotFound(f"variants without months: {missing}")
    return {line: each[line.variant_id] * line.quantity for line in lines}
