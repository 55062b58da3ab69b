"""Assignments in the chat: by album, by voice, in a topic; the answer of the reviewer, and of another admin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram.types import Update
from sqlalchemy import text

from backend.assignments.types import Thread, Verdict, WorkState
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Permission
from backend.kernel.text import Locale
from tests.bot.conftest import Parts, polling
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Person, Telegram
from tests.bot.test_support import Desk
from tests.factories.courses import add_course, enrolments_of, tariffs_of
from tests.fakes.clock import FakeClock


class School(Desk):
    """The root admin and another one teach; Emma takes a course whose first lesson has an assignment."""

    async def open(self) -> School:
        services = self.services
        self.emma, self.nadia = await self.person(EMMA, "Emma"), await self.person(NADIA, "Nadia")
        self.dmitri = await self.person(DMITRI, "Dmitri")
        root, colleague = await self.actor(NADIA), await self.actor(DMITRI)
        await services.identity.admins.set_permissions(root, colleague.id, frozenset({Permission.TEACHING}))
        await services.identity.profile.set_language(colleague, Locale.EN)
        course_id = await add_course(services.uow, root)
        for slug, assignment in (("walk", "Walk for ten minutes."), ("plain", "")):
            fields = LessonFields(slug=slug, texts={Locale.EN: EditedText(slug.title(), "Read it.", assignment)})
            await services.courses.editing.add(root, course_id, fields)
        self.student = await self.actor(EMMA)
        tariff = (await tariffs_of(services.uow, root, course_id))["premium"]
        await services.courses.students.gift(root, self.student.id, tariff.id, "for the test")
        (self.enrolment,) = await enrolments_of(services.uow, self.student)
        while await services.courses.sending.work():
            pass
        await self.work()
        self.lesson = next(one for one in await self.emma.heard() if "Submit assignment" in str(one["buttons"]))
        return self

    async def thread(self) -> Thread | None:
        threads = (await self.services.assignments.submitting.page(self.student, "calm", "walk")).threads
        return threads[0] if threads else None

    async def parts(self, count: int) -> None:
        """Once the bot has taken so many messages."""
        async with asyncio.timeout(10):
            while True:
                async with self.services.uow.read() as tx:
                    row = (await tx.execute(text("SELECT count(*) AS taken FROM submission_parts"))).one()
                if row.taken == count:
                    return
                await asyncio.sleep(0.02)

    async def until(self, versions: int) -> Thread:
        """Once the bot has taken what was sent, and the jobs have run."""
        async with asyncio.timeout(10):
            while True:
                self.clock.move(seconds=3)
                await self.work()
                thread = await self.thread()
                if thread is not None and len(thread.versions) >= versions:
                    return await self.whole()
                await asyncio.sleep(0.02)

    async def answered(self, count: int) -> Thread:
        """Once a teacher's reply has become feedback."""
        async with asyncio.timeout(10):
            while True:
                thread = await self.thread()
                if thread is not None and len(thread.feedback) >= count:
                    await self.work()
                    return await self.whole()
                await asyncio.sleep(0.02)

    async def whole(self) -> Thread:
        """The thread read again: the first look may have been half before what it waited for, and half after it."""
        thread = await self.thread()
        assert thread is not None
        return thread

    async def said(self, person: Person, words: str) -> Any:
        """What the bot says, once it has."""
        async with asyncio.timeout(10):
            while not (rows := _with(await person.heard(wait=0), words)):
                await asyncio.sleep(0.02)
        return rows[-1]

    async def reviewer(self) -> tuple[Person, Person]:
        """Who was chosen, and the other one."""
        thread = await self.whole()
        is_nadia = thread.submission.reviewer_id == (await self.actor(NADIA)).id
        return (self.nadia, self.dmitri) if is_nadia else (self.dmitri, self.nadia)


@pytest.fixture
async def school(running_bot: Parts, telegram: Telegram, clock: FakeClock) -> AsyncIterator[School]:
    yield await School(running_bot, telegram, clock).open()


def _with(messages: list[Any], words: str) -> list[Any]:
    return [one for one in messages if words in one["text"]]


async def test_an_album_by_the_button_a_reply_to_its_second_part_and_a_correction(school: School) -> None:
    emma = school.emma
    await emma.press(school.lesson, "Submit assignment")
    await school.said(emma, "Send your assignment")
    for number in range(3):
        await school.file(emma, "photo", media_group_id="album", caption="Round the lake." if number == 1 else "")
    await school.parts(3)
    thread = await school.until(1)
    assert [len(one.files) for one in thread.versions] == [3]
    assert thread.versions[0].text == "Round the lake."
    assert _with(await school.latest(emma), "Your assignment is submitted")
    reviewer, _ = await school.reviewer()
    heard = await school.latest(reviewer)
    (head,) = _with(heard, "has submitted an assignment")
    assert "Round the lake." in head["text"] and "3 files" in head["text"]
    photos = [one for one in heard if one["message_id"] > head["message_id"] and not _with([one], "<")]
    assert len(photos) == 3
    await school.reply(reviewer, photos[1], "Lovely. Tomorrow again.")
    thread = await school.answered(1)
    assert thread.submission.state is WorkState.ACCEPTED
    (answer,) = _with(await school.latest(emma), "Lovely. Tomorrow again.")
    assert "accepted" in answer["text"]
    await reviewer.press(await school.said(reviewer, "Sent to"), "Ask for another version")
    (again,) = _with(await school.latest(emma), "Your teacher asks for another version")
    assert again["message_id"] == answer["message_id"]
    # In the panel, corrected; in the chat, the same message.
    review = school.services.assignments.review
    await review.correct(await school.actor(NADIA), thread.feedback[0].id, "Lovely! Again.", Verdict.AGAIN)
    (changed,) = _with(await school.latest(emma), "Lovely! Again.")
    assert changed["message_id"] == answer["message_id"] and "Corrected" in changed["text"]
    # The student replies to the feedback: another version.
    await school.reply(emma, changed, "Done again.")
    assert (await school.until(2)).versions[1].text == "Done again."


async def test_another_admin_replies_after_a_restart_to_what_was_sent_by_voice(
    parts: Parts, telegram: Telegram, clock: FakeClock
) -> None:
    async with polling(parts):
        school = await School(parts, telegram, clock).open()
        await school.file(school.emma, "voice", reply_to=str(school.lesson["message_id"]))
        thread = await school.until(1)
        assert [file.name for file in thread.versions[0].files] == ["v.ogg"]
        clock.move(hours=25)
        await school.services.assignments.review.escalate()
        _, other = await school.reviewer()
        (overdue,) = _with(await school.latest(other), "Overdue")
    async with polling(parts):
        await school.reply(other, overdue, "Good.")
        thread = await school.answered(1)
        assert thread.feedback[0].author_id == (await school.actor(other.number)).id
        (answer,) = _with(await school.latest(school.emma), "Good.")
        # Feedback that is more than text is copied.
        await school.file(other, "voice", reply_to=str(overdue["message_id"]))
        assert (await school.answered(2)).feedback[1].copied
        assert len(await school.latest(school.emma, answer["message_id"])) == 1


async def test_what_is_no_assignment_reaches_support_and_a_reply_in_a_topic_is_found(
    school: School, parts: Parts
) -> None:
    layla = await school.person(LAYLA, "Layla")
    sent = await layla.send("Where is my order?")
    assert await school.taken(layla, sent)
    welcome = next(one for one in await school.emma.heard() if "You have joined" in one["text"])
    sent = await school.reply(school.emma, welcome, "Thank you")
    assert "Message sent" in (await school.taken(school.emma, sent))[0]["text"]
    assert await school.thread() is None
    person = {"id": EMMA, "is_bot": False, "first_name": "Emma"}
    chat = {"id": EMMA, "type": "private"}
    replied = {"message_id": school.lesson["message_id"], "date": 1, "chat": chat, "text": "Read it."}
    message = {
        "message_id": 9001, "date": 1, "chat": chat, "from": person, "text": "Round the lake.",
        "message_thread_id": 77, "is_topic_message": True, "reply_to_message": replied,
    }  # fmt: skip
    update = Update.model_validate({"update_id": 900_000_001, "message": message}, context={"bot": parts.bot})
    await parts.intake.take(update)
    assert (await school.until(1)).versions[0].text == "Round the lake."
