"""Reminders by workers side by side: everybody once, and one a person."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from backend.bootstrap import Services
from backend.courses.service import RemindersService
from backend.kernel.ids import UserId
from tests.backend.courses.students import School
from tests.fakes.clock import FakeClock

_REMINDED = "SELECT payload ->> 'user_id' AS who FROM outbox_jobs WHERE task = 'notifications.reminder_due'"


async def _reminded(services: Services) -> list[str]:
    async with services.uow.read() as tx:
        return [row.who for row in await tx.execute(text(_REMINDED))]


async def _people(school: School) -> list[UserId]:
    return [UserId((await school.enrolment(one)).user_id) for one in school.students]


async def test_two_workers_remind_everybody_once(services: Services, clock: FakeClock) -> None:
    school = School(services.uow, clock)
    await school.course(lessons=1)
    await school.enrol([None] * 40)
    await school.work()
    clock.move(days=3, hours=1)
    workers = [RemindersService(uow=services.uow) for _ in range(4)]
    await asyncio.gather(*(worker.remind(7) for worker in workers))
    # Those that each of them found locked are for the next round.
    await workers[0].remind()
    assert sorted(await _reminded(services)) == sorted(str(one) for one in await _people(school))


async def test_two_courses_of_a_person_looked_at_side_by_side_bring_one(services: Services, clock: FakeClock) -> None:
    school, other = School(services.uow, clock), School(services.uow, clock, first_chat=5000)
    await school.course(lessons=1)
    await school.enrol([None] * 10)
    people = await _people(school)
    await other.course(lessons=1, slug="other")
    await other.enrol_people(people)
    for one in (school, other):
        await one.work()
    clock.move(days=3, hours=1)
    await asyncio.gather(*(RemindersService(uow=services.uow).remind(5) for _ in range(4)))
    await services.courses.reminders.remind()
    assert sorted(await _reminded(services)) == sorted(str(one) for one in people)
