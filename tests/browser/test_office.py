"""The back office's money in the browser: a refund that turns to sent by itself, and providers compared."""

from __future__ import annotations

from playwright.async_api import expect

from backend.identity.types import Actor, Permission
from backend.payments.types import ProviderReport, ProviderState
from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.staff import admin
from tests.browser.telegram import Telegram
from tests.factories.wallet import usd


async def test_a_refund_turns_to_sent_by_itself(stack: Stack, telegram: Telegram, open_app: OpenApp) -> None:
    buyer = await telegram.person()
    await telegram.visit(buyer)
    actor = await stack.actor(buyer.id)
    payments = stack.services.payments.intents
    intent = await payments.start_top_up(actor, "demo", usd(2000), idempotency_key=f"office-{buyer.id}")
    paid = ProviderReport(
        event_id=f"{intent.id}:paid", state=ProviderState.PAID, intent_id=intent.id, received=usd(2000)
    )
    await payments.settle("demo", paid)

    page = await open_app(await admin(stack, telegram, Permission.MONEY), f"/admin/payments/{intent.id}")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Refund").click()
    sheet = page.locator("dialog#sheet .sheet")
    await sheet.get_by_text("$10", exact=True).click()
    await expect(page.locator("#amount")).to_have_value("10.00")
    await page.locator("#reason").fill("Asked for it")
    await sheet.get_by_role("button", name="Refund", exact=True).click()
    await sheet.get_by_role("button", name="Refund $10.00").click()
    await expect(sheet).to_be_hidden()
    await expect(page.locator("#payment")).to_contain_text("Asked for it")
    await expect(page.locator("#payment .badge", has_text="Sent")).to_be_visible()
    await expect(page.locator("#payment .balance .badge")).to_have_text("Partly refunded")
    assert await stack.balance(buyer.id) == 1000


async def test_providers_are_compared_while_one_looks(stack: Stack, telegram: Telegram, open_app: OpenApp) -> None:
    page = await open_app(await admin(stack, telegram, Permission.MONEY), "/admin/payments/reconciliation")
    button = page.get_by_role("button", name="Reconcile now")
    before = len(await stack.services.payments.reconciliation.latest(Actor.system()))
    await button.click()
    await expect(page.get_by_text("It continues if you leave this page.")).to_be_visible()
    await expect(button).to_be_disabled()
    await expect(button).to_be_enabled(timeout=60_000)
    await expect(page.locator("progress")).to_be_hidden()
    methods = len(await stack.services.payments.methods.enabled(Actor.system()))
    assert len(await stack.services.payments.reconciliation.latest(Actor.system())) == before + methods
    # Nobody answers for TON in this stack, and the page says so.
    await expect(page.locator(".section", has_text="USDT on TON")).to_contain_text("didn't respond")
