"""Places in courses: how a tariff is sold, counted towards a higher one, and taken back. See decisions/0073."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain import places
from backend.catalog.errors import ReservationGone
from backend.catalog.types import StockKind
from backend.catalog.types.fulfilment import Delivery, DeliveryStatus, FulfilmentLine, WithoutItems
from backend.courses.domain import granting
from backend.courses.errors import CourseNotOnSale, OnePlaceOnly
from backend.courses.repository import grants as repository
from backend.courses.rules import buying
from backend.courses.types import CourseId, EndReason, GrantSource
from backend.courses.types.sale import Grant, Place, SoldTariff
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class CoursePlaces(WithoutItems):
    """Gives the recipient of a line a grant of its tariff; a line is one place, and no item that could be opened."""

    kind = StockKind.COURSE.value
    instant = True

    async def reserve(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Keep a place for each line. Raises SoldOut, OnePlaceOnly."""
        tariffs = await self._tariffs(tx, lines)
        for line in lines:
            await places.take(tx, line.product_id, line.variant_id, line.id, line.buyer)
            await repository.add_reservation(tx, line.id, tariffs[line].id, line.recipient)

    async def release(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> None:
        """Free the places of lines that were not paid."""
        reserved = await repository.take_reservations(tx, [line.id for line in lines])
        for line in lines:
            if line.id in reserved:
                await places.put_back(tx, line.product_id, line.variant_id)

    async def deliver(
        self, tx: Tx, lines: Sequence[FulfilmentLine], *, reserved: bool
    ) -> Mapping[OrderLineId, Delivery]:
        """Give the recipients access. Raises ReservationGone, SoldOut, and as ``quote`` refuses."""
        tariffs = await self._tariffs(tx, lines)
        if reserved and len(await repository.take_reservations(tx, [line.id for line in lines])) < len(lines):
            raise ReservationGone()
        for line in lines:
            if line.paid is None:
                raise ValueError("a line that is delivered has a price")
            if not reserved:
                await places.take(tx, line.product_id, line.variant_id, line.id, line.buyer)
            tariff = tariffs[line]
            await granting.lock(tx, tariff.course_id, line.recipient)
            place = await self._place(tx, tariff, line.recipient)
            if isinstance(place, AppError):
                raise place
            source = GrantSource.UPGRADE if place.upgrade else GrantSource.ORDER_LINE
            await granting.grant(tx, tariff, line.recipient, place.run_id, source, line.paid, line_id=line.id)
            await places.note_sale(tx, line.variant_id, line.id)
        return {line.id: Delivery(DeliveryStatus.DELIVERED) for line in lines}

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Sequence[FulfilmentLine]
    ) -> Mapping[OrderLineId, Money | AppError]:
        """What was paid for the course before and counts; TariffOwned, OnePlaceOnly, CourseNotOnSale.

        In a transaction nobody else changes what the recipient has of these courses until it ends: the price that is
        charged is of what they have then.
        """
        tariffs = await repository.list_tariffs(tx, {line.variant_id for line in lines})
        reserved = await repository.list_reserved(tx, [line.id for line in lines])
        answers: dict[OrderLineId, Money | AppError] = {}
        chosen: set[CourseId] = set()
        for course_id in sorted({tariff.course_id for tariff in tariffs.values()}):
            await granting.lock(tx, course_id, recipient)
        for line in lines:
            tariff = tariffs.get(line.variant_id)
            if tariff is None or not (tariff.on_sale or line.id in reserved):
                answers[line.id] = CourseNotOnSale()
            elif line.quantity > 1 or tariff.course_id in chosen:
                answers[line.id] = OnePlaceOnly()
            else:
                chosen.add(tariff.course_id)
                place = await self._place(tx, tariff, recipient)
                if isinstance(place, AppError):
                    answers[line.id] = place
                elif place.paid_before:
                    answers[line.id] = place.paid_before
        return answers

    async def revoke(self, tx: Tx, line: FulfilmentLine, quantity: int) -> None:
        """End the grant of a line that is refunded, and no other one."""
        grant = await repository.find_grant(tx, line_id=line.id)
        if grant is None:
            return
        await granting.lock(tx, grant.course_id, grant.user_id)
        await self._note_paid(tx, line, grant)
        await granting.end(tx, grant, EndReason.REFUNDED)

    async def repay(self, tx: Tx, line: FulfilmentLine) -> None:
        """Note that less is paid for a grant, which counts towards a higher tariff; access stays."""
        grant = await repository.find_grant(tx, line_id=line.id)
        if grant is not None:
            await granting.lock(tx, grant.course_id, grant.user_id)
            await self._note_paid(tx, line, grant)

    @staticmethod
    async def _tariffs(tx: Tx, lines: Sequence[FulfilmentLine]) -> dict[FulfilmentLine, SoldTariff]:
        """The tariff of each line. Raises OnePlaceOnly for more than one place, NotFound for a variant that is none."""
        if any(line.quantity != 1 for line in lines):
            raise OnePlaceOnly()
        tariffs = await repository.list_tariffs(tx, {line.variant_id for line in lines})
        missing = [line.variant_id for line in lines if line.variant_id not in tariffs]
        if missing:
            raise NotFound(f"variants without a tariff: {missing}")
        return {line: tariffs[line.variant_id] for line in lines}

    @staticmethod
    async def _place(tx: Tx, tariff: SoldTariff, recipient: UserId) -> Place | AppError:
        standings = await repository.list_standings(tx, recipient, [tariff.course_id])
        newest = await repository.list_newest_runs(tx, [tariff.course_id])
        return buying.place_for(tariff, standings, newest.get(tariff.course_id))

    @staticmethod
    async def _note_paid(tx: Tx, line: FulfilmentLine, grant: Grant) -> None:
        if line.paid is not None:
            await repository.set_paid(tx, grant.id, line.paid)
