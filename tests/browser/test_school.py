"""A course from the shop's search to an upgrade, over three days, in two languages and both themes."""

from __future__ import annotations

import asyncio
import io

import pytest
from playwright.async_api import Locator, Page, expect
from sqlalchemy import text

from backend.courses.types import EnrolmentId
from backend.courses.types.editing import EditedText, LessonFields
from backend.courses.types.schedule import Change, Verb
from backend.kernel.text import Locale
from tests.browser.conftest import OpenApp
from tests.browser.stack import Stack
from tests.browser.telegram import Message, Person, Telegram
from tests.browser.words import Words
from tests.factories.courses import add_course, add_teacher

COURSE = "calm-in-seven-days"
_FIRST, _SECOND = "why-the-mind-runs", "a-place-to-sit"
_LEAVE = """(node, left) => new Promise((done) => {
    node.addEventListener("timeupdate", done, { once: true });
    node.currentTime = left;
})"""
_STORED = """(at) => (at ? `${at}` : undefined) ===
    Object.entries(localStorage).find(([name]) => name.startsWith("left:"))?.[1]"""
_A_DAY_LATER = """
    WITH moved AS (UPDATE lesson_deliveries SET due_at = due_at - interval '1 day', sent_at = sent_at - interval '1 day'
                   WHERE enrolment_id = :id)
    UPDATE enrolments SET started_at = started_at - interval '1 day', next_due_at = now() - interval '1 minute'
    WHERE id = :id
"""


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_a_student_from_the_search_to_the_upgrade(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _, person = Words(language), await telegram.person(language)
    await telegram.visit(person)
    await stack.fund(person.id, 10_000)
    page = await open_app(person, f"/shop?q={_('Calm in seven days') if language == 'en' else 'هدوء'}", theme=theme)
    await page.locator(f'#app a[href="/shop/{COURSE}"]').first.click()
    await _arrived(page, f"/learn/{COURSE}")
    await _join(page, _)

    # The worker opens the first lesson; the page sees that by itself.
    await _in_chat(telegram, person, _FIRST)
    await page.locator("#bottom [data-main]", has_text=_("Open day %(number)s", number=_.number(1))).click()
    await _arrived(page, f"/learn/{COURSE}/{_FIRST}")
    await page.locator("#bottom [data-main]").click()
    await _arrived(page, f"/learn/{COURSE}")
    await expect(page.locator(".day--done")).to_have_count(1)
    await expect(page.locator(".step--todo")).to_have_count(6)

    student = await stack.actor(person.id)
    (mine,) = await stack.services.courses.learning.mine(student)
    await _a_day_later(stack, mine.enrolment_id)
    await _in_chat(telegram, person, _SECOND)
    await _leave_in_the_middle(page)

    # Another day, another window: straight to the lesson, and in it to where it was left.
    again = await open_app(person, "/learn", theme=theme)
    await again.locator(f'.next a[href="/learn/{COURSE}/{_SECOND}"]').click()
    await _stands_near_the_top(again.locator("#part-2"))

    await _upgrade(again, _)
    assert await stack.balance(person.id) == 10_000 - 4_900


async def _stands_near_the_top(part: Locator) -> None:
    """Once the page has jumped to a part of the lesson, and the pictures above it have their place."""
    async with asyncio.timeout(20):
        while not 0 <= await part.evaluate("node => node.getBoundingClientRect().top") < 420:
            await asyncio.sleep(0.05)


async def _arrived(page: Page, path: str) -> None:
    await page.wait_for_url(f"**{path}")
    await expect(page.locator("#app > .screen")).to_be_visible()


async def _join(page: Page, _: Words) -> None:
    """The cheapest plan, from the balance: the course stands there at once."""
    await page.locator("#plan-basic").click()
    await expect(page.locator("#plan-basic")).to_have_attribute("aria-pressed", "true")
    await page.locator("#join").click()
    await page.locator("dialog#sheet form .btn--primary").click()
    await expect(page.locator(".note--good")).to_be_visible()
    await _arrived(page, f"/learn/{COURSE}")


async def _in_chat(telegram: Telegram, person: Person, lesson: str) -> None:
    """A lesson's message, whose button opens its page."""
    end = f"/learn/{COURSE}/{lesson}"

    def requested(message: Message) -> bool:
        return any(str(button["value"]).endswith(end) for row in message["buttons"] for button in row)

    await telegram.message(person, requested)


async def _a_day_later(stack: Stack, enrolment: EnrolmentId) -> None:
    """As if everything so far had been yesterday."""
    async with stack.services.uow() as tx:
        await tx.execute(text(_A_DAY_LATER), {"id": enrolment})


async def _leave_in_the_middle(page: Page) -> None:
    """Open the second lesson and read as far as its second heading."""
    await page.goto(page.url)
    async with page.expect_response(
        lambda answer: answer.url.endswith("/place") and answer.request.post_data == "place=2"
    ):
        await page.locator(f'#app a[href="/learn/{COURSE}/{_SECOND}"]').first.click()
        await _arrived(page, f"/learn/{COURSE}/{_SECOND}")
        await page.locator("#part-2").scroll_into_view_if_needed()


async def _upgrade(page: Page, _: Words) -> None:
    """From the course's page to the highest plan: what was paid counts."""
    await page.evaluate(f"htmx.ajax('GET', '/learn/{COURSE}', '#app')")
    await page.locator(f'#app a[href="/courses/{COURSE}/plans"]').click()
    await page.locator("#plan-premium").click()
    button = page.locator("#join")
    await expect(button).to_contain_text("30")
    await button.click()
    await page.locator("dialog#sheet form .btn--primary").click()
    await expect(page.locator(".note--good")).to_be_visible()
    await expect(page.locator(".day--done")).to_have_count(1)


def _silence(seconds: int) -> bytes:
    """An MP3: frames of 26 ms without any sound."""
    return (b"\xff\xfb\x10\xc0" + bytes(100)) * (seconds * 1000 // 26)


async def test_a_recording_goes_on_where_it_was_left(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    school, teacher = stack.services.courses, await add_teacher(stack.services.uow)
    course = await add_course(stack.services.uow, teacher, "listening", published=False)
    sound = _silence(90)
    path = await school.editing.upload(teacher, course, "sea.mp3", io.BytesIO(sound), len(sound))
    text = EditedText("Listen", f"![The sea]({path})")
    lesson = await school.editing.add(teacher, course, LessonFields(slug="sea", texts={Locale.EN: text}))
    person = await telegram.person()
    await telegram.visit(person)
    student, plan = await stack.actor(person.id), (await school.tariffs.list_of(teacher, course))[0]
    enrolment = await school.students.gift(teacher, student.id, plan.id, "a friend")
    await school.schedule.change(teacher, course, Change(verb=Verb.OPEN, until=lesson), [enrolment])
    page = await open_app(person, "/learn/listening/sea")
    audio = page.locator(".lesson audio")
    await expect(page.locator("i[data-js]")).to_have_count(1)
    for left, expected in ((42, 42), (88, 0)):
        await expect(audio).to_have_js_property("readyState", 4)
        await audio.evaluate(_LEAVE, left)
        await page.wait_for_function(_STORED, arg=expected)
        await page.reload()
        await expect(audio).to_have_js_property("currentTime", expected)
