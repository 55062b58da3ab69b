"""A course is sold as everything else is: places, upgrades, refunds, gifts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from backend.catalog.errors import SoldOut
from backend.catalog.types.search import SearchFilters
from backend.courses.errors import OnePlaceOnly, TariffInUse, TariffOwned
from backend.courses.types import EndReason, GrantSource
from backend.courses.types.teaching import Tariff
from backend.identity.errors import NotYourself
from backend.infra.crypto import KeyRing
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.orders.errors import PriceChanged, QuantityNotAllowed
from backend.orders.types import OrderStatus, RequestedLine
from backend.orders.types.prices import PartKind
from tests.backend.courses.school import School
from tests.factories.catalog import catalog_services
from tests.factories.courses import add_course, add_teacher
from tests.factories.shop import buyers
from tests.factories.wallet import usd


async def test_a_purchase_gives_access_and_is_an_order_as_any(school: School) -> None:
    assert [one.due for one in (await school.offers()).values()] == [usd(1000), usd(3000), usd(9000)]
    order = await school.buy("basic")
    assert (order.status, order.total, order.keys) == (OrderStatus.DELIVERED, usd(1000), [])
    assert order == await school.orders.history.detail(school.buyer, order.number)
    (mine,) = await school.services.learning.mine(school.buyer)
    assert (mine.slug, mine.run.number, mine.tariff_id) == ("calm", 1, school.tariffs["basic"].id)
    assert await school.events() == ["joined"]
    page = await school.services.learning.view(school.buyer, "calm")
    assert page.mine == mine
    course = await school.services.courses.get(school.teacher, school.course_id)
    assert (course.students, course.lessons) == (1, 0)


async def test_an_upgrade_counts_what_was_paid_and_keeps_the_enrolment(school: School) -> None:
    await school.buy("basic")
    (enrolment,) = await school.enrolments()
    offers = await school.offers()
    assert (offers["basic"].refusal, offers["feedback"].refusal) == ("tariff_owned", None)
    assert (offers["feedback"].due, offers["premium"].due) == (usd(2000), usd(8000))
    step = await school.buy("feedback")
    assert (step.total, step.lines[0].price.part(PartKind.ALREADY_PAID)) == (usd(2000), -1000)
    last = await school.buy("premium")
    assert (last.total, last.lines[0].price.part(PartKind.ALREADY_PAID)) == (usd(6000), -3000)
    assert await school.enrolments() == [enrolment]
    assert [grant.source for grant in await school.grants()] == [
        GrantSource.ORDER_LINE, GrantSource.UPGRADE, GrantSource.UPGRADE
    ]  # fmt: skip
    assert sum(grant.paid.amount for grant in await school.grants()) == 9000
    assert await school.events() == ["joined", "upgraded", "upgraded"]
    with pytest.raises(TariffOwned):
        await school.buy("premium")
    with pytest.raises(TariffOwned):
        await school.buy("basic")


async def test_a_refund_ends_its_own_grant_only(school: School) -> None:
    await school.buy("basic")
    step = await school.buy("feedback")
    last = await school.buy("premium")
    await school.refund(step)
    assert await school.plan() == "premium"
    await school.refund(last)
    assert await school.plan() == "basic"
    assert (await school.offers())["premium"].due == usd(8000)
    ended = [(grant.end_reason, grant.paid) for grant in await school.grants()]
    assert ended == [(None, usd(1000)), (EndReason.REFUNDED, usd(0)), (EndReason.REFUNDED, usd(0))]
    assert await school.events() == ["joined", "upgraded", "upgraded", "downgraded"]


async def test_losing_access_and_buying_again_keeps_the_enrolment(school: School) -> None:
    await school.refund(await school.buy("basic"))
    (enrolment,) = await school.enrolments()
    (mine,) = await school.services.learning.mine(school.buyer)
    assert (mine.tariff_id, await school.plan()) == (None, "")
    assert (await school.offers())["feedback"].due == usd(3000)
    await school.buy("feedback")
    assert (await school.enrolments(), await school.plan()) == ([enrolment], "feedback")
    assert await school.events() == ["joined", "access_ended", "joined"]


async def test_a_part_refund_lowers_what_counts_and_takes_nothing(school: School) -> None:
    order = await school.buy("feedback")
    await school.refund(order, usd(500))
    assert await school.plan() == "feedback"
    assert (await school.offers())["premium"].due == usd(6500)
    assert (await school.buy("premium")).total == usd(6500)
    await school.refund(order, usd(2500))
    assert ([grant.paid for grant in await school.grants()], await school.plan()) == ([usd(0), usd(6500)], "premium")


async def test_a_lower_price_of_the_higher_plan_costs_nothing_more(school: School) -> None:
    await school.buy("feedback")
    premium = school.tariffs["premium"]
    cheap = msgspec.structs.replace(premium.fields, price=usd(2500))
    await school.services.tariffs.change(school.teacher, premium.id, cheap)
    order = await school.buy("premium")
    assert (order.total, await school.plan()) == (usd(0), "premium")


async def test_one_place_a_person(school: School) -> None:
    basic, feedback = (school.tariffs[code].variant_id for code in ("basic", "feedback"))
    with pytest.raises(QuantityNotAllowed):
        await school.orders.checkout.place(school.buyer, basic, 2, school.tap())
    with pytest.raises(OnePlaceOnly):
        await school.orders.checkout.place_all(
            school.buyer, [RequestedLine(basic, 1), RequestedLine(feedback, 1)], school.tap()
        )
    assert await school.grants() == []


async def test_places_are_kept_and_come_back(school: School) -> None:
    basic = school.tariffs["basic"]
    await school.services.tariffs.change(school.teacher, basic.id, msgspec.structs.replace(basic.fields, places=2))
    first, second, third = await buyers(school.uow, 3, 20_000)
    reserved, order = await school.reserve("basic", by=first), await school.buy("basic", by=second)
    quote = await school.orders.checkout.quote(third, basic.variant_id, 1)
    assert quote.sold_out
    with pytest.raises(SoldOut):
        await school.buy("basic", by=third)
    assert (await school.tariff("basic")).taken == 2
    await school.orders.reservations.cancel(first, reserved.number)
    await school.buy("basic", by=third)
    await school.refund(order)
    await school.buy("basic", by=first)
    await school.services.students.gift(school.teacher, second.id, basic.id, "a mistake of ours")
    assert (await school.tariff("basic")).taken == 3
    with pytest.raises(SoldOut):
        await school.buy("basic")
    await school.services.tariffs.change(school.teacher, basic.id, msgspec.structs.replace(basic.fields, places=4))
    await school.buy("basic")
    with pytest.raises(SoldOut):
        await school.buy("basic", by=(await buyers(school.uow, 1, 2000))[0])
    await school.services.tariffs.change(school.teacher, basic.id, basic.fields)
    await school.buy("basic", by=(await buyers(school.uow, 1, 2000))[0])


async def test_an_order_that_counts_too_little_is_not_paid(school: School) -> None:
    """The buyer has bought a step in between, and would pay it twice."""
    await school.buy("basic")
    waiting = await school.reserve("premium")
    await school.buy("feedback")
    with pytest.raises(PriceChanged):
        await school.orders.settlement.pay(school.buyer, waiting.number)
    assert await school.plan() == "feedback"


async def test_an_order_that_counts_too_much_is_not_paid(school: School) -> None:
    order = await school.buy("basic")
    waiting = await school.reserve("premium")
    await school.refund(order)
    with pytest.raises(PriceChanged):
        await school.orders.settlement.pay(school.buyer, waiting.number)
    assert await school.plan() == ""


async def test_two_orders_of_one_place_are_paid_once(school: School) -> None:
    first, second = await school.reserve("basic"), await school.reserve("basic")
    await school.orders.settlement.pay(school.buyer, first.number)
    with pytest.raises(TariffOwned):
        await school.orders.settlement.pay(school.buyer, second.number)
    await school.orders.reservations.cancel(school.buyer, second.number)
    assert ((await school.tariff("basic")).taken, len(await school.grants())) == (1, 1)


async def test_a_retired_tariff_stays_with_those_who_have_it(school: School) -> None:
    basic = school.tariffs["basic"]
    await school.buy("basic")
    (other,) = await buyers(school.uow, 1, 20_000)
    waiting = await school.reserve("basic", by=other)
    await school.services.tariffs.retire(school.teacher, basic.id)
    with pytest.raises(NotFound):
        await school.buy("basic", by=(await buyers(school.uow, 1, 2000))[0])
    assert (await school.plan(), set(await school.offers())) == ("basic", {"feedback", "premium"})
    await school.orders.settlement.pay(other, waiting.number)
    assert await school.plan(other) == "basic"
    assert (await school.buy("feedback")).total == usd(2000)
    with pytest.raises(TariffInUse):
        await school.services.tariffs.delete(school.teacher, basic.id)
    await school.services.tariffs.restore(school.teacher, basic.id)
    assert set(await school.offers()) == {"basic", "feedback", "premium"}
    await school.services.tariffs.delete(school.teacher, school.tariffs["premium"].id)
    assert set(await school.offers()) == {"basic", "feedback"}


async def test_a_draft_is_sold_to_nobody_and_stays_with_its_students(school: School) -> None:
    await school.buy("basic")
    await school.services.courses.unpublish(school.teacher, school.course_id)
    (stranger,) = await buyers(school.uow, 1, 20_000)
    with pytest.raises(NotFound):
        await school.buy("basic", by=stranger)
    with pytest.raises(NotFound):
        await school.services.learning.view(stranger, "calm")
    assert (await school.services.learning.view(school.buyer, "calm")).tariffs == ()
    assert (await school.services.learning.view(school.teacher, "calm")).mine is None


async def test_a_cohort_is_a_place_of_its_own(school: School) -> None:
    day = (await school.services.courses.get(school.teacher, school.course_id)).created_at.date()
    run_id = await school.services.runs.open(school.teacher, school.course_id, day, "Europe/Berlin")
    fields = msgspec.structs.replace(school.tariffs["feedback"].fields, run_id=run_id)
    await school.services.tariffs.add(school.teacher, school.course_id, "autumn", fields)
    school.tariffs["autumn"] = await school.tariff("autumn")
    await school.buy("basic")
    assert (await school.buy("autumn")).total == usd(3000)
    assert [one.run.number for one in await school.services.learning.mine(school.buyer)] == [2]
    assert len(await school.enrolments()) == 2
    with pytest.raises(TariffOwned):
        await school.buy("feedback")
    await school.services.runs.close(school.teacher, run_id)
    with pytest.raises(NotFound):
        await school.buy("autumn", by=(await buyers(school.uow, 1, 9000))[0])
    with pytest.raises(Invalid):
        await school.services.runs.open(school.teacher, school.course_id, day, "GMT+3/../etc")


async def test_only_plans_on_sale_are_stock(school: School, ring: KeyRing) -> None:
    """Lists, their filter "in stock" and the search agree with what can be bought."""
    shop, services = catalog_services(school.uow, ring), school.services
    day = (await services.courses.get(school.teacher, school.course_id)).created_at.date()
    run_id = await services.runs.open(school.teacher, school.course_id, day)

    async def is_in_stock() -> bool:
        async with school.uow.read() as tx:
            marked = (await tx.execute(text("SELECT in_stock FROM products"))).scalar_one()
        listed = (await shop.storefront.browse(school.buyer, in_stock=True)).items
        matching = (await shop.search.search(school.buyer, "calm", SearchFilters(in_stock=True))).items
        assert marked == bool(listed) == bool(matching)
        return bool(marked)

    await services.tariffs.retire(school.teacher, school.tariffs["premium"].id)
    basic, feedback = (school.tariffs[code] for code in ("basic", "feedback"))
    changes: list[tuple[Tariff, dict[str, Any]]] = [(basic, {"places": 1}), (feedback, {"places": 5, "run_id": run_id})]
    for tariff, change in changes:
        await services.tariffs.change(school.teacher, tariff.id, msgspec.structs.replace(tariff.fields, **change))
    await school.buy("basic")
    assert await is_in_stock()
    await services.runs.close(school.teacher, run_id)
    assert not await is_in_stock()
    await services.runs.reopen(school.teacher, run_id)
    assert await is_in_stock()
    await services.tariffs.retire(school.teacher, feedback.id)
    assert not await is_in_stock()
    await services.tariffs.restore(school.teacher, feedback.id)
    assert await is_in_stock()


async def test_sales_make_a_course_popular_and_gifts_do_not(school: School, ring: KeyRing) -> None:
    shop = catalog_services(school.uow, ring).storefront
    await add_course(school.uow, school.teacher, "newer")

    async def popular() -> list[str]:
        await shop.refresh_popularity()
        return [card.slug for card in (await shop.browse(school.buyer)).items]

    assert await popular() == ["newer", "calm"]
    people = await buyers(school.uow, 2, 9000)
    await school.services.students.gift(school.teacher, people[1].id, school.tariffs["basic"].id, "a friend")
    assert await shop.refresh_popularity() == 0
    order = await school.buy("basic")
    await school.orders.settlement.pay(people[0], (await school.reserve("basic", by=people[0])).number)
    await school.refund(order)
    assert await popular() == ["calm", "newer"]
    async with school.uow.read() as tx:
        sales = (await tx.execute(text("SELECT recent_sales FROM products WHERE slug = 'calm'"))).scalar_one()
    assert sales == 2


async def test_a_course_that_is_run_again_is_bought_again(school: School) -> None:
    await school.buy("basic")
    with pytest.raises(TariffOwned):
        await school.buy("basic")
    await school.services.runs.open(school.teacher, school.course_id)
    assert (await school.buy("feedback")).total == usd(2000)
    assert len(await school.enrolments()) == 1
    assert (await school.buy("feedback")).total == usd(3000)
    assert [one.run.number for one in await school.services.learning.mine(school.buyer)] == [2]
    assert len(await school.enrolments()) == 2


async def test_gifts_and_revocations_by_admins(school: School) -> None:
    students, basic = school.services.students, school.tariffs["basic"]
    enrolment = await students.gift(school.teacher, school.buyer.id, basic.id, "for the translation")
    assert (await school.plan(), await school.enrolments()) == ("basic", [enrolment])
    assert (await school.offers())["feedback"].due == usd(3000)
    with pytest.raises(TariffOwned):
        await students.gift(school.teacher, school.buyer.id, basic.id, "again")
    await school.buy("feedback")
    gift, bought = await school.grants()
    await students.revoke(school.teacher, bought.id, "shared the videos")
    await students.revoke(school.teacher, bought.id, "shared the videos")
    assert await school.plan() == "basic"
    await students.revoke(school.teacher, gift.id, "shared the videos")
    assert (await school.plan(), await school.events()) == (
        "", ["joined", "upgraded", "downgraded", "access_ended"]
    )  # fmt: skip
    assert (await school.offers())["feedback"].due == usd(3000)
    await school.buy("feedback")
    assert (await school.plan(), await school.enrolments()) == ("feedback", [enrolment])
    (row,) = (await students.list_of(school.teacher, school.course_id)).items
    assert (row.name, row.progress.percent) == ("Nadia", 0)
    for wrong in ("", " "):
        with pytest.raises(Invalid):
            await students.gift(school.teacher, school.buyer.id, basic.id, wrong)
    with pytest.raises(Forbidden):
        await students.revoke(school.buyer, gift.id, "mine")


async def test_a_teacher_who_is_not_the_only_one_gives_themselves_nothing(school: School) -> None:
    await add_teacher(school.uow)
    with pytest.raises(NotYourself):
        await school.services.students.gift(school.teacher, school.teacher.id, school.tariffs["basic"].id, "I like it")


@pytest.mark.parametrize("slug", ["", "Calm", "calm_down", "a" * 41, "calm/..", "спокойно"])
async def test_an_address_that_is_none(school: School, slug: str) -> None:
    course = await school.services.courses.get(school.teacher, school.course_id)
    with pytest.raises(Invalid):
        await school.services.courses.create(school.teacher, slug, course.product, course.schedule, {})


@pytest.mark.parametrize("zone", ["", "GMT+3", "../etc/passwd", "Etc/Unknown"])
async def test_an_unknown_zone_of_a_course(school: School, zone: str) -> None:
    course = await school.services.courses.get(school.teacher, school.course_id)
    with pytest.raises(Invalid) as refused:
        await school.services.courses.edit(
            school.teacher, school.course_id, course.product, msgspec.structs.replace(course.schedule, timezone=zone)
        )
    assert refused.value.fields == {"timezone": "invalid"}


async def test_an_edited_course_is_another_product_in_the_shop(school: School) -> None:
    course = await school.services.courses.get(school.teacher, school.course_id)
    product = msgspec.structs.replace(course.product, name={"en": "Calmer", "ru": "Спокойнее"})
    await school.services.courses.edit(school.teacher, school.course_id, product, course.schedule)
    assert (await school.services.courses.find(school.teacher, "calm")).product == product
    assert [one.product.name["en"] for one in await school.services.courses.list_all(school.teacher)] == ["Calmer"]
    with pytest.raises(Forbidden):
        await school.services.courses.list_all(school.buyer)
