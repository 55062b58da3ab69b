"""What people in line are told: once, that something is reserved for them, and in the same message when it is not."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace
from sqlalchemy import text

from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, LAYLA, Telegram, button
from tests.factories.courses import add_places, add_teacher
from tests.factories.identity import contact
from tests.factories.shop import Goods, stock_up

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


async def _restocked(shop: Shop, telegram: Telegram) -> Goods:
    """Emma is first in line, Layla second, and one key comes."""
    goods = await shop.goods(keys=0)
    shop.clock.move(seconds=(NOON - shop.clock.now()).total_seconds())
    emma = await shop.buyer()
    await telegram.person(LAYLA).meet()
    layla = await shop.services.identity.access.authenticate(contact(LAYLA, first_name="Layla"))
    for person in (emma, layla):
        await shop.services.catalog.waiting.join(person, goods.variant_id)
    async with shop.services.uow() as tx:
        await stock_up(tx, shop.services.ring, goods.variant_id, ["BACK-1"])
    await shop.services.catalog.waiting.serve_all()
    return goods


async def test_the_first_is_told_until_when_and_then_that_it_is_over(shop: Shop, telegram: Telegram) -> None:
    goods = await _restocked(shop, telegram)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "Reserved for you"
    assert "12:30" in message["text"]
    assert button(message, "Open product")["value"].endswith(f"/shop/{goods.slug}?variant={goods.variant_id}")
    shop.clock.move(minutes=30)
    await shop.services.catalog.waiting.serve_all()
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "No longer reserved for you"
    (message,) = await telegram.person(LAYLA).heard()
    assert "13:00" in message["text"]


async def test_who_has_blocked_the_bot_loses_it_to_the_next_at_once(shop: Shop, telegram: Telegram) -> None:
    await _restocked(shop, telegram)
    await telegram.person(EMMA).block()
    await shop.work()
    (message,) = await telegram.person(LAYLA).heard()
    assert message["text"].splitlines()[0] == "Reserved for you"
    assert [row.status for row in await shop.notifications("stock_held")] == ["blocked", "sent"]
    async with shop.services.uow.read() as tx:
        rows = (await tx.execute(text("SELECT held_until IS NOT NULL FROM stock_waits ORDER BY place"))).scalars()
        assert list(rows) == [False, True]


async def test_a_purchase_is_not_called_an_end(shop: Shop, telegram: Telegram) -> None:
    goods = await _restocked(shop, telegram)
    await shop.work()
    emma = await shop.buyer()
    await shop.services.orders.checkout.reserve(emma, goods.variant_id, 1, "bought-in-time")
    await shop.work()
    assert (await telegram.person(EMMA).heard())[0]["text"].splitlines()[0] == "Reserved for you"
    shop.clock.move(minutes=31)
    await shop.services.catalog.waiting.serve_all()
    await shop.work()
    assert len(await shop.notifications("stock_held")) == 1


async def test_a_place_in_a_course_is_told_with_a_way_to_its_plan(shop: Shop, telegram: Telegram) -> None:
    services = shop.services
    plan, teacher = await add_places(services.uow, "calm", 1), await add_teacher(services.uow)
    shop.clock.move(seconds=(NOON - shop.clock.now()).total_seconds())
    emma = await shop.buyer()
    await telegram.person(LAYLA).meet()
    layla = await services.identity.access.authenticate(contact(LAYLA, first_name="Layla"))
    await services.courses.students.gift(teacher, layla.id, plan.id, "a friend")
    await services.catalog.waiting.join(emma, plan.variant_id)
    await services.courses.tariffs.change(teacher, plan.id, replace(plan.fields, places=2))
    await services.catalog.waiting.serve_all()
    await shop.work()
    message = (await telegram.person(EMMA).heard())[-1]
    assert message["text"].splitlines()[0] == "Reserved for you" and "Calm" in message["text"]
    assert button(message, "Open course")["value"].endswith(f"/shop/calm?variant={plan.variant_id}")
