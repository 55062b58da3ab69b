"""An assignment in two browsers: submitted with a picture, answered, corrected, seen again; in two languages."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenApp
from tests.browser.screens.courses import COURSE, open_until
from tests.browser.stack import Stack
from tests.browser.staff import student_and_teacher
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_LESSON = f"/learn/{COURSE}/breath-and-pace"
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00"


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_an_assignment_from_the_lesson_to_its_correction(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    student, teacher = await student_and_teacher(stack, telegram, language)
    root, learner = await stack.actor(teacher.id), await stack.actor(student.id)
    course = await stack.services.courses.learning.view(root, COURSE)
    await stack.services.courses.students.gift(root, learner.id, course.tariffs[1].tariff.id, "a friend")
    await open_until(stack, root, learner, 3)

    page = await open_app(student, _LESSON, theme=theme)
    await page.locator("#bottom [data-main]", has_text=_("Go to the assignment")).click()
    await page.locator("textarea[name=text]").fill("Round the lake.")
    await page.locator("input[name=files]").set_input_files({"name": "way.png", "mimeType": "x", "buffer": _PNG})
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(".msg--me .msg__text")).to_have_text("Round the lake.")
    await expect(page.locator(".msg--me .msg__pic")).to_have_count(1)
    await expect(page.locator(".badge", has_text=_("In review"))).to_be_visible()

    (submission,) = [
        thread.submission
        for thread in (await stack.services.assignments.submitting.page(learner, COURSE, "breath-and-pace")).threads
    ]
    office = await open_app(teacher, f"/admin/assignments/{submission.id}", theme=theme)
    await office.locator("textarea[name=text]").fill("Lovely, but lnger.")
    await office.locator(".cell", has_text=_("Ask for another version")).click()
    await office.locator("#bottom [data-main]").click()
    await expect(office.locator(".msg--me .msg__text")).to_have_text("Lovely, but lnger.")
    await office.locator(".msg__more").click()
    save = office.locator("#bottom [data-main]", has_text=_("Save changes"))
    await expect(save).to_be_visible()
    await office.locator("textarea[name=text]").fill("Lovely, but longer.")
    await save.click()
    await expect(office.locator(".msg--me .msg__text")).to_have_text("Lovely, but longer.")

    again = await open_app(student, f"{_LESSON}/assignment", theme=theme)
    await expect(again.locator(".msg:not(.msg--me) .msg__text")).to_have_text("Lovely, but longer.")
    await again.locator("textarea[name=text]").fill("Round the lake, twice.")
    await again.locator("#bottom [data-main]", has_text=_("Submit again")).click()
    await expect(again.locator(".msg--me")).to_have_count(2)
