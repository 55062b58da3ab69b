"""What people are told of products that they like: how things are when the message is sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram, button
from tests.factories.catalog import import_keys
from tests.factories.shop import Goods

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


async def _cheaper(shop: Shop, at: datetime = NOON) -> Goods:
    """Emma likes something, and it becomes cheaper at that time."""
    goods = await shop.goods(price=720)
    shop.clock.move(seconds=(at - shop.clock.now()).total_seconds())
    await shop.services.catalog.favourites.add(await shop.buyer(), goods.slug)
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE products SET price_amount = 500"))
    assert await shop.services.catalog.favourites.tell_changed() == 1
    return goods


async def test_a_lower_price_names_both(shop: Shop, telegram: Telegram) -> None:
    goods = await _cheaper(shop)
    await shop.work()
    assert await shop.services.catalog.favourites.tell_changed() == 0
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "Lower price"
    assert message["text"].splitlines()[-1] == "$5.00, before $7.20"
    assert button(message, "Open product")["value"].endswith(f"/shop/{goods.slug}")


async def test_a_return_says_so(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods(keys=0)
    shop.clock.move(seconds=(NOON - shop.clock.now()).total_seconds())
    await shop.services.catalog.favourites.add(await shop.buyer(), goods.slug)
    await import_keys(shop.services.catalog, f"{goods.slug}/3m", ["BACK-1"])
    assert await shop.services.catalog.favourites.tell_changed() == 1
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[:1] + message["text"].splitlines()[-1:] == ["Back in stock", "$7.20"]


@pytest.mark.parametrize("how", ["unliked", "sold out", "hidden", "dearer"])
async def test_it_waits_for_the_morning_and_is_not_sent_in_vain(shop: Shop, telegram: Telegram, how: str) -> None:
    for name, hour in (("QUIET_FROM", "22"), ("QUIET_UNTIL", "8")):
        await shop.services.shop_settings.change(Actor.system(), name, hour)
    await shop.services.live.refresh()
    goods = await _cheaper(shop, at=NOON.replace(hour=23))
    await shop.work()
    assert [row.status for row in await shop.notifications("favourite_changed")] == ["pending"]
    if how == "unliked":
        await shop.services.catalog.favourites.remove(await shop.buyer(), goods.slug)
    else:
        change = {
            "sold out": "DELETE FROM stock_keys", "hidden": "UPDATE products SET listed = false",
            "dearer": "UPDATE products SET price_amount = 720",
        }[how]  # fmt: skip
        async with shop.services.uow() as tx:
            await tx.execute(text(change))
    await shop.later(hours=9)
    assert [row.status for row in await shop.notifications("favourite_changed")] == ["withheld"]
