"""The shop's pages, as a browser in Telegram gets them."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from litestar import Litestar
from sqlalchemy import event

from backend.bootstrap import Services, build
from backend.infra.settings import Settings
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from tests.webapp.conftest import MakeVisitor, MakeWeb
from tests.webapp.sale import arrive, goods

PAGE_LIMIT = 6 * 1024


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_the_shop_speaks_the_reader_language(services: Services, visitor: MakeVisitor, language: str) -> None:
    thing = await goods(services)
    reader = visitor(language_code=language)
    words = {"en": "New in stock", "ar": "مفتاح شبكة خاصة", "ru": "Ключ VPN"}
    for path in ("/shop", "/shop?sort=new", f"/shop/{thing.slug}"):
        response = await reader.get(path)
        assert response.status_code == 200, response.text
        assert f'lang="{language}"' in response.text
        assert len(gzip.compress(response.content)) < PAGE_LIMIT
    assert words[language] in (await reader.get("/shop")).text


async def test_an_empty_shop_says_so(visitor: MakeVisitor) -> None:
    response = await visitor().get("/shop")
    assert response.status_code == 200
    assert "Nothing here yet" in response.text


async def test_a_list_narrows_by_category_and_stock(services: Services, visitor: MakeVisitor) -> None:
    here, gone = await goods(services), await goods(services, keys=0)
    reader = visitor()
    listed = await reader.get("/shop?in_stock=1")
    assert here.slug in listed.text
    assert gone.slug not in listed.text
    everything = await reader.get("/shop?sort=price")
    assert gone.slug in everything.text
    assert (await reader.get("/shop?category=no-such-shelf")).status_code == 404
    assert (await reader.get("/shop?country=xyz")).status_code == 400
    assert (await reader.get("/shop?country=ZZ")).status_code == 200
    assert (await reader.get("/shop?cursor=nonsense")).status_code == 400


async def test_a_list_goes_on_in_rows(services: Services, visitor: MakeVisitor) -> None:
    for _ in range(32):
        await goods(services, keys=0)
    reader = visitor()
    first = await reader.get("/shop?sort=new", headers={"HX-Target": "app"})
    start = first.text.index("/shop?sort=new&amp;cursor=")
    more = first.text[start : first.text.index('"', start)].replace("&amp;", "&")
    rows = await reader.get(more)
    assert rows.status_code == 200
    assert "<main" not in rows.text
    assert rows.text.count('class="cell cell--top"') == 2
    page = await reader.get(more, headers={"HX-Target": "app"})
    assert "<main" in page.text


async def test_an_unknown_product_is_a_page_of_the_app(visitor: MakeVisitor) -> None:
    for path in (
        "/shop/no-such-thing",
        "/carts",
        "/shop/no-such-thing/buy?variant=0199c0de-0000-7000-8000-000000000000",
    ):
        response = await visitor().get(path)
        assert response.status_code == 404
        assert "<main" in response.text
        assert 'href="/shop"' in response.text


async def test_a_sold_out_product_shows_what_is_like_it(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=0)
    response = await visitor().get(f"/shop/{thing.slug}")
    assert response.status_code == 200
    assert "Sold out. Tap" in response.text
    assert f'hx-get="/shop/{thing.slug}/confirm"' not in response.text


async def test_the_panel_follows_the_quantity(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=9, price=250, max_quantity=4)
    reader = visitor()
    response = await reader.get(f"/shop/{thing.slug}/buy?variant={thing.variant_id}&quantity=3")
    assert response.status_code == 200
    assert "$7.50" in response.text
    assert 'hx-swap-oob="true"' in response.text
    beyond = await reader.get(f"/shop/{thing.slug}/buy?variant={thing.variant_id}&quantity=99")
    assert "$10.00" in beyond.text
    assert (await reader.get(f"/shop/{thing.slug}/buy?variant=x")).status_code == 400


async def test_prices_follow_the_reader_standing(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, price=900, reseller_price=700)
    plain, trader = visitor(51), visitor(52)
    await arrive(services, plain)
    actor = await arrive(services, trader)
    root = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert root is not None
    await services.identity.people.set_reseller(root, actor.id, on=True)
    trader.token = None
    assert "$9.00" in (await plain.get(f"/shop/{thing.slug}")).text
    assert "$7.00" in (await trader.get(f"/shop/{thing.slug}")).text
    assert "$7.00" not in (await plain.get(f"/shop/{thing.slug}")).text


async def test_a_premium_product_says_for_whom_it_is(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, premium_only=True)
    response = await visitor().get(f"/shop/{thing.slug}")
    assert "premium members" in response.text
    assert "/confirm" not in response.text


async def test_a_page_that_stands_costs_no_statement(
    services: Services, make_web: MakeWeb, settings: Settings, clock: FakeClock, app: Litestar
) -> None:
    del app
    thing = await goods(services)
    # As in production, where this process hears what changes: only then may it remember people.
    heard = build(settings, clock=clock)
    async with heard.running(listen=True), browser(make_web(heard)) as window:
        while not heard.signals.connected:
            await asyncio.sleep(0.01)
        reader = Visitor(window, settings.bot_token, clock.now().timestamp(), 42)
        await arrive(heard, reader)
        first = await reader.get(f"/shop/{thing.slug}")
        statements: list[str] = []
        event.listen(heard.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        again = await reader.get(f"/shop/{thing.slug}")
    assert again.content == first.content
    assert statements == []
