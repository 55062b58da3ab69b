"""The back office of the school in the browser: a course made, its lessons written, dragged, deleted and restored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.identity.types import Actor, Permission
from backend.kernel.text import Locale
from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.staff import admin
from tests.browser.telegram import Person, Telegram

_PICTURE = Path(__file__).parents[2] / "backend/demo/courses/calm-in-seven-days/media/path.png"


async def save(page: Page, then: str) -> None:
    """Press the page's one button, and wait for what the next page has."""
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(then).first).to_be_visible()


async def write(page: Page, path: str, slug: str, title: str) -> None:
    """Add a lesson, and see its preview while it is typed."""
    await page.locator(f"a[href='{path}/lessons/new']").click()
    await page.locator("#title_en").fill(title)
    await page.locator("#body_en").fill(f"## {title}\n\nRead **this**.")
    await expect(page.locator("#preview-en strong")).to_have_text("this")
    await page.locator("#slug").fill(slug)
    await save(page, "[data-sort]")


async def titles(page: Page, *expected: str) -> None:
    """Wait until the lessons stand in this order."""
    await expect(page.locator("[data-lesson] .cell__title bdi")).to_have_text(list(expected))


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_a_course_is_made_and_taught(
    stack: Stack, telegram: Telegram, open_app: OpenApp, tmp_path: Path, language: str, theme: str
) -> None:
    person, student = await admin(stack, telegram, Permission.TEACHING, language), await telegram.person(language)
    await telegram.visit(student)
    page = await open_app(person, "/admin/courses/new", theme=theme, is_mobile=True)
    page.on("dialog", lambda dialog: dialog.accept())
    slug = f"walk-{language}"
    await page.locator("#title_en").fill("Evening walks")
    await page.locator(".langs label").nth(1).click()
    await page.locator("#title_ar").fill("نزهات المساء")
    await page.locator("#slug").fill(slug)
    await page.locator("#price_basic").fill("12")
    await expect(page.locator("#timezone option[value='Asia/Dubai']")).to_be_attached()
    await page.locator("#timezone").select_option("Asia/Dubai")
    await save(page, "button[form=publish]")
    course = await stack.services.courses.courses.find(Actor.system(), slug)
    assert course.schedule.timezone == "Asia/Dubai"
    path = f"/admin/courses/{course.id}"
    await save(page, ".badge--good")

    await page.locator(f"a[href='{path}/lessons']").click()
    for name in ("One", "Two", "Three"):
        await write(page, path, name.lower(), name)
    await titles(page, "One", "Two", "Three")
    await _drag(page)
    await titles(page, "Three", "One", "Two")
    await page.locator("[data-lesson] button[id^='down-']").first.click()
    await titles(page, "One", "Three", "Two")

    await page.locator("a.sort__to", has_text="One").click()
    await _upload(page, tmp_path)
    await page.locator("button.cell--danger").click()
    await page.locator("dialog#sheet .btn--danger").click()
    await titles(page, "Three", "Two")
    await page.locator(".undo button").click()
    await titles(page, "One", "Three", "Two")

    await _teach(stack, page, path, student, language)


async def _drag(page: Page) -> None:
    """Drag the last lesson to the top by its handle."""
    first = await page.locator("[data-lesson]").first.bounding_box()
    grip = await page.locator("[data-grip]").last.bounding_box()
    assert first is not None and grip is not None
    x = grip["x"] + grip["width"] / 2
    await page.mouse.move(x, grip["y"] + grip["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(x, first["y"] + first["height"], steps=20)
    await page.mouse.move(x, first["y"] + 2, steps=20)
    await page.mouse.up()


async def _upload(page: Page, folder: Path) -> None:
    """A video of 60 MB is refused in words; a picture is added, put into the text, and shown."""
    film = folder / "film.mp4"
    film.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(60_000_000))
    await page.locator("#file").set_input_files(film)
    await expect(page.locator(".toast")).to_contain_text("10")
    await page.locator("#file").set_input_files(_PICTURE)
    await expect(page.locator("#files")).to_contain_text("media/path.png")
    await page.locator("[data-insert]").click()
    await expect(page.locator("#preview-en img")).to_be_visible()
    await save(page, "[data-sort]")
    await page.locator("a.sort__to", has_text="One").click()
    await expect(page.locator("#body_en")).to_have_value("## One\n\nRead **this**.\n\n![path.png](media/path.png)")


async def _teach(stack: Stack, page: Page, path: str, student: Person, language: str) -> None:
    """Give a student the course, move their lessons after a dry run, and move them back."""
    actor = await stack.actor(student.id)
    await page.evaluate("(path) => htmx.ajax('GET', path, {target: '#app', swap: 'innerHTML'})", f"{path}/gift")
    await page.locator("#q").fill(str(student.id))
    await page.locator(f"button[hx-get$='/gift/{actor.id}']").click()
    await page.locator("dialog#sheet label.cell--pick").first.click()
    await page.locator("dialog#sheet #reason").fill("A friend")
    await page.locator("dialog#sheet .btn--primary").click()
    await expect(page.locator("#app bdi.cell__title--b")).to_be_visible()
    await expect(page.locator("dialog#sheet")).to_be_hidden()
    await _first_lesson_taken(stack, actor)
    await page.locator("button[hx-get*='/schedule?student=']").click()
    await page.locator("dialog#sheet .btn--primary").click()
    question = page.locator("dialog#sheet p.sub")
    await expect(question).to_contain_text("+1")
    await page.locator("dialog#sheet .btn--primary").click()
    await expect(page.locator(".undo")).to_contain_text("+1")
    await page.locator(".undo button").click()
    await expect(page.locator(".undo")).to_be_hidden()
    await expect(page.locator(".toast")).to_be_visible()
    assert actor.language is Locale(language)


async def _first_lesson_taken(stack: Stack, student: Actor) -> None:
    """Once the worker has taken the lesson that is due at once: until then it is the one that a change moves."""
    taken = text(
        "SELECT count(*) FROM lesson_deliveries d JOIN enrolments e ON e.id = d.enrolment_id"
        " WHERE e.user_id = :id AND d.state NOT IN ('planned', 'claimed')"
    )
    async with asyncio.timeout(40):
        while True:
            async with stack.services.uow.read() as tx:
                if (await tx.execute(taken, {"id": student.id})).scalar_one():
                    return
            await asyncio.sleep(0.05)
