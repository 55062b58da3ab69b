"""The reading room: a free card, credits bought over a question, a Celtic cross whose text comes word by word."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from backend.identity.types import Actor
from backend.readings.types import AnswerStatus, ReadingId
from tests.browser.conftest import OpenApp
from tests.browser.screens.readings import give_credits, sell_credits
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_QUESTION = {"en": "I was offered work in another city. What am I not seeing?", "ar": "ما الذي لا أراه في عملي؟"}
_MAIN = "#bottom [data-main]"
_SHOWN = """() => [...document.querySelectorAll("#texts .said > *")].map(
    (node) => node.tagName === "H2" ? [...node.childNodes].slice(1).map((one) => one.textContent).join("")
        : node.textContent).join("\\n")"""


async def _stored(stack: Stack, actor: Actor, reading: ReadingId) -> str:
    """The text as far as it is stored now, in the paragraphs of the page."""
    page = await stack.services.readings.rooms.get(actor, reading)
    step = await stack.services.interpretation.watching.follow(actor, page.answers[-1].id).advance()
    return "\n".join(part for one in step.parts for part in (one.head if one.position else "", one.body) if part)


async def _is_the_stored_prefix(page: Page, stack: Stack, actor: Actor, reading: ReadingId) -> str:
    """The page shows all that was stored before it was looked at, and nothing that was not stored after."""
    before = await _stored(stack, actor, reading)
    last = before.rpartition("\n")[2][-60:].strip()
    if last:
        await expect(page.locator("#texts .said")).to_contain_text(last)
    shown = await page.evaluate(_SHOWN)
    after = await _stored(stack, actor, reading)
    assert after.startswith(shown.rstrip()) and shown.startswith(before.rstrip())
    return shown


async def _is_complete(page: Page, stack: Stack, actor: Actor, reading: ReadingId) -> None:
    await expect(page.locator("[data-reading]")).to_have_count(0)
    drawn = await stack.services.readings.rooms.get(actor, reading)
    assert drawn.answers[-1].status is AnswerStatus.COMPLETE
    assert await page.evaluate(_SHOWN) == await _stored(stack, actor, reading)


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_from_the_free_card_to_the_shared_picture(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    person = await telegram.person(language)
    await telegram.visit(person)
    await stack.fund(person.id, 2_000)
    actor = await stack.actor(person.id)
    await sell_credits(stack)

    page = await open_app(person, "/readings", theme=theme)
    await page.locator("#free button", has_text=_("Turn it over")).click()
    await expect(page.locator("#free a.btn")).to_be_visible()
    await page.locator("#free a.btn").click()
    await expect(page.locator("#texts .said p").first).to_be_visible()

    page = await open_app(person, "/readings/new/celtic-cross", theme=theme)
    await page.locator("#question").fill(_QUESTION[language])
    await page.locator(_MAIN).click()
    sheet = page.locator("dialog#sheet")
    await expect(sheet.locator("[role=radiogroup] label").first).to_be_visible()
    await sheet.locator("#buy").click()
    await sheet.locator("form[hx-post$='/orders'] button[type=submit]").click()
    await expect(sheet).to_be_hidden()
    await expect(page.locator("#question")).to_have_value(_QUESTION[language])
    await page.locator(_MAIN).click()
    await expect(page.locator(".spot")).to_have_count(10)
    assert await page.locator(".spot .tarot").first.bounding_box() is not None
    await page.locator("#spot-5").click()
    await expect(page.locator("#about .count")).to_have_text("5")
    reading = ReadingId(UUID(page.url.split("/readings/")[1].split("/")[0]))
    await page.locator(_MAIN).click()

    chance = random.Random(12)
    for _time in range(3):
        await expect(page.locator("#texts .said > *").first).to_be_attached()
        for _words in range(chance.randrange(1, 4)):
            await _is_the_stored_prefix(page, stack, actor, reading)
        await page.reload()
    await expect(page.locator("#texts .said > *").first).to_be_attached()
    await _is_the_stored_prefix(page, stack, actor, reading)
    await expect(page.locator(_MAIN, has_text=_("Share the picture"))).to_be_visible()
    await _is_complete(page, stack, actor, reading)
    assert await page.locator("#texts .said h2").count() == 10

    picture = await page.locator("a[data-download]").get_attribute("href")
    assert picture is not None
    drawn = await page.request.get(stack.app + picture)
    assert drawn.ok and (await drawn.body()).startswith(b"\x89PNG")
    # Telegram has the picture, and a message with it that this person's app can send.
    assert await stack.services.readings.sharing.share(actor, reading)
    await page.locator("button[hx-post$='/send']").click()
    await expect(page.locator(".toast__t", has_text=_("Sent to your chat"))).to_be_visible()

    proof = await page.locator("a[href*='/proof?']").get_attribute("href")
    assert proof is not None
    public = await page.context.new_page()
    await public.goto(proof)
    await expect(public.locator("h1")).to_have_text(_("Nobody moved a card"))
    await public.context.set_offline(True)
    await public.locator("[data-check-draw]").click()
    await expect(public.locator("#draw-checked")).to_have_text(
        _("Computed here: the seal fits, and both seeds give these cards.")
    )


async def test_a_stop_brings_the_credits_back(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person("en")
    await telegram.visit(person)
    actor = await stack.actor(person.id)
    await give_credits(stack, actor, 4)
    page = await open_app(person, "/readings/new/year")
    await page.locator(_MAIN).click()
    await page.locator(_MAIN).click()
    await page.locator(_MAIN, has_text="Stop here").click()
    await expect(page.locator(".note", has_text="You stopped it.")).to_contain_text("your 4 credits are back")
    assert (await stack.services.wallet.statement.overview(actor)).credits.amount == 4
