"""Who searched in vain is told when the shop has it."""

from __future__ import annotations

from sqlalchemy import text

from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram, button


async def _wish(shop: Shop) -> str:
    """Emma asks for a VPN; then there is one. Its slug."""
    services = shop.services.catalog.searches
    await services.wish(await shop.buyer(), "VPN Key")
    goods = await shop.goods()
    await services.refresh_index()
    assert await services.tell_wishers() == 1
    return goods.slug


async def test_the_message_names_the_product_and_what_was_typed(shop: Shop, telegram: Telegram) -> None:
    slug = await _wish(shop)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    head, name, asked = message["text"].splitlines()
    assert (head, asked) == ("Now in the shop", "You searched for \u2068VPN Key\u2069.")
    assert "VPN" in name
    assert button(message, "Open product")["value"].endswith(f"/shop/{slug}")


async def test_it_is_not_sent_for_a_product_that_was_hidden_meanwhile(shop: Shop) -> None:
    slug = await _wish(shop)
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE products SET listed = false WHERE slug = :slug"), {"slug": slug})
    await shop.work()
    assert [row.status for row in await shop.notifications("wish_found")] == ["withheld"]
