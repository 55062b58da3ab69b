"""Paying with a part of the balance, by hand with a proof, and copying what is to be sent."""

from __future__ import annotations

import re

from playwright.async_api import FilePayload, expect

from backend.identity.types import Permission
from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.staff import admin
from tests.browser.telegram import Telegram
from tests.factories.wallet import usd

_PICTURE = FilePayload(name="receipt.png", mimeType="image/png", buffer=b"\x89PNG\r\n\x1a\n" + b"\0" * 64)


async def test_the_balance_and_a_method_together(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 300)
    page = await open_app(person, "/shop/private-vpn")
    await page.locator(".cell--pick").nth(1).click()
    await page.locator("#bottom [data-main]", has_text="7.20").click()
    sheet = page.locator("dialog#sheet")
    await expect(sheet).to_contain_text("Pay $4.20 with")

    # All of it another way, and back: what is asked for follows.
    await sheet.get_by_text("Don't use my balance").click()
    await expect(sheet.locator("#sheet-title")).to_have_text("Pay $7.20")
    await sheet.get_by_text("Use my balance ($3.00)").click()
    await expect(sheet.locator("#sheet-title")).to_have_text("You need $4.20 more")

    await sheet.locator('button[value="demo"]').click()
    await expect(page).to_have_url(re.compile("/wallet/payments/"))
    assert await stack.balance(person.id) == 0
    await stack.receive(person.id)
    await expect(page.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    assert await stack.balance(person.id) == 0


async def test_an_unpaid_order_leads_to_its_payment_and_returns_what_was_on_hold(
    open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 300)
    page = await open_app(person, "/shop/private-vpn")
    await page.locator(".cell--pick").nth(1).click()
    await page.locator("#bottom [data-main]", has_text="7.20").click()
    await page.locator('dialog#sheet button[value="usdt_evm"]').click()
    await expect(page.locator(".qr")).to_be_visible()
    payment = page.url
    await page.locator("#bottom [data-main]", has_text="Open order").click()
    await expect(page.get_by_role("timer")).to_be_visible()
    await expect(page.locator("#order")).to_contain_text("On hold from balance")
    await page.locator("#bottom [data-main]", has_text="Continue payment").click()
    await expect(page).to_have_url(payment)
    await page.locator("#bottom [data-main]").click()
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Cancel order").click()
    await expect(page.get_by_text("This order was cancelled.")).to_be_visible()
    assert await stack.balance(person.id) == 300


async def test_a_proof_is_sent_and_the_page_hears_the_answer(
    open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    person, keeper = await telegram.person(), await admin(stack, telegram, Permission.MONEY)
    page = await open_app(person, "/wallet/topup?method=deposit")
    await page.locator("label.amount", has_text="$25").click()
    await page.locator("#bottom [data-main]", has_text="$25").click()
    await expect(page.locator("#copy-reference")).to_be_visible()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.locator("#copy-reference").click()
    await expect(page.locator(".toast")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    await expect(page.locator("#payment")).to_contain_text(f"Note: {copied}")

    await page.locator("#bottom [data-main]", has_text="Add receipt").click()
    await page.locator("#proof").set_input_files(FilePayload(name="a.png", mimeType="image/png", buffer=b"a word"))
    await expect(page.get_by_role("alert")).to_contain_text("can't open this file")
    async with page.expect_response(re.compile("/live")):
        await page.locator("#proof").set_input_files(_PICTURE)
    await expect(page.get_by_text("We review receipts within 24 hours")).to_be_visible()
    await expect(page.get_by_text("Picture 1")).to_be_visible()
    (intent,) = await stack.services.payments.intents.list_mine(await stack.actor(person.id))
    await stack.services.payments.deposits.confirm(await stack.actor(keeper.id), intent.id, usd(2500))
    await expect(page.get_by_role("heading", name="$25.00 is in your balance")).to_be_visible()
