"""Credits for readings: packages of which any number of people can buy any number. See decisions/0100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.errors import ReservationGone
from backend.catalog.types import StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, Unused, WithoutItems
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money
from backend.readings.domain import packages
from backend.readings.errors import PackageNotOnSale
from backend.readings.repository import packages as repository


class ReadingCredits(WithoutItems):
    """Gives the recipient of a line the credits of its package; a line has no item that could be opened."""

    kind = StockKind.CREDITS.value
    instant = True

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Note what the lines will give: what a package is changed to later is for later buyers."""
        credits = await _credits_of(tx, lines)
        await repository.add_lots(tx, {line.id: (line.recipient, credits[line]) for line in lines}, None)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Forget what is reserved for the lines."""
        await repository.release(tx, [line.id for line in lines])

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Give the credits. Raises ReservationGone."""
        ids = [line.id for line in lines]
        if reserved:
            lots = await repository.lock_lots(tx, ids)
            if len(lots) < len(lines) or any(lot.given_at for lot in lots.values()):
                raise ReservationGone()
            credits = {line: lots[line.id].credits for line in lines}
            await repository.mark_given(tx, ids)
        else:
            credits = await _credits_of(tx, lines)
            await repository.add_lots(tx, {line.id: (line.recipient, credits[line]) for line in lines}, tx.now)
        for line, count in credits.items():
            await packages.give(tx, line.id, line.recipient, count)
        return {line.id: Delivery(DeliveryStatus.DELIVERED) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """PackageNotOnSale for a variant that gives no credits."""
        known = await repository.list_credits(tx, {line.variant_id for line in lines})
        return {line.id: PackageNotOnSale() for line in lines if line.variant_id not in known}

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """Take back the credits of ``quantity`` that are not used yet."""
        await packages.take_back(tx, line.id, quantity, line.quantity)

    async def count_unused(self, tx: Tx, line: FulfilmentLine, quantity: int) -> Unused | None:
        """How many of the credits a refund would take back."""
        return await packages.count_unused(tx, line.id, quantity, line.quantity)


async def _credits_of(tx: Tx, lines: Sequence[FulfilmentLine]) -> dict[FulfilmentLine, int]:
    """What each line gives. Raises PackageNotOnSale for a variant that is no package."""
    if any(line.quantity < 1 for line in lines):
        raise ValueError("a quantity is at least 1")
    each = await repository.list_credits(tx, {line.variant_id for line in lines})
    if any(line.variant_id not in each for line in lines):
        raise PackageNotOnSale()
    return {line: each[line.variant_id] * line.quantity for line in lines}
