"""A cart is filled, changed, and what was removed comes back."""

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
