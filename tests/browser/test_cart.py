"""A cart is filled, changed, what was removed comes back, and a promo code makes it cheaper."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import OpenApp
from tests.browser.telegram import Telegram


async def test_a_line_is_added_changed_removed_and_put_back(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop/private-vpn")
    toast, cart, pay = page.locator(".toast"), page.locator("#cart"), page.locator("#bottom [data-main]")
    await page.locator("#add-to-cart").click()
    await expect(toast).to_contain_text("Added to cart")
    await toast.locator("a").click()
    await expect(pay).to_contain_text("$2.99")
    await cart.get_by_label("More").click()
    await expect(pay).to_contain_text("$5.98")
    await cart.get_by_label("Remove Private VPN").click()
    await expect(page.get_by_role("heading", name="Your cart is empty")).to_be_visible()
    await toast.get_by_role("button", name="Undo").click()
    await expect(pay).to_contain_text("$5.98")
    await expect(toast).to_contain_text("Back in your cart")
    await pay.click()
    await expect(page.locator("#sheet-title")).to_be_visible()


async def test_a_list_adds_counts_and_agrees_with_another_device(open_app: OpenApp, telegram: Telegram) -> None:
    person = await telegram.person("en")
    page, other = await open_app(person, "/shop?category=shopping"), await open_app(person, "/shop?category=shopping")
    add, count = page.get_by_role("button", name="Add to cart Food delivery card"), page.locator("#cart-count .count")
    here = page.get_by_role("group", name="Food delivery card")
    there = other.get_by_role("group", name="Food delivery card")
    await add.scroll_into_view_if_needed()
    before = await page.evaluate("[scrollY, document.body.scrollHeight]")
    await add.focus()
    await page.keyboard.press("Enter")
    await expect(here.get_by_label("More")).to_be_focused()
    await expect(page.locator("#toasts")).to_have_text("Added to cart")
    await expect(count).to_have_text("1")
    await expect(there.locator("output")).to_have_text("1")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(there.locator("output")).to_have_text("3")
    await expect(here.locator("output")).to_have_text("3")
    await expect(here.get_by_label("More")).to_be_focused()
    assert await page.evaluate("[scrollY, document.body.scrollHeight]") == before, "nothing jumps"
    for left in "210":
        await there.get_by_label("Fewer").click()
        if left != "0":
            await expect(here.locator("output")).to_have_text(left)
    await expect(add).to_be_visible()
    await expect(count).to_have_count(0)
    await expect(other.get_by_role("button", name="Add to cart Food delivery card")).to_be_focused()


async def test_a_promo_code_is_entered_and_removed(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop/private-vpn")
    sheet = page.locator("dialog#sheet")
    await page.locator("#add-to-cart").click()
    await page.locator(".toast a").click()
    await page.locator("#bottom [data-main]").click()
    await sheet.locator("#promo").fill("NOPE99")
    await sheet.get_by_role("button", name="Apply").click()
    await expect(sheet.locator(".promo .field__err")).to_contain_text("This code doesn't exist")
    await sheet.locator("#promo").fill("WELCOME10")
    await sheet.locator("#promo").press("Enter")
    await expect(sheet.get_by_text("Total: $2.70")).to_be_visible()
    await sheet.get_by_label("Remove promo code").click()
    await expect(sheet.get_by_text("Total: $2.99")).to_be_visible()
