"""A newcomer's first purchase, from START to the key in the hand, in two languages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPhone
from tests.browser.stack import Stack
from tests.browser.telegram import ADMIN, Phone, Telegram
from tests.browser.words import Words, plain

SLUG = "private-vpn"
PRICE = 720
KEY = re.compile(r"DEMO-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}")


def loosely(text: str) -> re.Pattern[str]:
    """The text, whatever stands between its parts to keep directions apart."""
    gap = r"[\s\u2066-\u2069\u200e\u200f]*"
    return re.compile(gap + gap.join(re.escape(part) for part in plain(text).split()) + gap + "$")


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_newcomer_buys_two_keys(language: str, open_phone: OpenPhone, telegram: Telegram, stack: Stack) -> None:
    _ = Words(language)
    await telegram.send(ADMIN, "/start")
    person = await telegram.person(language, started=False)
    phone = await open_phone(person)
    await phone.press_start()
    await phone.press_shop_button()
    await expect(phone.screen()).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")

    await _browse(phone, _)
    await _choose_two(phone, _)
    number = await _pay_what_is_missing(phone, _)
    assert await stack.balance(person.id) == 0
    keys = await _read_the_keys(phone, _)

    in_chat = await telegram.message(
        person, lambda message: number in plain(message["text"]) and "DEMO" in message["text"]
    )
    assert KEY.findall(in_chat["text"]) == keys
    assert [button["value"] for row in in_chat["buttons"] for button in row if button["kind"] == "copy"] == keys
    to_admin = await telegram.message(ADMIN, lambda message: number in plain(message["text"]))
    assert not KEY.search(str(to_admin))

    await _sent_again(phone, _, telegram, number, in_chat["message_id"], keys)
    await _look_back(phone, _, number)


async def _browse(phone: Phone, _: Words) -> None:
    """By country, back, by category, to the product."""
    await phone.app.locator(".puck", has_text="Türkiye" if _.locale == "en" else "تركيا").click()
    await phone.arrived("/shop.country=TR")
    await expect(phone.app.locator("#app .cell .flag").first).to_be_visible()
    await phone.press_back()
    await phone.arrived("/shop")
    chips = phone.app.get_by_role("group", name=_("Categories"))
    await chips.locator("a[href='/shop?category=privacy']").click()
    await phone.arrived("/shop.category=privacy")
    await phone.app.locator(f'a.goods__link[href="/shop/{SLUG}"]').click()
    await phone.arrived(f"/shop/{SLUG}")


async def _choose_two(phone: Phone, _: Words) -> None:
    """The second variant, and one more of it: the price follows, in Telegram's own button."""
    await phone.app.locator(".cell--pick").nth(1).click()
    await expect(phone.main).to_have_text(loosely(_("Buy · %(sum)s", sum=_.money(PRICE))))
    await phone.app.get_by_role("button", name=_("More")).click()
    await expect(phone.app.locator("#quantity output")).to_have_text(_.number(2))
    await phone.press_main(loosely(_("Buy · %(sum)s", sum=_.money(2 * PRICE))))


async def _pay_what_is_missing(phone: Phone, _: Words) -> str:
    """The sheet says how much is missing; a tap on a way keeps the goods, and its money delivers them by itself."""
    sheet = phone.app.locator("dialog#sheet")
    title = loosely(_("You need %(rest)s more", rest=_.money(2 * PRICE)))
    await expect(sheet.locator("#sheet-title")).to_have_text(title)
    await expect(phone.main).to_be_hidden()
    await sheet.locator('button[name="method"][value="demo"]').click()
    await phone.arrived("/wallet/payments/[0-9a-f-]{36}")
    await expect(phone.app.get_by_text(_("Awaiting payment")).first).to_be_visible()
    await phone.arrived("/orders/S-[0-9A-Z]{6}")
    frame = phone.page.frame(name="mini-app")
    assert frame is not None
    headline = _.many("Paid. Your key is here.", "Paid. Your keys are here.", 2)
    await expect(phone.app.get_by_role("heading", name=headline)).to_be_visible()
    await expect(phone.page.locator("#phone")).to_have_attribute("data-haptic", re.compile("success"))
    await expect(phone.main).to_have_text(_("Done"))
    return frame.url.partition("/orders/")[2].partition("#")[0]


async def _read_the_keys(phone: Phone, _: Words) -> list[str]:
    """Hidden until tapped; one is shown, the other copied."""
    app = phone.app
    await expect(app.locator(".key")).to_have_count(2)
    assert not KEY.search(await app.locator("#app").inner_text())
    await app.get_by_role("button", name=_("Show key")).first.click()
    await expect(app.locator("#key-1-value")).to_have_text(KEY)
    await phone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await app.locator("#key-2-copy").click()
    await expect(app.locator("#key-2-value")).to_have_text(KEY)
    await expect(app.locator(".toast")).to_have_text(_("Copied"))
    keys = await app.locator(".key__v").all_inner_texts()
    assert await phone.page.evaluate("navigator.clipboard.readText()") == keys[1]
    assert await app.locator(".key__v").first.evaluate("node => getComputedStyle(node).direction") == "ltr"
    return keys


async def _sent_again(phone: Phone, _: Words, telegram: Telegram, number: str, before: int, keys: list[str]) -> None:
    """To chat: the same keys come once more."""
    await phone.app.get_by_role("button", name=_("To chat")).first.click()
    await expect(phone.app.locator(".toast")).to_have_text(_("Sent to chat"))
    again = await telegram.message(
        phone.person, lambda message: message["message_id"] > before and "DEMO" in message["text"]
    )
    assert number in again["text"]
    assert KEY.findall(again["text"]) == keys


async def _look_back(phone: Phone, _: Words, number: str) -> None:
    """The list has the order, the wallet both changes."""
    app = phone.app
    await phone.press_back()
    await phone.arrived("/orders")
    await expect(app.locator(f'a.cell[href="/orders/{number}"]')).to_contain_text(_("Delivered"))
    await phone.press_back()
    await phone.arrived("/me")
    await app.locator('a.cell[href="/wallet"]').click()
    await phone.arrived("/wallet")
    signed = [_.money(-2 * PRICE, sign=True), _.money(2 * PRICE, sign=True)]
    amounts = app.locator(".cell__end .price")
    await expect(amounts).to_have_count(2)
    assert [plain(text) for text in await amounts.all_inner_texts()] == [plain(text) for text in signed]
    await expect(app.locator(f'a.cell[href="/orders/{number}"]')).to_be_visible()
    await expect(app.locator(".balance__v")).to_have_text(re.compile(rf"{_.number(0)}"))
