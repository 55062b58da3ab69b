"""A lesson's page is right at the very next request, in each of two processes that hear no signal of each other."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from backend.bootstrap import build
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.editing import EditedText, LessonFields
from backend.courses.types.schedule import Change, Outcome, Verb
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.kernel.text import Locale
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.factories.courses import enrolments_of
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from tests.webapp.conftest import MakeWeb
from tests.webapp.courses.school import PICTURE, TEXT, Classroom

Page = tuple[int, str]


class Reader:
    """A student who has bought the course and may read its first two lessons, with a web view at each process."""

    def __init__(self, room: Classroom, visitor: Visitor, actor: Actor, other: Visitor) -> None:
        self.room, self.actor, self.visitor = room, actor, visitor
        self.courses = room.services.courses
        self._visitors = (visitor, other)

    async def page(self, number: int = 2) -> Page:
        """Status and text of a lesson's page, the same at both processes but for what is signed."""
        answers = [await visitor.get(f"/learn/calm/lesson-{number}") for visitor in self._visitors]
        pages = [(answer.status_code, re.sub(r"\?t=[^\"]+", "", answer.text)) for answer in answers]
        assert pages[0] == pages[1]
        return pages[0]

    async def buy(self) -> None:
        """Buy the course."""
        checkout = self.room.services.orders.checkout
        self.order = await checkout.place(self.actor, self.room.tariffs["basic"].variant_id, 1, "tap-00000001")
        self.enrolment: EnrolmentId = (await enrolments_of(self.room.services.uow, self.actor))[-1]
        await self.room.open(self.enrolment, 2)

    async def change(self, verb: Verb, number: int | None = None) -> Outcome:
        """A teacher changes the schedule."""
        change, schedule = Change(verb=verb, until=self._lesson(number) if number else None), self.courses.schedule
        return await schedule.change(self.room.teacher, self.room.course, change, [self.enrolment])

    def _lesson(self, number: int) -> LessonId:
        return self.room.lessons[number - 1]

    async def edit(self, number: int, version: int, title: str, body: str) -> None:
        """A teacher edits a lesson."""
        fields = LessonFields(slug=f"lesson-{number}", minutes=9, texts={Locale.EN: EditedText(title, body)})
        await self.courses.editing.change(self.room.teacher, self._lesson(number), fields, version=version)


@pytest.fixture
async def reader(room: Classroom, settings: Settings, clock: FakeClock, make_web: MakeWeb) -> AsyncIterator[Reader]:
    visitor, actor = await room.arrive(cents=100_000)
    second = build(settings, clock=clock)
    async with second.running(listen=False), browser(make_web(second)) as client:
        other = Visitor(client, settings.bot_token, clock.now().timestamp(), actor.telegram_id)
        reader = Reader(room, visitor, actor, other)
        await reader.buy()
        yield reader


async def test_access_that_ends_and_comes_back(reader: Reader) -> None:
    room, services = reader.room, reader.room.services
    assert (await reader.page())[0] == 200
    lines = [LineQuantity(reader.order.lines[0].id, 1)]
    await services.orders.refunds.refund(
        Actor.system(), reader.order.number, lines, RefundTarget.WALLET, "asked for", idempotency_key="tap-00000002"
    )
    status, text = await reader.page()
    assert status == 403 and "First words" not in text
    await room.gift(reader.actor)
    assert (await reader.page())[0] == 200
    await room.revoke(reader.enrolment)
    assert (await reader.page())[0] == 403
    assert (await reader.page(1))[0] == 403


async def test_a_schedule_that_is_changed(reader: Reader, clock: FakeClock) -> None:
    locked = 'aria-label="Locked"'
    assert locked in (await reader.page())[1]
    assert (await reader.page(3))[0] == 403
    outcome = await reader.change(Verb.OPEN, 3)
    assert locked not in (await reader.page())[1]
    assert (await reader.page(3))[0] == 200
    assert outcome.undo is not None
    await reader.courses.schedule.undo(reader.room.teacher, reader.room.course, outcome.undo)
    assert locked in (await reader.page())[1]
    assert (await reader.page(3))[0] == 403
    await reader.change(Verb.PAUSE)
    assert (await reader.page())[0] == 200
    clock.move(days=1)
    assert (await reader.page(3))[0] == 403
    await reader.change(Verb.RESUME)
    await reader.change(Verb.OPEN, 3)
    assert (await reader.page(3))[0] == 200


async def test_a_course_that_is_edited(reader: Reader) -> None:
    room, editing = reader.room, reader.courses.editing
    first = (await reader.page())[1]
    assert "First words" in first and "Day 2 of 4" in first and "Lesson 3" in first
    await reader.edit(2, 1, "Another title", "New words.\n\n![A path](path.gif)")
    second = (await reader.page())[1]
    assert "First words" not in second and "New words" in second and "Another title" in second
    await reader.edit(2, 2, "Another title", "![A path](path.gif)\n\n![A path](path.gif)")
    assert (await reader.page())[1].count("<img") == 2
    await editing.upload(room.teacher, room.course, "path.gif", io.BytesIO(PICTURE), len(PICTURE))
    await reader.edit(3, 1, "The next title", TEXT)
    assert "The next title" in (await reader.page())[1]
    one, two, three, four = room.lessons
    await editing.reorder(room.teacher, room.course, [two, one, three, four])
    third = (await reader.page())[1]
    assert "Day 1 of 4" in third and "Lesson 1" in third and "The next title" not in third
    await editing.delete(room.teacher, one)
    fourth = (await reader.page())[1]
    assert "Day 1 of 3" in fourth and "The next title" in fourth
    await editing.delete(room.teacher, two)
    assert (await reader.page())[0] == 404


async def test_what_the_reader_has_done(reader: Reader) -> None:
    url = "/courses/calm/lessons/lesson-2"
    assert "resume" not in (await reader.page())[1]
    await reader.visitor.post(f"{url}/place", data={"place": "1"})
    assert f'hx-get="{url}/resume"' in (await reader.page())[1]
    assert f'hx-post="{url}/done"' in (await reader.page())[1]
    await reader.visitor.post(f"{url}/done")
    text = (await reader.page())[1]
    assert "resume" not in text and f"{url}/place" not in text and f"{url}/done" not in text


async def test_readers_of_the_same_page_get_addresses_of_their_own(reader: Reader, room: Classroom) -> None:
    visitor, actor = await room.arrive()
    await room.open(await room.gift(actor), 2)
    texts = [(await one.get("/learn/calm/lesson-2")).text for one in (reader.visitor, visitor)]
    addresses = [unescape(re.findall(r'src="([^"]+)"', text)[0]) for text in texts]
    assert addresses[0] != addresses[1]
    for address, text in zip(addresses, texts, strict=True):
        assert (await visitor.client.get(address)).content == PICTURE
        assert text.count(address) == 1
    await room.revoke(reader.enrolment)
    assert [(await visitor.client.get(address)).status_code for address in addresses] == [403, 200]
