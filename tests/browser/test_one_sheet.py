"""From the choice of a payment method to the key, with nothing between; and back to the choice when it is not paid."""

from __future__ import annotations

import asyncio
import re
from typing import Literal

import pytest
from playwright.async_api import Locator, Page, Route, expect

from backend.payments.types import IntentStatus
from tests.browser.conftest import OpenApp, OpenPhone
from tests.browser.screens.screen import Screen, show
from tests.browser.stack import Stack
from tests.browser.telegram import Person, Phone, Telegram

SLUG = "travel-esim-jp"
PAID = "Paid. Your key is here."


async def _methods(open_phone: OpenPhone, telegram: Telegram) -> tuple[Phone, Person, Locator]:
    """Somebody without money, in front of the sheet with the payment methods."""
    person = await telegram.person(started=False)
    phone = await open_phone(person)
    await phone.enter()
    await phone.app.locator('a[href*="sort=new"]').first.click()
    await phone.arrived("/shop[?].*sort=new.*")
    await phone.app.locator(f'a[href="/shop/{SLUG}"]').click()
    await phone.press_main(re.compile("^Buy"))
    sheet = phone.app.locator("dialog#sheet")
    await expect(sheet.locator('button[value="stars"]')).to_be_visible()
    return phone, person, sheet


async def test_stars_lead_from_the_sheet_to_the_key(open_phone: OpenPhone, telegram: Telegram, stack: Stack) -> None:
    phone, person, sheet = await _methods(open_phone, telegram)
    await sheet.locator('button[value="stars"]').click()
    invoice = phone.page.locator("#invoice")
    await expect(invoice).to_contain_text("Travel eSIM · Japan")
    await expect(invoice).not_to_contain_text("Top-up")
    await phone.page.locator("#invoice-pay").click()
    await expect(phone.app.get_by_role("heading", name=PAID)).to_be_visible()
    await phone.arrived("/orders/S-[0-9A-Z]{6}")
    await expect(phone.app.locator(".key")).to_be_visible()
    await expect(sheet).to_be_hidden()
    assert await stack.balance(person.id) < 100  # what a whole Star is more than the price


@pytest.mark.parametrize("ends", ["cancel", "fail"])
async def test_an_unpaid_invoice_leads_back_to_the_methods(
    ends: Literal["cancel", "fail"], open_phone: OpenPhone, telegram: Telegram, stack: Stack
) -> None:
    phone, person, sheet = await _methods(open_phone, telegram)
    await sheet.locator('button[value="stars"]').click()
    await phone.page.locator(f"#invoice-{ends}").click()
    if ends == "fail":
        await phone.page.locator("#invoice-done").click()
    said = {"cancel": "Payment cancelled.", "fail": "Payment failed. You weren't charged."}[ends]
    await expect(phone.app.locator(".toast")).to_have_text(said)
    await expect(sheet.locator('button[value="demo"]')).to_be_visible()

    await sheet.locator('button[value="demo"]').click()
    await phone.arrived("/wallet/payments/[0-9a-f-]{36}")
    await stack.receive(person.id)
    await expect(phone.app.get_by_role("heading", name=PAID)).to_be_visible()
    await phone.arrived("/orders/S-[0-9A-Z]{6}")
    await expect(phone.app.locator(".key")).to_be_visible()
    payments = await stack.services.payments.intents.list_mine(await stack.actor(person.id))
    assert [payment.status for payment in payments] == [IntentStatus.SUCCEEDED, IntentStatus.CANCELLED]


async def test_the_button_never_shows_an_old_price(open_app: OpenApp, telegram: Telegram) -> None:
    """Between a choice and the answer the button is busy; without an answer it stays so, and asks again."""
    page = await open_app(await telegram.person(), "/shop/private-vpn")
    button = page.locator("#bottom [data-main]")
    await expect(button).to_contain_text("$2.99")
    arrived, answer, lost = asyncio.Event(), asyncio.Event(), True

    async def late(route: Route) -> None:
        nonlocal lost
        arrived.set()
        if lost:
            lost = False
            await route.abort()
            return
        await answer.wait()
        await route.continue_()

    await page.route("**/buy?*", late)
    await page.locator("label.cell--pick", has_text="Lifetime").click()
    await arrived.wait()
    await expect(button).to_have_class(re.compile("is-busy"))
    await expect(button).to_contain_text("$2.99")
    await expect(button).to_have_css("pointer-events", "none")
    answer.set()
    await expect(button).to_contain_text("$39.00")
    await expect(button).not_to_have_class(re.compile("is-busy"))
    # Once it is told, nothing of it is left for the next page's button.
    await button.click()
    await page.locator('dialog#sheet button[value="usdt_evm"]').click()
    await expect(page.locator(".qr")).to_be_visible()
    await expect(button).not_to_have_class(re.compile("is-busy"))


async def test_a_typed_amount_makes_the_button_busy_before_it_is_asked_for(
    open_app: OpenApp, telegram: Telegram
) -> None:
    page = await open_app(await telegram.person(), "/wallet/topup")
    button = page.locator("#bottom [data-main]")
    await expect(button).to_be_visible()
    await page.evaluate(
        """() => {
            const amount = document.querySelector("#amount");
            amount.value = "77";
            amount.dispatchEvent(new Event("input", { bubbles: true }));
            window.busy = document.querySelector("#bottom [data-main]").matches(".is-busy");
        }"""
    )
    assert await page.evaluate("window.busy")
    await expect(button).to_contain_text("$77")
    await expect(button).not_to_have_class(re.compile("is-busy"))


async def test_a_typed_amount_leaves_the_next_pages_button_alone(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person(), "/wallet/topup")
    await page.locator("#amount").fill("77")
    await show(page, Screen("product", f"/shop/{SLUG}"))
    button = page.locator("#bottom [data-main]")
    await expect(button).to_contain_text("Buy")
    await expect(button).not_to_have_class(re.compile("is-busy"))


async def test_a_price_that_comes_late_leaves_the_next_pages_button_alone(
    open_app: OpenApp, telegram: Telegram
) -> None:
    page = await open_app(await telegram.person(), "/wallet/topup")
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.route("**/wallet/topup/quote?*", late)
    await page.evaluate(
        """() => document.addEventListener("htmx:beforeRequest", ({ detail: { xhr } }) => {
            window.answered = new Promise((done) => xhr.addEventListener("loadend", done));
        }, { once: true })"""
    )
    async with page.expect_request("**/wallet/topup/quote?*"):
        await page.locator("#amount").fill("77")
    await show(page, Screen("product", f"/shop/{SLUG}"))
    arrived.set()
    await page.evaluate("window.answered")
    await expect(page.locator("#bottom [data-main]")).to_contain_text("Buy", timeout=1_000)


async def test_a_long_list_comes_back_to_its_place(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person(), "/shop?sort=popular")
    cells = page.locator("#app a.goods__link")
    first = await cells.count()
    while await page.locator(".more").count():
        await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        await expect(cells).not_to_have_count(first)
        first = await cells.count()
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    place, many = await page.evaluate("scrollY"), await cells.count()
    await cells.last.click()  # the demo's course, whose page has an address of the school
    await page.wait_for_url("**/learn/*")
    await expect(page.locator(".tile--hero")).to_be_visible()
    await page.go_back()
    await expect(cells).to_have_count(many)
    await page.wait_for_function("place => Math.abs(scrollY - place) < 2", arg=place)


async def _roomless(page: Page) -> list[str]:
    """What in the open sheet is squashed: shown smaller than what is in it."""
    problems: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll(".sheet *")]
            .filter((node) => getComputedStyle(node).overflowY === "hidden")
            .filter((node) => node.scrollHeight > node.clientHeight + 1)
            .map((node) => node.className)"""
    )
    return problems


@pytest.mark.parametrize(("width", "height", "percent"), [(320, 568, 100), (360, 640, 100), (390, 844, 200)])
async def test_a_sheet_is_scrolled_and_never_squashed(
    width: int, height: int, percent: int, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 200)
    page = await open_app(person, f"/shop/{SLUG}", viewport={"width": width, "height": height})
    enlarge = "percent => document.documentElement.style.setProperty('text-size-adjust', `${percent}%`)"
    await page.evaluate(enlarge, percent)
    await page.locator("#bottom [data-main]").click()
    sheet = page.locator("dialog#sheet .sheet")
    keep = sheet.locator("button.cell--action")
    await expect(keep).to_be_attached()
    assert await _roomless(page) == []
    await keep.scroll_into_view_if_needed()
    box = await keep.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    await keep.click()
    await expect(page.locator("#sheet-title")).to_contain_text("Pay $")


async def test_a_toast_stands_above_the_bottom_and_off_the_last_row(
    open_phone: OpenPhone, telegram: Telegram, stack: Stack
) -> None:
    person = await telegram.person(started=False)
    phone = await open_phone(person)
    await phone.enter()
    await stack.fund(person.id, 5_000)
    number = await stack.buy(person.id, SLUG)
    await phone.app.locator('.tab[href="/me"]').click()
    await phone.app.locator('a.cell[href="/orders"]').click()
    await phone.app.locator(f'a.cell[href="/orders/{number}"]').click()
    await expect(phone.main).to_be_visible()
    await phone.app.get_by_role("button", name="To chat").click()
    toast = phone.app.locator(".toast")
    await expect(toast).to_be_visible()
    gap = "node => innerHeight - node.getBoundingClientRect().bottom"
    assert await toast.evaluate(gap) == pytest.approx(16, abs=1)
    last = "node => (scrollTo(0, 1e6), innerHeight - document.querySelector('.stack').getBoundingClientRect().bottom)"
    assert await toast.evaluate(last) >= 16 + 52
