"""The line for a plan whose places are taken: a place that becomes free is the first one's in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.errors import SoldOut, StillInStock
from backend.catalog.service import WaitingService
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound, Unavailable
from backend.kernel.ids import UserId
from backend.notifications.rules import QuietHours
from tests.backend.courses.grant_laws import BROKEN
from tests.backend.courses.school import School
from tests.factories.shop import buyers
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOLD = timedelta(minutes=30)


class FullSchool(School):
    """A school whose plan "feedback" has two places, both taken; ``seated`` has paid for the first."""

    waiting: WaitingService

    async def fill(self) -> FullSchool:
        """Sell the places."""
        await self.open()
        quiet = QuietHours(22, 8)
        self.waiting = WaitingService(
            uow=self.uow, fulfillers=self.fulfillers, hold=lambda: HOLD, quiet=quiet.end_after, timezone="UTC"
        )
        self.variant = self.tariffs["feedback"].variant_id
        await self.set_places(2)
        one, other = await buyers(self.uow, 2, 5000)
        self.seated = await self.buy("feedback", by=one)
        await self.buy("feedback", by=other)
        return self

    async def set_places(self, places: int | None) -> None:
        """Change how many there are of all."""
        fields = msgspec.structs.replace(self.tariffs["feedback"].fields, places=places)
        await self.services.tariffs.change(self.teacher, self.tariffs["feedback"].id, fields)

    async def line(self, count: int) -> list[Actor]:
        """So many people with 50.00 in line, in their order."""
        people = await buyers(self.uow, count, 5000)
        for person in people:
            await self.waiting.join(person, self.variant)
        return people

    async def held(self) -> list[UserId]:
        """For whom a place is held, in their order."""
        async with self.uow.read() as tx:
            sql = "SELECT user_id FROM stock_waits WHERE held_until IS NOT NULL ORDER BY place"
            return [UserId(row.user_id) for row in await tx.execute(text(sql))]

    async def left(self, person: Actor) -> int | None:
        """How many places the page shows to somebody."""
        return (await self.offers(person))["feedback"].left

    async def check(self) -> None:
        """Nothing was lost or sold twice."""
        async with self.uow.read() as tx:
            assert list((await tx.execute(text(BROKEN))).all()) == []


@pytest.fixture
def clock() -> FakeClock:
    """Noon, when everybody is awake."""
    return FakeClock(NOON)


@pytest.fixture
async def school(uow: UnitOfWork, ring: KeyRing) -> FullSchool:
    """The course, its plan sold out."""
    return await FullSchool(uow, ring).fill()


async def test_a_refunded_place_is_the_first_ones(school: FullSchool, clock: FakeClock) -> None:
    first, second = await school.line(2)
    (stranger,) = await buyers(school.uow, 1, 5000)
    await school.buy("basic", by=first)
    await school.refund(school.seated)
    for _ in range(2):  # at once, before any job runs; then held
        assert [await school.left(one) for one in (first, second, stranger)] == [1, 0, 0]
        for other in (second, stranger):
            with pytest.raises(SoldOut):
                await school.buy("feedback", by=other)
        await school.waiting.serve_all()
    assert await school.held() == [first.id]
    assert (await school.buy("feedback", by=first)).total == usd(2000)  # an upgrade of their other plan
    assert (await school.held(), (await school.waiting.place(second, school.variant)).number) == ([], 1)
    await school.set_places(3)
    await school.waiting.serve_all()
    assert await school.held() == [second.id]
    clock.move(minutes=30)
    await school.waiting.serve_all()
    assert (await school.held(), await school.left(stranger)) == ([], 1)
    await school.buy("feedback", by=stranger)
    await school.check()


async def test_more_places_keep_what_is_held(school: FullSchool) -> None:
    first, second = await school.line(2)
    await school.set_places(3)
    await school.waiting.serve_all()
    await school.set_places(3)
    assert (await school.held(), await school.left(first), await school.left(second)) == ([first.id], 1, 0)
    await school.set_places(6)
    await school.waiting.serve_all()
    (stranger,) = await buyers(school.uow, 1, 5000)
    assert (await school.held(), await school.left(stranger)) == ([first.id, second.id], 2)
    await school.set_places(None)
    assert await school.left(stranger) is None
    await school.set_places(6)
    assert await school.left(stranger) == 2
    with pytest.raises(StillInStock):
        await school.waiting.join(stranger, school.variant)
    await school.check()


async def test_a_cancelled_order_and_a_gift(school: FullSchool) -> None:
    await school.set_places(3)
    (slow,) = await buyers(school.uow, 1, 5000)
    reserved = await school.reserve("feedback", by=slow)
    first, second = await school.line(2)
    await school.orders.reservations.cancel(slow, reserved.number)
    await school.waiting.serve_all()
    assert await school.held() == [first.id]
    await school.services.students.gift(school.teacher, first.id, school.tariffs["feedback"].id, "a friend")
    assert (await school.held(), await school.left(second)) == ([], 0)
    await school.services.students.gift(school.teacher, slow.id, school.tariffs["feedback"].id, "one too many")
    await school.set_places(4)  # for the gift, not for the line
    await school.waiting.serve_all()
    assert (await school.held(), await school.left(second)) == ([], 0)
    await school.check()


async def test_a_plan_off_sale_holds_nothing_and_keeps_its_line(school: FullSchool) -> None:
    (first,) = await school.line(1)
    tariff = school.tariffs["feedback"].id
    await school.services.tariffs.retire(school.teacher, tariff)
    await school.refund(school.seated)
    await school.waiting.serve_all()
    assert await school.held() == []
    with pytest.raises(NotFound):
        await school.waiting.join((await buyers(school.uow, 1, 5000))[0], school.variant)
    await school.services.tariffs.restore(school.teacher, tariff)
    await school.waiting.serve_all()
    assert await school.held() == [first.id]


async def _try(school: FullSchool, person: Actor) -> bool:
    while True:
        try:
            await school.buy("feedback", by=person)
        except SoldOut:
            return False
        except Unavailable:  # the pool of connections is busy
            continue
        return True


async def test_strangers_never_come_before_the_line(services: Services) -> None:
    school = await FullSchool(services.uow, services.ring).fill()
    people, strangers = await school.line(6), await buyers(school.uow, 5, 5000)

    async def all_try(who: Sequence[Actor]) -> list[bool]:
        return list(await asyncio.gather(*(_try(school, one) for one in who)))

    *_, luck = await asyncio.gather(
        school.refund(school.seated), school.set_places(5), school.waiting.serve_all(), all_try(strangers)
    )
    await school.waiting.serve_all()
    assert (luck, await school.held()) == ([False] * 5, [one.id for one in people[:4]])
    assert await all_try([*people[:4], *strangers]) == [True] * 4 + [False] * 5
    assert (await school.tariff("feedback")).taken == 5
    await school.check()
