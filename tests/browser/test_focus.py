"""Focus follows what a person does, so that a screen reader says where they are."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import ADMIN, Telegram


async def test_focus_is_on_the_heading_of_a_new_screen_and_on_what_is_wrong(
    open_app: OpenApp, telegram: Telegram
) -> None:
    page = await open_app(await telegram.person(), "/me")
    heading = page.locator("#app h1").first
    await expect(heading).to_be_focused()
    await page.locator("a[href='/wallet']").click()
    await expect(page.get_by_role("heading", name="Balance")).to_be_focused()
    await page.locator("a[href='/wallet/redeem']").click()
    await expect(page.get_by_role("heading", name="Redeem a code")).to_be_focused()
    await page.locator("#code").fill("0000-0000-0000-0000")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#code[aria-invalid]")).to_be_focused()


async def test_focus_returns_to_what_opened_a_sheet(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person(), "/shop/private-vpn")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#sheet-title")).to_be_focused()
    # Live pages and prices put a new button in the place of the one that was pressed.
    await page.locator("#bottom [data-main]").evaluate("(old) => old.replaceWith(old.cloneNode(true))")
    await page.keyboard.press("Escape")
    await expect(page.locator("#bottom [data-main]")).to_be_focused()


async def test_focus_follows_a_form_out_of_its_sheet(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    buyer = await telegram.person()
    await telegram.visit(buyer)
    actor = await stack.actor(buyer.id)
    page = await open_app(ADMIN, f"/admin/people/{actor.id}/wallet")
    send = page.locator("#sheet button[type=submit]")
    await page.locator("[hx-get$='/adjust']").click()
    await page.locator("#sheet #amount").fill("5")
    await send.click()
    await expect(page.locator("#sheet #reason[aria-invalid]")).to_be_focused()
    await page.locator("#reason").fill("A sorry")
    await send.click()
    await expect(page.get_by_role("heading", name="Add $5.00")).to_be_focused()
    await send.click()
    await expect(page.locator("#app h1")).to_be_focused()
    await page.locator("[hx-get$='/adjust']").click()
    await expect(page.locator("#sheet-title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("[hx-get$='/adjust']")).to_be_focused()
