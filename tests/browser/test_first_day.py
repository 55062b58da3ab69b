"""An owner's first day on a phone: a category, a product, its keys, a sale, its refund, a block, an admin, a ticket."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.identity.types import ALL_PERMISSIONS, Actor, Permission
from backend.kernel.ids import UserId
from tests.browser.axe import violations
from tests.browser.conftest import OpenApp
from tests.browser.screens.screen import Screen, choose, show
from tests.browser.stack import Stack
from tests.browser.telegram import Person, Telegram
from tests.browser.words import Words

_PICTURE = Path(__file__).parents[2] / "backend/demo/courses/calm-in-seven-days/media/path.png"
_KEYS = 5000
_VARIANTS = (("One month", "2.99"), ("Three months", "7.20"), ("A year", "24"))


async def owner(stack: Stack, telegram: Telegram, language: str) -> Person:
    """Somebody who may do everything."""
    person = await telegram.person(language)
    await telegram.visit(person)
    actor = await stack.actor(person.id)
    await stack.services.identity.admins.set_permissions(Actor.system(), actor.id, ALL_PERMISSIONS)
    return person


async def save(page: Page, then: str) -> None:
    """Press the page's one button, and wait for what comes then."""
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(then).first).to_be_visible()


async def clean(page: Page) -> None:
    """The page holds nothing that axe-core finds."""
    assert not await violations(page)


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_an_owners_first_day(
    stack: Stack, telegram: Telegram, open_app: OpenApp, language: str, theme: str
) -> None:
    page = await open_app(await owner(stack, telegram, language), "/admin/catalogue", theme=theme, is_mobile=True)
    page.on("dialog", lambda dialog: dialog.accept())
    slug = f"first-day-{language}"
    product = await _product(page, slug)
    await _picture(page)
    for name, price in _VARIANTS:
        await _variant(page, product, name, price)
    await _shown(page, product)
    await _keys(page, stack, slug)

    buyer = await telegram.person(language)
    await telegram.visit(buyer)
    await stack.fund(buyer.id, 2000)
    shop = await open_app(buyer, f"/shop/{slug}", theme=theme, is_mobile=True)
    number = await _buy(shop)
    assert await stack.balance(buyer.id) == 2000 - 299

    await _refund(page, number)
    assert await stack.balance(buyer.id) == 2000
    await _block(page, (await stack.actor(buyer.id)).id)
    await shop.locator("a[href='/shop']").last.click()
    await expect(shop.locator("#app")).to_contain_text(Words(language)("You're blocked"))

    await _make_admin(page, stack, telegram)
    await _answer(page, telegram, language)
    await _export(page, number)


async def go(page: Page, path: str) -> None:
    """Another page of the open app."""
    await show(page, Screen("", path))


async def _product(page: Page, slug: str) -> str:
    """A category and a product in it; the product's address."""
    await go(page, "/admin/catalogue/categories/new")
    await page.locator("#name_en").fill(f"Privacy {slug}")
    await page.locator(".langs label").nth(1).click()
    await page.locator("#name_ar").fill(f"الخصوصية {slug}")
    await page.locator("#slug").fill(f"{slug}-goods")
    await save(page, "button[hx-post$='/delete']")
    await go(page, "/admin/catalogue/new")
    await page.locator("#name_en").fill("Desk VPN")
    await page.locator("#description_en").fill("Works on **five** devices.")
    await expect(page.locator("#preview-en strong")).to_have_text("five")
    await page.locator("#category").select_option(f"{slug}-goods")
    await page.locator("#slug").fill(slug)
    await page.locator("label:has(input[name=kind][value=unique_keys])").click()
    await clean(page)
    await save(page, "#variants")
    # What is missing in the other languages is named.
    await expect(page.locator(".missing li")).not_to_have_count(0)
    return page.url.partition("?")[0].removeprefix(page.url.partition("/admin")[0])


async def _picture(page: Page) -> None:
    """A picture, cut by its middle."""
    await choose(page, "#picture-file", _PICTURE)
    await expect(page.locator("[data-photo-stage]")).to_be_visible()
    await page.locator("#picture-save").click()
    await expect(page.locator("#picture .tile__pic")).to_be_visible()


async def _variant(page: Page, product: str, name: str, price: str) -> None:
    """One more variant; it is on the list with its price."""
    await go(page, f"{product}/variants/new")
    await page.locator("#name_en").fill(name)
    await page.locator("#price").fill(price)
    await save(page, "#variants")
    await expect(page.locator("#variants .cell__title", has_text=name)).to_be_visible()


async def _shown(page: Page, product: str) -> None:
    """The product, with its variants, is shown in the shop."""
    await go(page, product)
    await expect(page.locator("#variants .cell__title")).to_have_count(len(_VARIANTS))
    await page.locator("label:has(input[name=shown])").click()
    await save(page, "a[href^='/shop/']")


async def _keys(page: Page, stack: Stack, slug: str) -> None:
    """Keys pasted: looked at before they are stored, then added."""
    variant = await stack.variant(slug)
    await go(page, f"/admin/stock/import?variant={variant.id}")
    await _paste(page, "\n".join(f"{slug.upper()}-{number:05}-KEY" for number in range(_KEYS)))
    await save(page, "#import-form")
    assert (await stack.variant(slug)).available == 0, "a dry run stores nothing"
    await page.locator("#cost").fill("1.10")
    await clean(page)
    await save(page, "a.btn[href='/admin/stock']")
    assert await _count(stack, slug) == _KEYS


async def _paste(page: Page, keys: str) -> None:
    """As a thumb does it; Playwright's fill types one line after the other, which takes minutes."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("(text) => navigator.clipboard.writeText(text)", keys)
    await page.locator("#keys").focus()
    await page.keyboard.press("Control+V")
    assert await page.locator("#keys").input_value() == keys


async def _count(stack: Stack, slug: str) -> int:
    query = text(
        "SELECT count(*) FROM stock_keys k JOIN variants v ON v.id = k.variant_id"
        " JOIN products p ON p.id = v.product_id WHERE p.slug = :slug AND k.state = 'available'"
    )
    async with stack.services.uow.read() as tx:
        return int((await tx.execute(query, {"slug": slug})).scalar_one())


async def _buy(shop: Page) -> str:
    """Buy the first variant from the balance; the order's number."""
    await shop.locator("#buy-main").click()
    await shop.locator("dialog#sheet .sheet .btn--primary").click()
    await shop.wait_for_url(re.compile(r"/orders/S-"))
    return shop.url.partition("/orders/")[2].partition("?")[0]


async def _refund(page: Page, number: str) -> None:
    """The order is found by half of its number, and refunded."""
    await go(page, "/admin")
    await page.locator("input[type=search]").fill(number[2:5])
    await page.locator(f"#results a[href='/admin/orders/{number}']").first.click()
    await page.locator("button[hx-get$='/refund']").click()
    sheet = page.locator("dialog#sheet .sheet")
    await clean(page)
    await sheet.locator("#amount").fill("2.99")
    await sheet.locator("#reason").fill("First day")
    await sheet.locator(".btn--danger").click()
    await sheet.locator(".btn--danger:not([form])").last.click()
    await expect(sheet).to_be_hidden()


async def _block(page: Page, user_id: UserId) -> None:
    """The order's customer is blocked from their page."""
    await page.locator(f"a[href='/admin/people/{user_id}']").click()
    await page.locator("button[hx-get$='/block']").click()
    await page.locator("#reason").fill("Fraud")
    await page.locator("dialog#sheet .btn--danger").click()
    await expect(page.locator("button[hx-post$='/unblock']")).to_be_visible()


async def _make_admin(page: Page, stack: Stack, telegram: Telegram) -> None:
    """Somebody is found by their @username and may see orders from then on."""
    person = await telegram.person()
    await telegram.visit(person)
    actor = await stack.actor(person.id)
    await go(page, "/admin/admins/new")
    await page.locator("input[type=search]").fill(str(person.id))
    await page.locator(f"#results button[hx-get$='{actor.id}']").click()
    await page.locator("dialog#sheet label:has(input[name=permission_orders])").click()
    await page.locator("dialog#sheet .btn--primary").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_hidden()
    assert (await stack.actor(person.id)).may(Permission.ORDERS)


async def _answer(page: Page, telegram: Telegram, language: str) -> None:
    """What somebody wrote to the bot is answered, and the answer is in their chat."""
    customer = await telegram.person(language)
    await telegram.visit(customer)
    await telegram.send(customer.id, f"Where is my key? {language}")
    await telegram.message(customer, lambda message: bool(message["text"]))
    await go(page, "/admin/tickets")
    await page.locator("a.cell", has_text=f"Where is my key? {language}").click()
    await page.locator("#text").fill("It is on its way.")
    await clean(page)
    await page.locator("#bottom [data-main]").click()
    await telegram.message(customer, lambda message: "It is on its way." in message["text"])


async def _export(page: Page, number: str) -> None:
    """The file of orders has the order."""
    await go(page, "/admin/orders")
    async with page.expect_download() as download:
        await page.locator("a[data-download]").click()
    path = await (await download.value).path()
    assert number in path.read_text()
