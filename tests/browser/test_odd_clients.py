"""Clients that keep nothing, and texts that do not break: the shop opens, works, and stays as wide as the screen."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from backend.catalog.models import Product, Variant
from tests.browser.conftest import PHONE, OpenApp, Windows
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.factories.shop import add_goods

MAIN = "#bottom [data-main]"
_STORAGES = {
    "null": "return null",
    "shut": "throw new DOMException('denied', 'SecurityError')",
    "read-only": "return Object.freeze({})",
    "full": "return new Proxy({}, { set() { throw new DOMException('full', 'QuotaExceededError'); } })",
}


@pytest.mark.parametrize("storage", _STORAGES)
async def test_a_client_that_keeps_nothing(windows: Windows, telegram: Telegram, storage: str) -> None:
    """Neither what is kept for the session nor what is kept for good; Telegram's script may fail over it as well."""
    context = await windows.open(**PHONE)
    page = await context.new_page()
    await page.add_init_script(
        "for (const name of ['sessionStorage', 'localStorage'])"
        f"Object.defineProperty(window, name, {{ get() {{ {_STORAGES[storage]} }} }})"
    )
    await page.goto(await telegram.launch(await telegram.person(), "/shop"))
    await page.locator("a.card").first.click()
    # Telegram's own button stands in for the page's.
    await expect(page.locator(MAIN)).to_be_attached()
    await page.go_back()
    await page.locator('.tab[href="/me"]').click()
    await expect(page.get_by_role("link", name="Language and time")).to_be_visible()
    # What Telegram's own script does there is not ours to mend.
    windows.errors.clear()


_WIDE = """() => [document.body, ...document.querySelectorAll("#app *, #bottom *, #sheet[open] *")]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.getBoundingClientRect().left < -1)
  .filter((node) => {
    for (let box = node.parentElement; box; box = box.parentElement) {
      if (/auto|scroll|hidden/.test(getComputedStyle(box).overflowX)) return false;
    }
    return true;
  })
  .map((node) => `${node.localName}.${node.className}`).slice(-3)"""


async def _width(page: Page) -> None:
    """Nothing reaches beyond the screen; rows that scroll by themselves may."""
    assert not await page.evaluate(_WIDE), page.url.partition("#")[0]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url.partition("#")[0]


async def test_a_word_without_an_end(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    word = "Donaudampfschifffahrtsgesellschaft" * 3
    async with stack.services.uow() as tx:
        goods = await add_goods(tx, stack.services.ring)
        names = {"name": {"en": word}, "summary": {"en": word}, "description": {"en": word}}
        await tx.execute(update(Product).where(Product.slug == goods.slug).values(**names))
        texts = {"name": {"en": word}, "note": {"en": word}}
        await tx.execute(update(Variant).where(Variant.id == goods.variant_id).values(**texts))
    person = await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 5_000)
    page = await open_app(person, f"/shop/{goods.slug}", viewport={"width": 320, "height": 568})
    await _width(page)
    await page.locator(MAIN).click()
    pay = page.locator("dialog#sheet .btn--primary[type=submit]")
    await expect(pay).to_be_visible()
    await _width(page)
    await pay.click()
    await expect(page.locator("dialog#sheet")).to_be_hidden()
    await _width(page)
    for path in ("/orders", "/wallet", "/shop"):
        await page.goto(stack.app + path)
        await expect(page.locator("#app > .screen")).to_be_visible()
        await _width(page)
    async with stack.services.uow() as tx:
        await tx.execute(update(Product).where(Product.slug == goods.slug).values(listed=False))


async def test_an_answer_arrives_after_its_button_is_gone(telegram: Telegram, open_app: OpenApp) -> None:
    """A live answer may replace the button in the meantime; the sheet opens all the same."""
    page = await open_app(await telegram.person(), "/shop/private-vpn")
    button = page.locator("#buy-main")
    await expect(button).to_be_enabled()
    async with page.expect_request("**/confirm?*"):
        await button.evaluate("(node) => { node.click(); setTimeout(() => node.remove()); }")
    await expect(page.locator("dialog#sheet")).to_be_visible()
