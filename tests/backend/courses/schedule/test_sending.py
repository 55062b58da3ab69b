"""Lessons that are due open and go to the chat: in order, on time, and none is lost."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from backend.courses.domain import schedule
from backend.courses.models import Enrolment
from backend.courses.models.lessons import Lesson
from backend.courses.types import LateRule, ScheduleMode
from backend.courses.types.lessons import ChatPart
from backend.infra.metrics import DELIVERIES_AMBIGUOUS
from backend.infra.telegram.errors import Refused, TelegramDown, TooManyRequests, Unreachable
from tests.backend.courses.students import START, School, days
from tests.fakes.clock import FakeClock


def ambiguous() -> float:
    return DELIVERIES_AMBIGUOUS._value.get()  # type: ignore[no-any-return]


async def test_the_first_lesson_at_once_and_then_each_day_at_the_local_hour(school: School) -> None:
    await school.course(lessons=3)
    berlin, riyadh = await school.enrol(["Europe/Berlin", "Asia/Riyadh"])
    await school.work()
    assert school.chat.lessons(1000) == ["l1"]
    await school.pass_days(4)
    for student, zone in ((berlin, "Europe/Berlin"), (riyadh, "Asia/Riyadh")):
        chat = school.chats[student]
        assert school.chat.lessons(chat) == ["l1", "l2", "l3"]
        local = [at.astimezone(ZoneInfo(zone)) for at in school.chat.times(chat)[1:]]
        assert [(at.day, at.hour) for at in local] == [(2, 10), (3, 10)]
    row = await school.enrolment(berlin)
    assert (row.next_lesson_id, row.next_due_at, row.timezone) == (None, None, "Europe/Berlin")
    first = (await school.deliveries(berlin))[0]
    assert (first.state, first.due_at, first.lesson_version, first.chat_id) == ("sent", START, 1, 1000)
    assert first.message_id and first.sent_at == START


async def test_every_24_hours(school: School) -> None:
    await school.course(ScheduleMode.EVERY_24H)
    (student,) = await school.enrol(["America/New_York"])
    await school.work()
    await school.pass_days(30)
    times = school.chat.times(school.chats[student])
    assert [at - START for at in times] == days(0, 1, 2, 3, 4)


async def test_after_completion_it_waits_for_the_student(school: School) -> None:
    await school.course(ScheduleMode.AFTER_COMPLETION, lessons=3, interval_days=2)
    (student,) = await school.enrol(["Europe/Berlin"])
    await school.work()
    await school.pass_days(3)
    assert school.chat.lessons(1000) == ["l1"]
    await school.complete(student, school.lessons[0])
    await school.pass_days(1)
    assert school.chat.lessons(1000) == ["l1"]
    await school.pass_days(2)
    assert school.chat.lessons(1000) == ["l1", "l2"]
    assert school.chat.times(1000)[1].isoformat() == "2027-03-06T09:00:00+00:00"


@pytest.mark.parametrize(("late", "messages", "open_at_once"), [
    (LateRule.ALL_AT_ONCE, ["calm", "l5"], 4), (LateRule.FROM_TODAY, ["l4", "l5"], 4),
    (LateRule.ONE_A_DAY, ["l1", "l2", "l3", "l4", "l5"], 1),
])  # fmt: skip
async def test_a_late_buyer_of_a_cohort(school: School, late: LateRule, messages: list[str], open_at_once: int) -> None:
    """Joins on the fourth day, after its hour."""
    await school.course(ScheduleMode.COHORT, starts_on=date(2027, 3, 1), late_rule=late.value)
    school.clock.move(days=3, hours=6)
    (student,) = await school.enrol(["Asia/Tokyo"])
    await school.work()
    assert len(await school.deliveries(student)) == open_at_once
    await school.pass_days(5)
    assert school.chat.lessons(1000) == messages
    if late is not LateRule.ONE_A_DAY:
        assert school.chat.times(1000)[-1].isoformat() == "2027-03-05T09:00:00+00:00"  # ten o'clock in Berlin


async def test_two_days_of_outage_are_made_up_for_one_a_day(school: School) -> None:
    await school.course(lessons=6)
    (student,) = await school.enrol()
    await school.work()
    school.clock.move(days=3, hours=20)  # nobody works; l2, l3 and l4 would have been due
    await school.work()
    assert school.chat.lessons(1000) == ["l1", "l2"]
    await school.pass_days(6)
    assert school.chat.lessons(1000) == ["l1", "l2", "l3", "l4", "l5", "l6"]
    assert len({at.date() for at in school.chat.times(1000)}) == 6
    assert (await school.enrolment(student)).shift_minutes == 3 * 1440


async def test_what_is_more_than_seven_days_late_is_one_digest(school: School) -> None:
    await school.course(lessons=40)
    (student,) = await school.enrol()
    await school.work()
    school.clock.move(days=30)
    await school.work()
    assert school.chat.lessons(1000) == ["l1", "calm"]
    assert school.chat.sent[1000][1][1].parts == (ChatPart("<b>29 lessons are waiting for you</b>"),)
    rows = await school.deliveries(student)
    assert {row.state for row in rows[1:-1]} == {"skipped"}
    assert (rows[-1].state, rows[-1].reason) == ("sent", "digest")
    assert len({row.message_id for row in rows[1:]}) == 1
    await school.pass_days(2)
    assert school.chat.lessons(1000)[2:] == ["l31", "l32"]  # as if nothing had been


async def test_pause_resume_and_the_end_of_access(school: School) -> None:
    await school.course(lessons=4)
    (student,) = await school.enrol()
    await school.work()
    await school.end_access(student)
    await school.pass_days(5)
    assert school.chat.lessons(1000) == ["l1"]
    assert (await school.enrolment(student)).next_due_at is None
    await school.give_access(student)
    await school.pass_days(1)
    assert school.chat.lessons(1000) == ["l1", "l2"]


async def test_who_blocked_the_bot_goes_on_in_the_app_and_is_told_later(school: School) -> None:
    await school.course(lessons=4)
    (student,) = await school.enrol()

    def blocked(_chat: int) -> None:
        raise Unreachable("blocked")

    school.chat.before = blocked
    await school.pass_days(2.5)
    rows = await school.deliveries(student)
    assert [(row.state, row.reason) for row in rows] == [("failed", "bot_blocked")] * 3
    school.chat.before = lambda _chat: None
    await school.pass_days(0.2)
    assert school.chat.count == 0  # nothing is tried while they have it blocked
    async with school.uow() as tx:
        await tx.execute(text("UPDATE users SET bot_blocked_at = NULL"))
        user_id = (await school.enrolment_in(tx, student)).user_id
        await schedule.bot_unblocked(tx, user_id)
    await school.work()
    assert school.chat.lessons(1000) == ["calm"]
    assert school.chat.sent[1000][0][1].parts == (ChatPart("<b>3 lessons are waiting for you</b>"),)
    await school.pass_days(1)
    assert school.chat.lessons(1000) == ["calm", "l4"]


async def test_a_refused_message_is_not_tried_again_and_the_course_goes_on(school: School) -> None:
    await school.course(lessons=2)
    (student,) = await school.enrol()

    def refused(_chat: int) -> None:
        raise Refused("can't parse entities")

    school.chat.before = refused
    await school.work()
    school.chat.before = lambda _chat: None
    await school.pass_days(2)
    assert school.chat.lessons(1000) == ["l2"]
    assert [(row.state, row.reason) for row in await school.deliveries(student)] == [
        ("failed", "refused"), ("sent", None),
    ]  # fmt: skip


async def test_telegram_is_away_for_three_days(school: School) -> None:
    """The one lesson waits, the schedule moves by a day each day, and all come in order, one a day."""
    await school.course(lessons=4)
    (student,) = await school.enrol()

    def away(_chat: int) -> None:
        raise TelegramDown("no answer")

    school.chat.before = away
    before = ambiguous()
    await school.pass_days(3)
    assert ambiguous() > before
    (row,) = await school.deliveries(student)
    assert (row.state, row.reason) == ("failed", "telegram_down")
    school.chat.before = lambda _chat: None
    await school.pass_days(6)
    assert school.chat.lessons(1000) == ["l1", "l2", "l3", "l4"]
    assert len({at.date() for at in school.chat.times(1000)}) == 4


async def test_a_wait_that_telegram_asks_for_is_kept(school: School) -> None:
    await school.course(lessons=1)
    (student,) = await school.enrol()

    def limited(_chat: int) -> None:
        raise TooManyRequests("slowly", 90)

    school.chat.before = limited
    await school.work()
    (row,) = await school.deliveries(student)
    assert row.retry_at - START == timedelta(seconds=90)
    school.chat.before = lambda _chat: None
    school.clock.move(seconds=89)
    await school.work()
    assert school.chat.count == 0
    school.clock.move(seconds=1)
    await school.work()
    assert school.chat.lessons(1000) == ["l1"]


async def test_a_worker_that_died_is_waited_for_and_counted(school: School) -> None:
    """After Telegram's answer, before the record: the lesson comes twice, and the count says so."""
    await school.course(lessons=1)
    await school.enrol()

    class Killed(BaseException):
        pass

    def killed(_chat: int) -> None:
        raise Killed

    school.chat.after = killed
    with pytest.raises(BaseExceptionGroup):
        await school.sending.work()
    school.chat.after = lambda _chat: None
    before = ambiguous()
    school.sending = school.worker()
    school.clock.move(seconds=119)
    await school.work()
    assert (school.chat.lessons(1000), ambiguous()) == (["l1"], before)
    school.clock.move(seconds=1)
    await school.work()
    assert (school.chat.lessons(1000), ambiguous()) == (["l1", "l1"], before + 1)


async def test_lessons_deleted_reordered_and_added_while_somebody_is_in_the_middle(school: School) -> None:
    await school.course(lessons=5)
    (student,) = await school.enrol()
    await school.work()
    await school.pass_days(1.5)
    assert school.chat.lessons(1000) == ["l1", "l2"]
    # The next one is deleted, the last comes before all others, and a new one is added at the end.
    await school.change(Lesson, school.lessons[2], deleted_at=school.clock.now())
    await school.change(Lesson, school.lessons[4], position=3)
    await school.add_lesson("new", 9)
    async with school.uow() as tx:
        assert await schedule.lessons_changed(tx, school.course_id) == 0  # nobody's date moves
    assert (await school.enrolment(student)).next_lesson_id == school.lessons[4]
    await school.pass_days(5)
    assert school.chat.lessons(1000) == ["l1", "l2", "l5", "l4", "new"]
    assert [at.date() for at in school.chat.times(1000)] == [date(2027, 3, day) for day in (1, 2, 3, 4, 5)]


async def test_a_lesson_that_is_added_after_the_last_one_still_comes(school: School) -> None:
    await school.course(lessons=1)
    (student,) = await school.enrol()
    await school.work()
    await school.pass_days(3)
    await school.add_lesson("l2", 2)
    async with school.uow() as tx:
        assert await schedule.lessons_changed(tx, school.course_id) == 1
    await school.pass_days(1)
    assert school.chat.lessons(1000) == ["l1", "l2"]
    await school.change(Enrolment, student, completed_at=school.clock.now())
    await school.add_lesson("bonus", 3)
    async with school.uow() as tx:
        await schedule.lessons_changed(tx, school.course_id)
    await school.pass_days(2)
    assert school.chat.lessons(1000) == ["l1", "l2"]  # who has completed the course receives nothing more


async def test_a_lesson_waits_until_it_is_published(school: School) -> None:
    await school.course(lessons=1)
    await school.add_lesson("later", 2, publish_at=START + timedelta(days=4, hours=3))
    await school.enrol()
    await school.work()
    await school.pass_days(6)
    assert [at - START for at in school.chat.times(1000)] == [timedelta(), timedelta(days=4, hours=3)]


async def test_a_clock_that_moves_back_repeats_nothing(school: School, clock: FakeClock) -> None:
    await school.course(lessons=3)
    await school.enrol()
    await school.work()
    await school.pass_days(1)
    clock.move(days=-1)
    await school.work()
    await school.pass_days(4)
    assert school.chat.lessons(1000) == ["l1", "l2", "l3"]


async def test_a_person_who_travels_gets_one_lesson_a_local_date(school: School) -> None:
    await school.course(lessons=4)
    (student,) = await school.enrol(["America/Los_Angeles"])
    await school.work()
    await school.pass_days(1.2)
    async with school.uow() as tx:
        await tx.execute(text("UPDATE users SET timezone = 'Asia/Tokyo'"))
        user_id = (await school.enrolment_in(tx, student)).user_id
        assert await schedule.zone_changed(tx, user_id) == 1
    await school.pass_days(4)
    assert school.chat.lessons(1000) == ["l1", "l2", "l3", "l4"]
    local = [at.astimezone(ZoneInfo("Asia/Tokyo")) for at in school.chat.times(1000)[2:]]
    assert all(at.hour == 10 for at in local)
    assert len({at.date() for at in local}) == 2


async def test_the_page_opens_when_the_message_is_due(school: School) -> None:
    """The chat and can_open read the same row: nothing is sent before it is open."""
    await school.course(lessons=3)
    (student,) = await school.enrol()
    await school.work()
    await school.pass_days(3)
    for row in await school.deliveries(student):
        assert row.sent_at >= row.due_at
        assert row.sent_at - row.due_at < timedelta(hours=1)
