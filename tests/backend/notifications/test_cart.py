"""The reminder of a cart that was left: once, outside the reader's quiet hours, of what is in it then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backend.orders.domain.carts import REMIND_AFTER
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram, button
from tests.factories.shop import Goods


async def _left(shop: Shop) -> tuple[Goods, Goods]:
    """Two things in Emma's cart, left until the reminder is due."""
    first, second = await shop.goods(), await shop.goods(price=500)
    shop.clock.move(seconds=(datetime(2026, 11, 28, 10, tzinfo=UTC) - shop.clock.now()).total_seconds())
    buyer = await shop.buyer()
    await shop.services.orders.cart.add(buyer, first.variant_id, 2)
    await shop.services.orders.cart.add(buyer, second.variant_id, 1)
    shop.clock.move(seconds=REMIND_AFTER.total_seconds())
    assert await shop.services.orders.cart.remind() == 1
    return first, second


async def test_it_names_what_is_in_the_cart_and_opens_it(shop: Shop, telegram: Telegram) -> None:
    await _left(shop)
    await shop.work()
    assert await shop.services.orders.cart.remind() == 0
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "Still in your cart"
    assert message["text"].count("3 months") == 2
    assert "× 2" in message["text"]
    assert button(message, "Open cart")["value"].endswith("/cart")


@pytest.mark.parametrize("how", ["bought", "emptied", "refilled"])
async def test_it_is_not_sent_for_a_cart_that_is_gone(shop: Shop, how: str) -> None:
    first, second = await _left(shop)
    buyer, orders = await shop.buyer(), shop.services.orders
    cart = await orders.cart.show(buyer)
    if how == "emptied":
        for goods in (first, second):
            await orders.cart.remove(buyer, goods.variant_id)
    else:
        await orders.checkout.reserve_all(buyer, cart.wanted, "bought-now-01", cart=cart.version)
    if how == "refilled":
        await orders.cart.add(buyer, first.variant_id, 1)
    await shop.work()
    assert [row.status for row in await shop.notifications("cart_left")] == ["withheld"]
