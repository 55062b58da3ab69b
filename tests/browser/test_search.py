"""Somebody searches as people do: with a typing error, on the wrong keyboard, and for what is not there."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenApp, OpenPhone
from tests.browser.telegram import Telegram


@pytest.mark.parametrize(
    ("language", "typed", "title"),
    [
        ("en", "antivirsu", "Antivirus"),
        ("ru", "fynbdbhec", "Антивирус"),
        ("ru", "шахмтаный", "Шахматный тренер"),
        ("ar", "مضاد فيروسا", "مضاد فيروسات"),
        ("ar", "a'vk[", "مدرّب الشطرنج"),
    ],
)
async def test_what_was_mistyped_is_found(
    open_app: OpenApp, telegram: Telegram, language: str, typed: str, title: str
) -> None:
    page = await open_app(await telegram.person(language), "/shop")
    await page.locator("#q").press_sequentially(typed)
    await expect(page.locator("#results .cell__title").first).to_have_text(title)
    await expect(page).to_have_url(re.compile("/shop[?]q="))
    await expect(page.locator("#q")).to_be_focused()


async def test_facets_stay_in_the_address_over_reload_and_back(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop")
    rows = page.locator("#results .list a.goods__link")
    await page.locator("#q").fill("esim")
    await expect(rows).not_to_have_count(0)
    await page.locator("#results .chip", has_text="Japan").click()
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.locator("#q")).to_have_value("esim")
    await rows.first.click()
    await expect(page.locator("#bottom [data-main]")).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(1)
    await page.locator("#results .chip--on", has_text="Japan").click()
    await expect(rows).not_to_have_count(1)


async def test_a_search_that_was_opened_is_remembered_and_forgotten(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop")
    await page.locator("#q").fill("vpn")
    await page.locator("#results .list a.goods__link").first.click()
    await expect(page.locator("#q")).to_have_count(0)
    await page.go_back()
    await page.locator("#q").fill("")
    await page.locator("#q").focus()
    recent = page.locator("#recent .chip")
    await expect(recent).to_have_text(["vpn"])
    await page.locator("#q").fill("vp")
    await expect(recent).to_be_hidden()
    await page.locator("#q").fill("")
    await page.get_by_role("button", name="Clear").click()
    await expect(recent).to_have_count(0)


async def test_nothing_found_offers_near_ones_and_takes_a_wish(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person("en"), "/shop")
    await page.locator("#q").fill("hotel esim japan")
    await expect(page.locator("#results .empty__t")).to_contain_text("hotel esim japan")
    await expect(page.locator("#results .list a.goods__link").first).to_contain_text("Japan")
    await page.get_by_role("button", name="Notify me").click()
    await expect(page.locator("#results .empty")).to_contain_text("We'll message you")


async def test_a_product_is_shared_in_a_chat_and_opens(open_phone: OpenPhone, telegram: Telegram) -> None:
    phone = await open_phone(await telegram.person("en"))
    await phone.press_start()
    await phone.page.locator(".composer textarea").fill("@souk_demo_bot antivirsu")
    await phone.page.locator("[data-panel=inline] .cmd", has_text="Antivirus").click()
    await phone.page.get_by_role("button", name="See the product").click()
    await expect(phone.screen().get_by_role("heading", name="Antivirus")).to_be_visible()
