"""Two people in line for what is sold out: the first has it reserved and buys it, the second moves up."""

from __future__ import annotations

from playwright.async_api import expect
from sqlalchemy import text

from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.factories.shop import add_goods

MAIN = "#bottom [data-main]"


async def test_a_line_of_two(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    async with stack.services.uow() as tx:
        goods = await add_goods(tx, stack.services.ring, keys=0, price=720)
    people = [await telegram.person(), await telegram.person()]
    pages = [await open_app(person, f"/shop/{goods.slug}") for person in people]
    await stack.fund(people[0].id, 1_000)
    first, second = pages
    for number, page in enumerate(pages, start=1):
        await page.locator(MAIN, has_text="Notify me").click()
        await expect(page.locator(".place__n")).to_have_text(f"{number} of {number}")
    await expect(first.locator(".place__n")).to_have_text("1 of 2")  # told by the server
    await stack.restock(goods.variant_id, ["BACK-IN-STOCK-1"])
    await expect(first.locator("#waiting")).to_contain_text("Reserved for you")
    await expect(second.locator(".place__n")).to_have_text("1 of 1")
    await first.locator(MAIN, has_text="Buy · $7.20").click()
    await first.locator("dialog#sheet .btn--primary[type=submit]").click()
    await expect(first.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    await second.locator(MAIN, has_text="Leave the line").click()
    await expect(second.locator(MAIN)).to_have_text("Notify me")


async def test_a_variant_that_is_sold_out_beside_others(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    variant = await stack.variant("private-vpn", 2)
    person = await telegram.person()
    page = await open_app(person, "/shop/private-vpn")
    async with stack.services.uow() as tx:
        hide = f"UPDATE stock_keys SET state = 'removed' WHERE state = 'available' AND variant_id = '{variant.id}'"
        hidden = await tx.execute(text(hide))
    try:
        await page.locator(f".cell--pick:has(input[value='{variant.id}'])").click()
        await page.locator(MAIN, has_text="Notify me").click()
        await expect(page.locator(".place__n")).to_have_text("1 of 1")
        await page.locator(".cell--pick").first.click()
        await expect(page.locator(MAIN)).to_contain_text("Buy")
        await expect(page.locator("#add-to-cart")).to_be_visible()
    finally:
        async with stack.services.uow() as tx:
            back = f"UPDATE stock_keys SET state = 'available' WHERE state = 'removed' AND variant_id = '{variant.id}'"
            assert (await tx.execute(text(back))).rowcount == hidden.rowcount
        await stack.services.catalog.waiting.leave(await stack.actor(person.id), variant.id)


async def test_a_heart_in_a_list_stays_where_it_is(open_app: OpenApp, telegram: Telegram) -> None:
    person = await telegram.person()
    page = await open_app(person, "/shop?category=gift-cards")
    heart = page.locator(".heart button").nth(4)
    await heart.scroll_into_view_if_needed()
    before = await page.evaluate("scrollY")
    await heart.click()
    await expect(heart).to_have_attribute("aria-pressed", "true")
    await expect(heart).to_be_focused()
    assert await page.evaluate("scrollY") == before
    name = await page.locator(".goods__link").nth(4).inner_text()
    await page.reload()
    await expect(page.get_by_role("button", name=name, pressed=True)).to_be_visible()
    await page.goto(page.url.replace("/shop?category=gift-cards", "/me/favourites"))
    await page.get_by_role("button", name=name).click()
    await expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "false")
