"""A certificate from the last lesson to its public page, shared and corrected; in two languages."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from backend.courses.types.access import AssignmentNeed
from tests.browser.axe import violations
from tests.browser.conftest import OpenApp
from tests.browser.screens.courses import COURSE, complete, open_until
from tests.browser.screens.screen import still
from tests.browser.stack import Stack
from tests.browser.staff import student_and_teacher
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_PAGE = f"/learn/{COURSE}/certificate"


async def _picture_is_drawn(page: Page) -> None:
    await expect(page.locator("img.paper")).to_be_visible()
    assert (
        await page.locator("img.paper").evaluate(
            "async (image) => { await image.decode(); return image.naturalWidth; }"
        )
        > 500
    )


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_from_the_last_lesson_to_the_public_page(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    student, teacher = await student_and_teacher(stack, telegram, language)
    root, learner = await stack.actor(teacher.id), await stack.actor(student.id)
    courses = stack.services.courses
    plans = await courses.tariffs.list_of(root, (await courses.courses.find(root, COURSE)).id)
    await courses.students.gift(root, learner.id, plans[2].id, "a friend")
    lessons = await open_until(stack, root, learner, None)
    plain = [
        one for one in lessons if (await courses.learning.can_open(learner, one)).assignment is AssignmentNeed.NONE
    ]
    last = plain[-1]
    await complete(stack, learner, [one for one in lessons if one != last])
    slug = next(item.slug for item in await courses.lessons.titles(learner, COURSE) if item.id == last)

    page = await open_app(student, f"/learn/{COURSE}/{slug}", theme=theme)
    await page.locator("[hx-post$='/done']").click()
    await expect(page.locator("[data-title]")).to_be_visible()
    page = await open_app(student, f"/learn/{COURSE}", theme=theme)
    await page.locator(f"a[href='{_PAGE}']").click()
    name = "ليلى أحمد الزهراني" if language == "ar" else "Layla Ahmed"
    await page.locator("#name").fill(name)
    await page.locator("#bottom [data-main]", has_text=_("Preview")).click()
    await _picture_is_drawn(page)
    await page.locator("#bottom [data-main]", has_text=_("Issue certificate")).click()
    await expect(page.locator("h1", has_text=_("Your certificate"))).to_be_visible()
    await _picture_is_drawn(page)
    verify = await page.locator("a[href*='/verify/']").get_attribute("href")
    assert verify is not None
    await page.locator("a", has_text=_("Correct the name")).click()
    await page.locator("#name").fill(name + " II")
    await page.locator("#bottom [data-main]", has_text=_("Preview")).click()
    await page.locator("#bottom [data-main]", has_text=_("Save the name")).click()
    await expect(page.locator("h1", has_text=_("Your certificate"))).to_be_visible()
    await expect(page.locator("a", has_text=_("Correct the name"))).to_have_count(0)

    public = await page.context.new_page()
    answer = await public.goto(verify)
    assert answer is not None and answer.status == 200
    await expect(public.locator("html")).to_have_attribute("lang", language)
    await expect(public.locator("h1")).to_have_text(_("Certificate is valid"))
    await expect(public.locator("bdi", has_text=name + " II")).to_be_visible()
    await _picture_is_drawn(public)
    await still(public)
    assert await violations(public) == []
    wrong = verify[:-1] + ("0" if verify[-1] != "0" else "1")
    answer = await public.goto(wrong)
    assert answer is not None and answer.status == 404
    await expect(public.locator("h1")).to_be_visible()
    assert await violations(public) == []
