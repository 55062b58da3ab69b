"""Goods by hand in the browser: bought, taken by an admin, written or uploaded, and seen by the buyer."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from backend.identity.types import Actor, Permission
from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import Person, Telegram

SLUG = "logo-design"


async def admin_of_orders(stack: Stack, telegram: Telegram) -> Person:
    """An admin who prepares orders."""
    person = await telegram.person()
    await telegram.visit(person)
    actor = await stack.actor(person.id)
    await stack.services.identity.admins.set_permissions(Actor.system(), actor.id, frozenset({Permission.ORDERS}))
    return person


async def buy(page: Page) -> str:
    """Buy the chosen variant from the balance; the order's number."""
    await expect(page.get_by_text("Usually delivered within 24 hours.")).to_be_visible()
    await page.locator("#buy-main").click()
    sheet = page.locator("dialog#sheet .sheet")
    await expect(sheet.get_by_text("If we can't deliver it, we refund it.")).to_be_visible()
    await sheet.get_by_role("button", name="Pay $").click()
    await expect(page.get_by_text("We're preparing your order.")).to_be_visible()
    return page.url.rpartition("/")[2]


async def take(page: Page, number: str) -> None:
    """Find the order from the first page of the back office, and take it."""
    await page.get_by_text("Orders to prepare").first.click()
    await page.locator("#app a.cell", has_text=number).click()
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#text")).to_be_visible()


async def test_what_an_admin_writes_appears_before_the_buyer(
    stack: Stack, telegram: Telegram, open_app: OpenApp
) -> None:
    buyer = await telegram.person()
    await telegram.visit(buyer)
    await stack.fund(buyer.id, 5000)
    page = await open_app(buyer, f"/shop/{SLUG}")
    number = await buy(page)
    await expect(page.get_by_text("Ready by")).to_be_visible()
    admin = await admin_of_orders(stack, telegram)
    office = await open_app(admin, "/admin")
    await take(office, number)
    message = await telegram.message(buyer, lambda message: number in message["text"])
    assert "In preparation" in message["text"]
    await office.locator("#bottom [data-main]").click()
    await expect(office.get_by_text("Write what the customer gets.")).to_be_visible()
    await office.locator("#text").fill("Login: emma\nPassword: tulip")
    await office.locator("#bottom [data-main]").dblclick()
    await expect(office.get_by_text("Back to the queue")).to_be_visible()
    await page.get_by_role("button", name="Show text").click()  # the page has changed by itself
    await expect(page.locator("#key-1-value")).to_have_text("Login: emma\nPassword: tulip")
    ready = await telegram.message(buyer, lambda message: "is ready" in message["text"] and number in message["text"])
    assert "tulip" in ready["text"]


async def test_a_file_is_uploaded_and_downloaded_and_60_mb_are_refused(
    stack: Stack, telegram: Telegram, open_app: OpenApp, tmp_path: Path
) -> None:
    buyer = await telegram.person()
    await telegram.visit(buyer)
    await stack.fund(buyer.id, 5000)
    page = await open_app(buyer, f"/shop/{SLUG}")
    await page.clock.install()
    number = await buy(page)
    office = await open_app(await admin_of_orders(stack, telegram), "/admin")
    office.on("dialog", lambda dialog: dialog.accept())
    await take(office, number)
    film, logo = tmp_path / "film.mp4", tmp_path / "My logo.svg"
    film.write_bytes(bytes(60_000_000))
    logo.write_bytes(b"<svg/>" * 1000)
    await office.locator("#file").set_input_files(film)
    await expect(office.locator(".toast")).to_contain_text("Too large to send. Files: 10 MB max.")
    await office.locator("#file").set_input_files(logo)
    await expect(office.get_by_text("Back to the queue")).to_be_visible()
    link = page.get_by_role("link", name="Download")
    await expect(link).to_be_visible()
    async with page.expect_download() as begun:
        await link.click()
    download = await begun.value
    assert download.suggested_filename == "My logo.svg"
    assert Path(await download.path()).read_bytes() == logo.read_bytes()

    # The address is over after five minutes; a page that stays open asks for a new one before.
    async with page.expect_response(lambda response: response.url.endswith(f"/orders/{number}/keys/1")) as asked:
        await page.clock.fast_forward("04:00")
    assert "/orders/goods/" in await (await asked.value).text()
    await expect(link).to_be_visible()
    async with page.expect_download() as begun:
        await link.click()
    assert Path(await (await begun.value).path()).read_bytes() == logo.read_bytes()
