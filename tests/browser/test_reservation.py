"""What is kept while the money is on its way: the countdown, paying it, giving it up."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Route, expect

from tests.browser.conftest import OpenApp, OpenPhone
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram

SLUG = "music-plan-in"


async def test_a_kept_order_is_given_up_and_another_one_paid(
    open_phone: OpenPhone, telegram: Telegram, stack: Stack
) -> None:
    person = await telegram.person(started=False)
    phone = await open_phone(person)
    await phone.enter()
    stock = (await stack.variant(SLUG)).available
    number = await stack.reserve(person.id, SLUG)
    assert stock is not None
    app = phone.app

    # The way back to what one left: Me says that an order waits.
    await app.locator('.tab[href="/me"]').click()
    await expect(app.locator('a.cell[href="/orders"] .count')).to_have_text("1")
    await app.locator('a.cell[href="/orders"]').click()
    row = app.locator(f'a.cell[href="/orders/{number}"]')
    await expect(row).to_contain_text("Pay within 15 min")
    await row.click()
    await phone.arrived(f"/orders/{number}")

    # The time runs.
    clock = app.get_by_role("timer")
    await expect(clock).to_have_text(re.compile(r"14:\d\d"))
    shown = await clock.inner_text()
    await expect(clock).not_to_have_text(shown)

    # Cancelled only after a confirmation.
    cancel = app.get_by_role("button", name="Cancel order")
    alert = phone.page.locator(".alert")
    await cancel.click()
    await expect(alert).to_contain_text("Cancel this order?")
    await alert.locator('[data-button=""]').click()
    await expect(alert).to_have_count(0)
    await expect(clock).to_be_visible()
    await cancel.click()
    await alert.locator('[data-button="ok"]').click()
    await expect(app.get_by_text("This order was cancelled. You haven't been charged.")).to_be_visible()
    await expect(phone.main).to_have_text("Buy again")
    assert (await stack.variant(SLUG)).available == stock

    # Another one, paid while one looks at it: the money comes meanwhile.
    other = await stack.reserve(person.id, "film-plan-eg")
    await phone.press_back()
    await phone.arrived("/orders")
    await app.get_by_role("link", name="Waiting").click()
    await phone.arrived("/orders.segment=awaiting_payment")
    await expect(app.locator("a.cell")).to_have_count(1)
    await app.locator(f'a.cell[href="/orders/{other}"]').click()
    await phone.press_main(re.compile("^Pay "))
    sheet = app.locator("dialog#sheet")
    await expect(sheet).to_contain_text("You need")
    await sheet.get_by_role("button", name="Close").click()
    await stack.fund(person.id, 5_000)
    await phone.press_main(re.compile("^Pay "))
    await expect(sheet).to_contain_text("Pay with")
    await sheet.locator(".btn--primary[type=submit]").click()
    await expect(app.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()


async def test_an_order_that_somebody_else_pays_shows_it_by_itself(
    open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    """The page follows: the same person pays on another device. This one's clock is ten minutes fast."""
    person = await telegram.person()
    page = await open_app(person, "/me")
    actor = await stack.fund(person.id, 5_000)
    number = await stack.reserve(person.id, SLUG)
    await page.add_init_script("{ const now = Date.now; Date.now = () => now() + 600_000; }")
    await page.goto(f"{stack.app}/orders/{number}")
    # What is left is the server's word: it runs from there, and loses no ten minutes.
    clock = page.get_by_role("timer")
    shown = await clock.inner_text()
    await expect(clock).not_to_have_text(shown)
    await expect(clock).to_have_text(re.compile(r"14:\d\d"))
    async with page.expect_response(re.compile("/live")):
        await page.reload()
    await expect(page.get_by_role("timer")).to_be_visible()
    await stack.services.orders.settlement.pay(actor, number)
    await expect(page.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    await expect(page.locator("#bottom")).to_contain_text("Done")


async def test_a_page_that_changes_waits_for_the_answer_to_a_tap(
    open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    """Its own answer would replace the button that was tapped, and htmx drops what comes for a button that is gone."""
    person = await telegram.person()
    await telegram.visit(person)
    number = await stack.reserve(person.id, SLUG)
    page = await open_app(person, f"/orders/{number}")
    page.on("dialog", lambda dialog: dialog.accept())
    go = asyncio.Event()

    async def slowly(route: Route) -> None:
        await go.wait()
        await route.continue_()

    await page.route(f"**/orders/{number}/cancel", slowly)
    button = page.get_by_role("button", name="Cancel order")
    await button.click()
    await expect(button).to_have_class(re.compile("htmx-request"))
    tapped = await button.element_handle()
    assert tapped is not None
    async with page.expect_response(lambda answer: answer.url.endswith(f"/orders/{number}")):
        await page.evaluate("htmx.trigger('#order', 'live')")
    async with page.expect_response(lambda answer: answer.url.endswith(f"/orders/{number}")):
        pass  # it asks once more
    assert await tapped.evaluate("(button) => button.isConnected"), "the button is still there"
    go.set()
    await expect(page.get_by_text("This order was cancelled. You haven't been charged.")).to_be_visible()
