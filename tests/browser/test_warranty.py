"""A key that doesn't work is replaced in two taps; a second one is an admin's to decide."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram


async def test_a_key_is_swapped_and_a_second_claim_is_reviewed(
    open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    person = await telegram.person("en")
    await telegram.visit(person)
    await stack.fund(person.id, 3_000)
    number = await stack.buy(person.id, "app-store-card-tr", 0, 2)
    page = await open_app(person, f"/orders/{number}")
    app, sheet, claim = page.locator("#app"), page.locator("dialog#sheet"), page.locator("[hx-get$='/claim']")

    await page.get_by_role("button", name="Show key").first.click()
    first = await page.locator(".key__v").inner_text()
    await claim.click()
    await sheet.get_by_role("button", name="Replace or refund").click()
    await expect(page.locator(".toast")).to_contain_text("Key replaced")
    await expect(app.locator(".steps")).to_contain_text("Replaced")
    for place in range(2):
        await page.get_by_role("button", name="Show key").first.click()
        await expect(page.locator(".key__v")).to_have_count(place + 1)
    assert first not in await page.locator(".key__v").all_inner_texts()

    await claim.click()
    await expect(sheet).to_contain_text("We review this claim within 24 hours")
    await sheet.get_by_role("button", name="Send claim").click()
    await expect(app.get_by_text("Claim in review")).to_be_visible()
