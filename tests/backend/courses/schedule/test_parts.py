"""Lessons that are several messages: what has arrived is noted after each, and never sent twice."""

from __future__ import annotations

import pytest

from backend.courses.repository import deliveries
from backend.courses.types import EnrolmentId
from backend.infra.telegram.errors import TelegramDown
from tests.backend.courses.students import School


async def in_parts(school: School) -> EnrolmentId:
    """A student of a course whose one lesson is three messages, the second of which does not arrive."""
    await school.course(lessons=1)
    await school.change_text("\n\n".join("a" * 4000 for _ in range(2)) + "\n\nend " + "b" * 3000)
    (student,) = await school.enrol()
    school.chat.before = lambda _chat: away() if school.chat.count == 1 else None
    return student


def away() -> None:
    raise TelegramDown("no answer")


async def test_a_lesson_of_several_messages_goes_on_at_the_one_that_failed(school: School) -> None:
    student = await in_parts(school)
    await school.work()
    (row,) = await school.deliveries(student)
    assert (row.state, row.parts_sent, row.lesson_version, school.chat.lessons(1000)) == ("failed", 1, 2, [])
    school.chat.before = lambda _chat: None
    school.clock.move(seconds=20)
    await school.work()
    parts = list(school.chat.parts[1000])
    assert len(parts) == len(set(parts)) == 3, "none comes twice"
    (row,) = await school.deliveries(student)
    assert (row.state, school.chat.lessons(1000)) == ("sent", ["l1"])
    async with school.uow() as tx:
        assert await deliveries.send_again(tx, student, school.lessons[0])
    await school.work()
    assert school.chat.parts[1000] == parts * 2, "asked for again, it comes whole"


async def test_a_worker_that_died_between_two_messages_repeats_neither(school: School) -> None:
    class Killed(BaseException):
        pass

    def killed(_chat: int) -> None:
        if school.chat.count == 1:
            raise Killed

    await in_parts(school)
    school.chat.before = killed
    with pytest.raises(BaseExceptionGroup):
        await school.sending.work()
    school.chat.before = lambda _chat: None
    school.sending = school.worker()
    school.clock.move(seconds=120)
    await school.work()
    assert len(school.chat.parts[1000]) == len(set(school.chat.parts[1000])) == 3


async def test_a_text_that_changed_meanwhile_is_sent_from_its_beginning(school: School) -> None:
    await in_parts(school)
    await school.work()
    await school.change_text("Another text")
    school.chat.before = lambda _chat: None
    school.clock.move(seconds=20)
    await school.work()
    assert "Another text" in school.chat.parts[1000][1] and len(school.chat.parts[1000]) == 2


async def test_a_worker_whose_claim_has_run_out_stops_between_two_messages(school: School) -> None:
    student = await in_parts(school)
    other = school.worker()
    school.chat.before = lambda _chat: None

    async def sent_by_the_other(chat_id: int) -> None:
        school.clock.move(seconds=121)
        await other.work()

    school.chat.between = sent_by_the_other
    await school.work()
    (row,) = await school.deliveries(student)
    assert row.state == "sent" and school.chat.lessons(1000) == ["l1"], "the last message comes once"
