"""A page's own script comes late: what only it does can't be done before, and works from then on."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from backend.identity.types import ALL_PERMISSIONS, Actor
from tests.browser.conftest import OpenApp
from tests.browser.screens.readings import sell_credits
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.factories.shop import add_goods

_MAIN = "#bottom [data-main]"


@pytest.mark.parametrize(
    ("script", "path", "control"),
    [
        ("room", "/readings/new/celtic-cross", _MAIN),  # the reader's part of the shuffle would be missing
        ("picture", "/admin/catalogue/products/{product}", "#picture-file"),
        ("admin", "/admin/stock/import?variant={variant}", "#keys-file"),
    ],
)
async def test_nothing_is_lost_before_the_script(
    open_app: OpenApp, telegram: Telegram, stack: Stack, script: str, path: str, control: str
) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    await stack.services.identity.admins.set_permissions(
        Actor.system(), (await stack.actor(person.id)).id, ALL_PERMISSIONS
    )
    await sell_credits(stack)
    async with stack.services.uow() as tx:
        goods = await add_goods(tx, stack.services.ring)
    page = await open_app(person)
    held: asyncio.Future[Route] = asyncio.get_running_loop().create_future()

    def hold(route: Route) -> None:
        held.set_result(route)

    await page.route(f"**/static/{script}.*.js", hold)
    address = path.format(product=goods.product_id, variant=goods.variant_id)
    await page.goto(await telegram.launch(person, address))
    route = await held
    await expect(page.locator(control)).to_be_disabled()
    if script == "room":
        await page.locator("#question").fill("Typed before")
    await route.continue_()
    await expect(page.locator(control)).to_be_enabled()
    if script == "room":  # a question is kept while credits are bought
        draft = await page.evaluate("JSON.parse(sessionStorage['readings.draft']).question")
        assert draft == "Typed before"
