"""Reminders in the chat: in the morning, to the lesson where they left off, and none that is not needed any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.bootstrap import build
from backend.courses.types import EnrolmentId, LessonId, ScheduleMode
from backend.courses.types.reminders import REMINDERS_OFF
from backend.courses.types.schedule import Change, Verb
from backend.courses.types.teaching import Schedule
from backend.identity.types import Actor
from backend.infra.settings import Settings
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.factories.courses import add_course, add_lessons, add_teacher, tariffs_of
from tests.fakes.clock import FakeClock


class Quiet:
    """Emma in New York (UTC−5), whose course has two lessons open; she does nothing for three days and a half."""

    def __init__(self, shop: Shop, telegram: Telegram) -> None:
        self.shop = shop
        self.telegram = telegram

    async def open(self) -> Quiet:
        services = self.shop.services
        self.teacher: Actor = await add_teacher(services.uow)
        course = await add_course(services.uow, self.teacher, schedule=Schedule(mode=ScheduleMode.EVERY_24H))
        self.lessons: list[LessonId] = await add_lessons(services.uow, course, 2)
        emma = await self.shop.buyer()
        self.emma: Actor = await services.identity.profile.set_timezone(emma, "America/New_York")
        tariff = (await tariffs_of(services.uow, self.teacher, course))["basic"]
        self.enrolment: EnrolmentId = await services.courses.students.gift(self.teacher, emma.id, tariff.id, "a test")
        change = Change(verb=Verb.OPEN, until=self.lessons[-1])
        await services.courses.schedule.change(self.teacher, course, change, [self.enrolment])
        await services.courses.learning.open_lesson(self.emma, self.lessons[0])
        self.shop.clock.move(days=3, hours=12)  # 3 o'clock at night in UTC, 22 o'clock in New York
        await services.courses.reminders.remind()
        await self.shop.work()
        return self

    async def status(self) -> str:
        (row,) = await self.shop.notifications("course_reminder")
        return str(row.status)

    async def reminders(self) -> list[Any]:
        heard = await self.telegram.person(EMMA).heard()
        return [message for message in heard if "is waiting for you" in message["text"]]


@pytest.fixture
async def quiet(
    other_settings: Callable[..., Settings], telegram: Telegram, committed_db: None
) -> AsyncIterator[Quiet]:
    """Emma, at night."""
    clock = FakeClock(datetime(2026, 11, 2, 15, 0, tzinfo=UTC))
    services = build(other_settings(telegram_api_url=telegram.url, quiet_from=22, quiet_until=8), clock=clock)
    services.telegram.pace = None  # real seconds, and here the clock stands
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        yield await Quiet(Shop(services, clock), telegram).open()


async def test_it_waits_for_the_morning_and_leads_to_the_lesson(quiet: Quiet) -> None:
    assert await quiet.status() == "pending" and await quiet.reminders() == []
    await quiet.shop.later(hours=9, minutes=59)
    assert await quiet.status() == "pending"
    await quiet.shop.later(minutes=1)
    assert await quiet.status() == "sent"
    (message,) = await quiet.reminders()
    assert "Calm\nlesson-1" in message["text"].replace("\u2068", "").replace("\u2069", "")
    (go_on,), (off,) = message["buttons"]
    assert go_on["value"].endswith("/learn/calm/lesson-1")
    assert (off["text"], off["value"]) == ("Turn off reminders", REMINDERS_OFF)


@pytest.mark.parametrize("what", ["came back", "off", "ended", "paused", "completed"])
async def test_it_is_not_sent_where_it_is_not_needed_any_more(quiet: Quiet, what: str) -> None:
    courses = quiet.shop.services.courses
    match what:
        case "came back":
            await courses.learning.save_place(quiet.emma, quiet.lessons[1], 3)
        case "off":
            await courses.reminders.switch(quiet.emma, on=False)
        case "ended":
            (grant,) = (await courses.students.get(quiet.teacher, quiet.enrolment)).grants
            await courses.students.revoke(quiet.teacher, grant.id, "a test")
        case "paused":
            await courses.schedule.pause(quiet.emma, quiet.enrolment)
        case "completed":
            for lesson in quiet.lessons:
                await courses.learning.complete(quiet.emma, lesson)
    await quiet.shop.later(hours=10)
    assert await quiet.status() == "withheld" and await quiet.reminders() == []


async def test_the_outbox_may_run_it_twice(quiet: Quiet) -> None:
    async with quiet.shop.services.uow() as tx:
        (job,) = await quiet.shop.jobs("notifications.reminder_due")
        tx.enqueue(job.task, job.payload)
    await quiet.shop.later(hours=10)
    assert len(await quiet.reminders()) == 1
