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


async def test_a_promo_code_is_entered_and_removed(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop/private-vpn")
    sheet = page.locator("dialog#sheet")
    await page.locator("#add-to-cart").click()
    await page.locator(".toast a").click()
    await page.locator("#bottom [data-main]").click()
    await sheet.locator("#promo").fill("NOPE99")
    await sheet.get_by_role("button", name="Apply").click()
    await expect(sheet.locator(".field--bad")).to_contain_text("This code doesn't exist")
    await sheet.locator("#promo").fill("WELCOME10")
    await sheet.locator("#promo").press("Enter")
    await expect(sheet.get_by_text("Total: $2.70")).to_be_visible()
    await sheet.get_by_label("Remove promo code").click()
    await expect(sheet.get_by_text("Total: $2.99")).to_be_visible()
