"""The reminder of a cart that was left: once, outside the reader's quiet hours, of what is in it then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram, button
from tests.factories.shop import Goods

_HOURS = 4
_TEN = datetime(2026, 11, 28, 10, tzinfo=UTC)


def _wait(shop: Shop, **time: float) -> None:
    shop.clock.move(seconds=timedelta(**time).total_seconds())


async def _left(shop: Shop, at: datetime = _TEN) -> tuple[Goods, Goods]:
    """Two things in Emma's cart since a moment."""
    first, second = await shop.goods(), await shop.goods(price=500)
    shop.clock.move(seconds=(at - shop.clock.now()).total_seconds())
    buyer = await shop.buyer()
    await shop.services.orders.cart.add(buyer, first.variant_id, 2)
    await shop.services.orders.cart.add(buyer, second.variant_id, 1)
    await shop.work()
    return first, second


async def test_it_names_what_is_in_the_cart_and_opens_it(shop: Shop, telegram: Telegram) -> None:
    await _left(shop)
    _wait(shop, hours=_HOURS, seconds=-1)
    await shop.work()
    assert await telegram.person(EMMA).heard(wait=0) == []
    _wait(shop, seconds=1)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "Still in your cart"
    assert message["text"].count("3 months") == 2
    assert "× 2" in message["text"]
    assert button(message, "Open cart")["value"].endswith("/cart")


async def test_it_waits_until_the_cart_has_not_changed_for_hours(shop: Shop, telegram: Telegram) -> None:
    first, _ = await _left(shop)
    _wait(shop, hours=_HOURS - 1)
    await shop.services.orders.cart.set_quantity(await shop.buyer(), first.variant_id, 3)
    for hours, heard in ((1, 0), (_HOURS - 1, 1), (_HOURS, 1)):
        _wait(shop, hours=hours)
        await shop.work()
        assert len(await telegram.person(EMMA).heard(wait=0)) == heard


@pytest.mark.parametrize("how", ["bought", "emptied", "refilled"])
async def test_it_is_not_sent_for_a_cart_that_is_gone(shop: Shop, how: str) -> None:
    first, second = await _left(shop)
    buyer, orders = await shop.buyer(), shop.services.orders
    cart = await orders.cart.show(buyer)
    if how == "emptied":
        for goods in (first, second):
            await orders.cart.remove(buyer, goods.variant_id)
    else:
        await orders.checkout.reserve_all(buyer, cart.requested_lines, "bought-now-01", cart=cart.version)
    if how == "refilled":
        await orders.cart.add(buyer, first.variant_id, 1)
    _wait(shop, hours=_HOURS)
    if how == "refilled":  # that cart has a reminder of its own
        await shop.services.orders.cart.set_quantity(buyer, first.variant_id, 2)
    await shop.work()
    waiting = ["pending"] if how == "refilled" else []
    assert [row.status for row in await shop.notifications("cart_left")] == ["withheld", *waiting]
