"""A whole quiz in a browser: started, closed in the middle, gone on with, checked, submitted; in two languages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenApp
from tests.browser.screens.courses import COURSE, gift, open_until
from tests.browser.stack import Stack
from tests.browser.staff import student_and_teacher
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_LESSON = f"/learn/{COURSE}/evening-page"
_TIME = re.compile(r"^(30:00|29:\d\d)$")
_TYPED = {"en": "Nothing.", "ar": "لا شَيء"}


async def _next(page: Page, heading: str) -> None:
    """Go on with the button at the bottom, until a question or a page of this heading is there."""
    before = await page.locator("h1").inner_text()
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("h1")).not_to_have_text(before)
    if heading:
        await expect(page.locator("h1")).to_have_text(heading)


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_a_quiz_from_the_lesson_to_the_next_one(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    student, teacher = await student_and_teacher(stack, telegram, language)
    root, learner = await stack.actor(teacher.id), await stack.actor(student.id)
    await gift(stack, root, learner)
    await open_until(stack, root, learner, 4)

    page = await open_app(student, _LESSON, theme=theme)
    await page.locator("#bottom [data-main]", has_text=_("Go to the quiz")).click()
    await page.locator("#bottom [data-main]", has_text=_("Start quiz")).click()
    await expect(page.locator("[role=timer]")).to_have_text(_TIME)
    await page.locator(".cell--pick").nth(1).click()
    await expect(page.locator("#saved")).to_have_text(_("Saved"))
    await _next(page, "")
    for place in (0, 2, 3):
        await page.locator(".cell--pick").nth(place).click()
    await _next(page, "")

    # Closed, and opened on another device: the third question, and the answers are there.
    await page.close()
    page = await open_app(student, f"{_LESSON}/quiz", theme=theme)
    third = await page.locator("h1").inner_text()
    await page.locator("#bottom button").first.click()
    await expect(page.locator("h1")).not_to_have_text(third)
    await expect(page.locator("input[name=choice]:checked")).to_have_count(3)
    await _next(page, third)
    await page.locator(".cell--pick").nth(0).click()
    await _next(page, "")
    await page.locator("#text").fill(_TYPED[language])
    await expect(page.locator("#saved")).to_have_text(_("Saved"))
    await _next(page, "")
    await _next(page, _("Check your answers"))
    await expect(page.locator(".note--warn")).to_be_visible()
    await page.locator("#app .cell").last.click()
    await page.locator(".cell--pick").nth(1).click()
    await _next(page, _("Check your answers"))
    await expect(page.locator(".note--warn")).to_have_count(0)
    await page.locator("#bottom [data-main]", has_text=_("Submit")).click()
    await expect(page.locator(".quiz__result .verdict--good")).to_be_visible()
    await expect(page.locator(".verdict--bad")).to_have_count(0)
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#lesson")).to_be_visible()
