"""Topping up by the demo provider: an amount that is typed, a wait, and the page that turns to paid by itself."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.browser.test_sale import loosely
from tests.browser.words import Words, plain

_CENTS = 3750
_SOON = 30_000
"""Milliseconds: the payment takes five seconds, the worker's look at it some more where the machine is busy."""


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_the_demo_provider_pays_by_itself(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    person = await telegram.person(language)
    page = await open_app(person, "/wallet", theme=theme)
    await page.locator('a[href="/wallet/topup"]').first.click()
    await page.locator("#amount").fill("37.50")
    await page.locator('label:has(input[name="method"][value="demo"])').click()
    continued = _("Continue · %(sum)s", sum=_.money(_CENTS))
    await page.locator("#bottom [data-main]", has_text=loosely(continued)).click()
    await expect(page).to_have_url(re.compile("/wallet/payments/[0-9a-f-]{36}$"))
    assert await stack.balance(person.id) == 0

    # Nobody touches the page: it hears of the money.
    arrived = loosely(_("%(sum)s is in your balance", sum=_.money(_CENTS)))
    await expect(page.get_by_role("heading", name=arrived)).to_be_visible(timeout=_SOON)
    assert await stack.balance(person.id) == _CENTS
    await telegram.message(person, lambda message: plain(_.money(_CENTS)) in plain(message["text"]))
    (paid,) = await stack.services.payments.intents.list_mine(await stack.actor(person.id))
    assert (paid.method, paid.credited.amount) == ("demo", _CENTS)
