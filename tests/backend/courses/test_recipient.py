"""A place that one person pays for and another gets. Orders sell to their own buyers so far; the fulfiller needn't."""

from __future__ import annotations

import pytest

from backend.catalog.types.fulfilment import FulfilmentLine
from backend.courses.errors import TariffOwned
from backend.courses.fulfilment import CoursePlaces
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId
from tests.backend.courses.school import School
from tests.factories.shop import buyers
from tests.factories.wallet import usd

GOODS = CoursePlaces()


def _line(tx: Tx, school: School, code: str, friend: Actor) -> FulfilmentLine:
    tariff = school.tariffs[code]
    return FulfilmentLine(
        id=OrderLineId(tx.new_id()), kind=GOODS.kind, product_id=tariff.product_id, variant_id=tariff.variant_id,
        quantity=1, buyer=school.buyer.id, recipient=friend.id, paid=tariff.fields.price,
    )  # fmt: skip


async def test_the_recipient_gets_the_course_and_the_buyer_keeps_their_own(school: School) -> None:
    friend, other = await buyers(school.uow, 2, 20_000)
    await school.buy("basic")
    async with school.uow() as tx:
        line, reserved = _line(tx, school, "feedback", friend), _line(tx, school, "basic", other)
        # What the buyer has paid for themselves makes nothing cheaper for somebody else.
        assert await GOODS.quote(tx, school.buyer.id, friend.id, [line]) == {}
        await GOODS.deliver(tx, [line], reserved=False)
        await GOODS.reserve(tx, [reserved])
        await GOODS.deliver(tx, [reserved], reserved=True)
    assert [await school.plan(one) for one in (school.buyer, friend, other)] == ["basic", "feedback", "basic"]
    async with school.uow.read() as tx:
        for code in ("basic", "feedback"):
            again = _line(tx, school, code, friend)
            assert isinstance((await GOODS.quote(tx, school.buyer.id, friend.id, [again]))[again.id], TariffOwned)
        step = _line(tx, school, "premium", friend)
        assert await GOODS.quote(tx, school.buyer.id, friend.id, [step]) == {step.id: usd(3000)}
    with pytest.raises(TariffOwned):
        async with school.uow() as tx:
            await GOODS.deliver(tx, [_line(tx, school, "basic", friend)], reserved=False)
    assert (await school.buy("premium", by=friend)).total == usd(6000)
    async with school.uow() as tx:
        await GOODS.revoke(tx, line, 1)
    assert [await school.plan(one) for one in (school.buyer, friend, other)] == ["basic", "premium", "basic"]
    assert len(await school.enrolments()) == len(await school.enrolments(friend)) == 1
