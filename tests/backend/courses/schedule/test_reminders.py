"""Reminders to the quiet: who gets one and when, one a day a person, once by however many workers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.courses.domain import changing, progress, reminders, teaching
from backend.courses.models import Course, Enrolment
from backend.courses.models.lessons import Lesson
from backend.courses.service import LearningService, RemindersService
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.access import AssignmentNeed, LessonAccess
from backend.courses.types.schedule import Change, Verb
from backend.identity import domain as identity
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from tests.backend.courses.students import School
from tests.factories.wallet import actor_of


@pytest.fixture
def service(uow: UnitOfWork) -> RemindersService:
    """The worker's part."""
    return RemindersService(uow=uow)


async def due(school: School) -> list[Any]:
    """The reminders that were decided, in their order: who, and the how-manieth."""
    return [(one["enrolment_id"], one["number"]) for one in await payloads(school)]


async def payloads(school: School) -> list[Any]:
    """Their events."""
    rows = await school.rows("SELECT payload FROM outbox_jobs WHERE task = 'notifications.reminder_due' ORDER BY id")
    return [row.payload for row in rows]


async def pass_days(school: School, service: RemindersService, days: float) -> None:
    """Time passes, and the worker looks each hour."""
    for _ in range(int(days * 24)):
        school.clock.move(hours=1)
        await school.work()
        await service.remind()


async def open_(school: School, student: EnrolmentId, lesson: LessonId) -> None:
    """The student opens a lesson."""
    async with school.uow() as tx:
        access = LessonAccess(
            lesson_id=lesson, course_id=school.course_id, slug="l1", position=1, day=1, required=True, minutes=None,
            version=1, enrolment_id=student, closed=None, opens_at=tx.now, preview=False, opened_at=None,
            completed_at=None, place=0, assignment=AssignmentNeed.NONE, submitted_at=None,
        )  # fmt: skip
        await progress.save_place(tx, access, 1)


async def test_three_in_a_row_growing_apart_and_again_after_they_were_there(
    school: School, service: RemindersService
) -> None:
    await school.course(lessons=1)
    (student,) = await school.enrol()
    await pass_days(school, service, 2.9)
    assert await due(school) == []
    await pass_days(school, service, 0.2)
    assert await due(school) == [(str(student), 1)]
    await pass_days(school, service, 5.8)
    assert len(await due(school)) == 1
    await pass_days(school, service, 0.3)
    assert len(await due(school)) == 2
    await pass_days(school, service, 60)
    assert await due(school) == [(str(student), number) for number in (1, 2, 3)]
    await open_(school, student, school.lessons[0])
    await pass_days(school, service, 3.1)
    assert (await due(school))[3:] == [(str(student), 1)]


async def test_whoever_has_nothing_to_do_or_has_no_part_in_it_any_more_gets_none(
    school: School, service: RemindersService
) -> None:
    await school.course(lessons=1)
    done, ended, paused, off, blocked, quiet = await school.enrol([None] * 6)
    await school.work()
    await school.complete(done, school.lessons[0])
    await school.end_access(ended)
    async with school.uow() as tx:
        await changing.apply(tx, [paused], Change(verb=Verb.PAUSE))
    users = {id_: UserId((await school.enrolment(id_)).user_id) for id_ in (off, blocked)}
    await service.switch(actor_of(users[off]), on=False)
    async with school.uow() as tx:
        await identity.mark_bot_blocked(tx, users[blocked], tx.now)
    await pass_days(school, service, 4)
    assert await due(school) == [(str(quiet), 1)]
    # Each comes back: the days are counted from then.
    async with school.uow() as tx:
        await changing.apply(tx, [paused], Change(verb=Verb.RESUME))
        await reminders.bot_unblocked(tx, users[blocked])
        await identity.mark_bot_blocked(tx, users[blocked], None)
    await service.switch(actor_of(users[off]), on=True)
    await school.give_access(ended)
    await pass_days(school, service, 2.9)
    assert len(await due(school)) == 1
    await pass_days(school, service, 0.2)
    assert {who for who, _ in (await due(school))[1:]} == {str(one) for one in (paused, blocked, off, ended)}


async def test_a_required_assignment_that_is_not_submitted_is_something_to_do(
    school: School, service: RemindersService
) -> None:
    await school.course(lessons=2)
    await school.change(Lesson, school.lessons[1], publish_at=school.clock.now().replace(year=2030))
    (student,) = await school.enrol()
    await school.work()
    await school.complete(student, school.lessons[0])
    await pass_days(school, service, 8)
    assert await due(school) == []
    await school.change(Lesson, school.lessons[0], has_assignment=True)
    await pass_days(school, service, 1.1)
    assert await due(school) == [(str(student), 1)]
    async with school.uow.read() as tx:
        assert await reminders.find_todo(tx, student, 1) == school.lessons[0]


async def test_the_courses_setting_counts_from_when_it_is_changed(school: School, service: RemindersService) -> None:
    await school.course(lessons=1, remind_days=0)
    (student,) = await school.enrol()
    await pass_days(school, service, 10)
    assert await due(school) == [] and (await school.enrolment(student)).remind_at is None
    await school.change(Course, school.course_id, remind_days=2)
    async with school.uow() as tx:
        await teaching.reminders.restart_course(tx, school.course_id)
    await pass_days(school, service, 1.9)
    assert await due(school) == []
    await pass_days(school, service, 0.2)
    assert await due(school) == [(str(student), 1)]


async def test_one_a_day_over_all_courses(school: School, uow: UnitOfWork, service: RemindersService) -> None:
    await school.course(lessons=1)
    (first,) = await school.enrol()
    user = UserId((await school.enrolment(first)).user_id)
    other = School(uow, school.clock, first_chat=5000)
    await other.course(lessons=1, slug="other")
    (second,) = await other.enrol_people([user])
    other.chats[second] = 1000
    await pass_days(school, service, 3.5)
    assert len(await due(school)) == 1
    await pass_days(school, service, 1)
    assert {who for who, _ in await due(school)} == {str(first), str(second)}
    at = [one["at"] for one in await payloads(school)]
    assert datetime.fromisoformat(at[1]) - datetime.fromisoformat(at[0]) >= timedelta(days=1)


async def test_a_reminder_is_not_needed_once_they_have_come_back(school: School, service: RemindersService) -> None:
    await school.course(lessons=2)
    (student,) = await school.enrol()
    await pass_days(school, service, 3.5)
    ((_, number),) = await due(school)

    async def todo() -> LessonId | None:
        async with school.uow.read() as tx:
            return await reminders.find_todo(tx, student, number)

    assert await todo() == school.lessons[0]
    await school.change(Enrolment, student, paused_at=school.clock.now())
    assert await todo() is None
    await school.change(Enrolment, student, paused_at=None)
    await school.end_access(student)
    assert await todo() is None
    await school.give_access(student)
    await school.change(Enrolment, student, reminders=1)
    assert await todo() == school.lessons[0]
    await open_(school, student, school.lessons[1])
    assert await todo() is None


async def test_where_they_go_on_is_the_lesson_that_they_opened_last(school: School, service: RemindersService) -> None:
    await school.course(lessons=3)
    (student,) = await school.enrol()
    await pass_days(school, service, 2.5)
    await open_(school, student, school.lessons[1])
    await pass_days(school, service, 3.1)
    assert await due(school) == [(str(student), 1)]
    async with school.uow.read() as tx:
        assert await reminders.find_todo(tx, student, 1) == school.lessons[1]


async def test_lessons_are_opened_by_the_service_too(uow: UnitOfWork, school: School) -> None:
    await school.course(lessons=1)
    (student,) = await school.enrol()
    await school.work()
    user = UserId((await school.enrolment(student)).user_id)
    await LearningService(uow=uow).open_lesson(actor_of(user), school.lessons[0])
    assert (await school.enrolment(student)).active_at == school.clock.now()
