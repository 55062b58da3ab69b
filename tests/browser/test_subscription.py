"""A subscription from the product's page to its end: begun in Stars, renewed by Telegram, cancelled in Me, resumed."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPhone
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_STATES = {
    "en": {"active": "Active", "cancelled": "Cancelled"},
    "ar": {"active": "نشط", "cancelled": "ملغى"},
}


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_subscribe_renew_cancel(language: str, open_phone: OpenPhone, telegram: Telegram, stack: Stack) -> None:
    _ = Words(language)
    states = _STATES[language]
    person = await telegram.person(language, started=False)
    phone = await open_phone(person)
    await phone.enter()
    await phone.app.locator('a[href="/shop/private-vpn"]').first.click()
    await phone.arrived("/shop/private-vpn")
    await phone.app.locator("#subscribe").click()
    await phone.app.locator("dialog#sheet form button").click()

    # The invoice says that it comes again; below it waits the subscription's page.
    invoice = phone.page.locator("#invoice")
    await expect(invoice).to_contain_text({"en": "every 30 days", "ar": "كل 30 يومًا"}[language])
    await phone.page.locator("#invoice-pay").click()
    await phone.arrived("/me/subscriptions/[0-9a-f-]{36}")
    await expect(phone.app.locator(".badge").first).to_have_text(states["active"])
    charges = phone.app.locator('a.cell[href^="/orders/"]')
    await expect(charges).to_have_count(1)

    # Telegram renews it: another order, of which the page hears by itself.
    first = phone.page.locator(".service__tools")
    await phone.page.locator('[data-renewal="renewNow"]').evaluate("(button) => button.click()")
    await expect(charges).to_have_count(2)
    await charges.first.click()
    await expect(phone.app.locator("#order")).to_contain_text(_("Renewal of subscription"))
    await phone.app.locator('#order a[href^="/me/subscriptions/"]').click()

    # Cancelled here, Telegram does not charge it again.
    await phone.app.locator("#cancel-subscription").click()
    await phone.page.locator('.alert [data-button="ok"]').click()
    await expect(phone.app.locator(".badge").first).to_have_text(states["cancelled"])
    await expect(first).to_contain_text({"en": "Cancelled by the bot", "ar": "ألغاه البوت"}[language])

    # Allowed again here, it is resumed in Telegram.
    await phone.app.locator("#resume-subscription").click()
    await phone.page.locator('[data-renewal="resumeSub"]').evaluate("(button) => button.click()")
    await expect(phone.app.locator(".badge").first).to_have_text(states["active"])
    assert await stack.balance(person.id) == 0
