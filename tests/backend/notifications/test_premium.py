"""Premium in the chat: until when it lasts, and the reminders of its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.catalog.types import StockKind
from backend.identity.types import Actor
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram, button

START = datetime(2026, 12, 12, 9, 30, tzinfo=UTC)
END = datetime(2027, 1, 12, 9, 30, tzinfo=UTC)


def _go(shop: Shop, moment: datetime) -> None:
    shop.clock.move(seconds=(moment - shop.clock.now()).total_seconds())


async def _member(shop: Shop) -> Actor:
    """Emma, who has bought a month."""
    _go(shop, START)
    month = await shop.goods(keys=0, price=100, kind=StockKind.PREMIUM.value, premium_months=1)
    buyer = await shop.buyer()
    await shop.services.orders.checkout.place(buyer, month.variant_id, 1, "a-month-00001")
    await shop.work()
    return buyer


async def test_an_order_says_until_when_and_reminders_lead_to_the_product(shop: Shop, telegram: Telegram) -> None:
    await _member(shop)
    (order,) = await telegram.person(EMMA).heard()
    assert "Premium until 12 Jan 2027" in order["text"]
    said = []
    for moment in (END - timedelta(days=3), END, END + timedelta(days=3)):
        _go(shop, moment)
        await shop.services.growth.premium.remind()
        await shop.work()
        said.append([message["text"] for message in (await telegram.person(EMMA).heard())[1:]])
    assert [len(texts) for texts in said] == [1, 2, 2]
    ending, ended = said[-1]
    assert ending.splitlines()[0] == "Your premium ends on 12 Jan 2027"
    assert ended.splitlines()[0] == "Your premium ended on 12 Jan 2027"
    assert "until 15 Jan 2027" in ended
    assert "/shop/vpn-" in button((await telegram.person(EMMA).heard())[-1], "Renew premium")["value"]


@pytest.mark.parametrize("how", ["renewed", "taken"])
async def test_a_reminder_of_an_end_that_has_moved_is_withheld(shop: Shop, how: str) -> None:
    buyer = await _member(shop)
    _go(shop, END - timedelta(days=1))
    assert await shop.services.growth.premium.remind() == 1
    premium = shop.services.growth.premium
    change = premium.give if how == "renewed" else premium.take
    await change(Actor.system(), buyer.id, 1, "a change")
    await shop.work()
    assert [row.status for row in await shop.notifications("premium_ending")] == ["withheld"]
