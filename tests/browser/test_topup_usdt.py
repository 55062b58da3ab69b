"""Topping up by USDT: the QR code's page follows a real chain until the money is there."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenApp
from tests.browser.stack import CONFIRMATIONS, Stack
from tests.browser.telegram import Telegram
from tests.browser.words import Words
from webapp.core.qr import draw

_CENTS = 2500
_MICRO = 25_000_000
_SOON = 30_000
"""Milliseconds: the page asks every ten seconds, the worker about as often."""


async def test_the_page_with_the_qr_code_turns_to_paid(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    _ = Words("en")
    person = await telegram.person()
    page = await open_app(person, "/wallet/topup")
    address = await _begin(page, stack, person.id)

    await stack.chain.pay(address, _MICRO)
    text = _.many("%(done)s of %(needed)s confirmation", "%(done)s of %(needed)s confirmations", CONFIRMATIONS)
    seen = page.get_by_text(text % {"done": 1, "needed": CONFIRMATIONS})
    await expect(seen.first).to_be_visible(timeout=_SOON)
    assert await stack.balance(person.id) == 0

    await stack.chain.mine(CONFIRMATIONS)
    arrived = re.compile(re.escape(_.money(_CENTS)))
    await expect(page.locator("#payment[data-haptic=success]")).to_contain_text(arrived, timeout=_SOON)
    assert await stack.balance(person.id) == _CENTS


async def _begin(page: Page, stack: Stack, telegram_id: int) -> str:
    """Choose 25 dollars and USDT; the address that the page asks to pay to, with code, amount and buttons about it."""
    await page.locator(".amount", has_text="25").first.click()
    await page.locator(".cell--pick", has=page.locator("input[value=usdt_evm]")).click()
    await expect(page.locator("input[value=usdt_evm]")).to_be_checked()
    await page.locator("button[data-main]").click()
    code = page.locator(".qr .qr__code")
    await expect(code).to_be_visible()
    (intent,) = await stack.services.payments.intents.list_mine(await stack.actor(telegram_id))
    assert intent.action is not None
    fields = intent.action.fields
    path = re.search(r' d="([^"]+)"', draw(fields["uri"]))
    assert path is not None
    await expect(code).to_have_attribute("d", path[1])
    await expect(page.locator("#copy-amount")).to_have_attribute("data-copy", "25")
    await expect(page.locator("#copy-address")).to_have_attribute("data-copy", fields["address"])
    await expect(page.locator("#payment")).to_contain_text(fields["network"])
    return fields["address"]
