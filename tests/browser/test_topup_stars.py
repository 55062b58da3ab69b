"""Topping up by Telegram Stars: in the Mini App and in the chat, from the amount to the balance, in two languages."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from backend.infra.formatting import format_money, joined
from backend.kernel.money import Money
from tests.browser.conftest import OpenPhone
from tests.browser.stack import Stack
from tests.browser.telegram import Phone, Telegram
from tests.browser.test_sale import loosely
from tests.browser.words import Words, plain

CENTS = 2500
STARS = Money(1924, "XTR")  # $25 at $0.013, rounded up to a whole Star


async def _begin(phone: Phone, _: Words) -> None:
    """From the shop to the wallet, $25 by Stars, up to the invoice, which opens over the form."""
    await phone.app.locator('nav a[href="/me"]').click()
    await phone.arrived("/me")
    await phone.app.locator('a.cell[href="/wallet"]').click()
    await phone.arrived("/wallet")
    await phone.app.locator('a[href="/wallet/topup"]').first.click()
    await phone.arrived("/wallet/topup")
    await phone.app.locator("label.amount").nth(1).click()
    await phone.app.locator('label:has(input[name="method"][value="stars"])').click()
    price = format_money(STARS, _.locale, isolated=False)
    await phone.press_main(loosely(_("Continue · %(sum)s", sum=price)))
    await expect(phone.page.locator("#invoice")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_stars_in_the_mini_app(language: str, open_phone: OpenPhone, telegram: Telegram, stack: Stack) -> None:
    _ = Words(language)
    person = await telegram.person(language, started=False)
    phone = await open_phone(person)
    await phone.enter()
    await _begin(phone, _)

    # Closed without paying: the methods are still there, and it can be opened again.
    await phone.page.locator("#invoice-cancel").click()
    await expect(phone.page.locator("#invoice")).to_be_hidden()
    await expect(phone.app.locator(".toast")).to_have_text(_("Payment cancelled."))
    assert await stack.balance(person.id) == 0

    await expect(phone.main).to_be_enabled()
    await phone.main.click()
    await phone.page.locator("#invoice-pay").click()
    await phone.arrived("/wallet/payments/[0-9a-f-]{36}")
    arrived = loosely(_("%(sum)s is in your balance", sum=_.money(CENTS)))
    await expect(phone.app.get_by_role("heading", name=arrived)).to_be_visible()
    assert await stack.balance(person.id) == CENTS
    message = await telegram.message(person, lambda message: plain(_.money(CENTS)) in plain(message["text"]))
    assert message["buttons"]


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_stars_in_the_chat(language: str, open_phone: OpenPhone, telegram: Telegram, stack: Stack) -> None:
    _ = Words(language)
    person = await telegram.person(language)
    await telegram.visit(person)
    phone = await open_phone(person)
    await telegram.send(person.id, "/topup")
    price = format_money(STARS, _.locale)
    await phone.page.locator(
        ".key--callback", has_text=loosely(joined([_.money(CENTS), price], _.locale).replace("،", " ،"))
    ).first.click()
    await phone.page.locator(".key--pay").click()
    await expect(phone.page.locator("#invoice")).to_be_visible()
    await phone.page.locator("#invoice-pay").click()
    await telegram.message(
        person, lambda message: _.number(CENTS // 100) in message["text"] and not message.get("invoice")
    )
    assert await stack.balance(person.id) == CENTS
