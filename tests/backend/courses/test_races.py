"""The last place, and one person's two payments, at the same moment."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.errors import SoldOut
from backend.courses.errors import TariffOwned
from backend.identity.types import Actor
from backend.kernel.errors import Unavailable
from backend.orders.errors import PriceChanged
from backend.orders.types import OrderView
from tests.backend.courses.grant_laws import BROKEN
from tests.backend.courses.school import School
from tests.factories.shop import buyers


@pytest.fixture
async def school(services: Services) -> School:
    """The course, committed."""
    return await School(services.uow, services.ring).open()


async def _laws_hold(school: School) -> None:
    async with school.uow.read() as tx:
        assert list((await tx.execute(text(BROKEN))).all()) == []


async def test_20_people_and_5_places(school: School) -> None:
    basic = school.tariffs["basic"]
    await school.services.tariffs.change(school.teacher, basic.id, msgspec.structs.replace(basic.fields, places=5))
    people = await buyers(school.uow, 20, 5000)

    async def come(number: int, person: Actor) -> bool:
        while True:
            try:
                if number % 2:
                    await school.buy("basic", by=person)
                else:
                    await school.orders.settlement.pay(person, (await school.reserve("basic", by=person)).number)
            except SoldOut:
                return False
            except Unavailable:  # the pool of connections is busy
                continue
            return True

    assert sum(await asyncio.gather(*(come(*one) for one in enumerate(people)))) == 5
    assert (await school.tariff("basic")).taken == 5
    await _laws_hold(school)


async def test_a_number_of_places_is_set_while_people_buy(school: School) -> None:
    basic = school.tariffs["basic"]
    people = await buyers(school.uow, 6, 5000)

    async def limit() -> None:
        fields = msgspec.structs.replace(basic.fields, places=3)
        await school.services.tariffs.change(school.teacher, basic.id, fields)

    async def buy(person: Actor) -> None:
        try:
            await school.buy("basic", by=person)
        except SoldOut:
            return

    await asyncio.gather(*map(buy, people[:3]), limit(), *map(buy, people[3:]))
    assert (await school.tariff("basic")).taken >= 3
    await _laws_hold(school)


async def test_one_person_buys_every_plan_at_once_and_pays_the_highest_once(school: School) -> None:
    async def buy(code: str) -> OrderView | None:
        try:
            return await school.buy(code)
        except TariffOwned:
            return None

    await asyncio.gather(*(buy(code) for code in ("basic", "feedback", "premium") * 2))
    assert (await school.plan(), len(await school.enrolments())) == ("premium", 1)
    assert sum(grant.paid.amount for grant in await school.grants()) == 9000
    await _laws_hold(school)


async def test_two_unpaid_orders_are_paid_at_once_and_one_counts(school: School) -> None:
    waiting = [await school.reserve(code) for code in ("feedback", "premium")]

    async def pay(number: str) -> bool:
        try:
            await school.orders.settlement.pay(school.buyer, number)
        except (TariffOwned, PriceChanged):
            return False
        return True

    assert sum(await asyncio.gather(*(pay(ref.number) for ref in waiting))) == 1
    assert len(await school.grants()) == 1
    await _laws_hold(school)


async def test_a_refund_and_an_upgrade_at_once(school: School) -> None:
    order = await school.buy("basic")
    await asyncio.gather(school.buy("feedback"), school.refund(order))
    assert await school.plan() == "feedback"
    basic, feedback = await school.grants()
    assert (basic.paid.amount, feedback.paid.amount) in {(0, 2000), (0, 3000)}
    await _laws_hold(school)
