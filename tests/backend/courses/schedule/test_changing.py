"""Schedules changed by students and teachers: counted before, exact after, undone as if nothing had been."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.courses.errors import HourNotAllowed
from backend.courses.rules import schedule as rules
from backend.courses.service.schedule import ScheduleService
from backend.courses.types import CourseId, DeliveryState, EnrolmentId, ScheduleMode
from backend.courses.types.schedule import Change, Verb
from backend.courses.types.teaching import Schedule
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import new_id
from tests.backend.courses.students import START, School
from tests.factories.catalog import buyer
from tests.factories.courses import add_course, add_lessons, add_teacher, course_services, product, tariffs_of
from tests.factories.identity import add_user

TEACHER = buyer(user_id=new_id(), permissions=frozenset({Permission.TEACHING}))


@pytest.fixture
def service(uow: UnitOfWork) -> ScheduleService:
    return ScheduleService(uow=uow)


async def student_actor(school: School, enrolment_id: EnrolmentId) -> Actor:
    return buyer(user_id=(await school.enrolment(enrolment_id)).user_id)


async def everything(school: School) -> list[object]:
    """All that a change of schedules may touch."""
    enrolments = await school.rows("SELECT * FROM enrolments ORDER BY id")
    return [*enrolments, *await school.rows("SELECT * FROM lesson_deliveries ORDER BY enrolment_id, lesson_id")]


@pytest.mark.parametrize("change", [
    Change(verb=Verb.SHIFT, minutes=1440), Change(verb=Verb.SHIFT, minutes=-90), Change(verb=Verb.PAUSE),
    Change(verb=Verb.OPEN),
], ids=lambda change: f"{change.verb}{change.minutes or ''}")  # fmt: skip
async def test_a_change_is_counted_made_and_undone_exactly(
    school: School, service: ScheduleService, change: Change
) -> None:
    await school.course(lessons=6)
    ids = await school.enrol(["Europe/Berlin", "Asia/Riyadh", None, "America/New_York"])
    await school.work()
    before = await everything(school)
    dry = await service.change(TEACHER, school.course_id, change, ids[:3], dry_run=True)
    assert await everything(school) == before
    done = await service.change(TEACHER, school.course_id, change, ids[:3])
    assert (done.students, done.changed, done.moved, done.opened) == (dry.students, dry.changed, dry.moved, dry.opened)
    assert (dry.changed, dry.undo) == (3, None)
    assert done.undo
    after = await everything(school)
    assert after != before
    assert (await school.enrolment(ids[3])) in before
    assert (await service.undo(TEACHER, school.course_id, done.undo)).restored == 3
    assert await everything(school) == before
    with pytest.raises(Invalid):
        await service.undo(TEACHER, school.course_id, done.undo)
    with pytest.raises(NotFound):
        await service.undo(TEACHER, school.course_id, new_id())
    entries = await school.rows("SELECT * FROM audit_entries WHERE action = 'courses.change_schedule'")
    assert len(entries) == 1


async def test_312_students_move_by_a_day(school: School, service: ScheduleService) -> None:
    await school.course(lessons=3)
    await school.enrol([None] * 3)
    await school.work()
    dry = await service.change(TEACHER, school.course_id, Change(verb=Verb.SHIFT, minutes=1440), dry_run=True)
    assert (dry.students, dry.changed, dry.moved) == (3, 3, {1440: 3})
    with pytest.raises(Forbidden):
        await service.change(buyer(user_id=new_id()), school.course_id, Change(verb=Verb.PAUSE))
    with pytest.raises(Invalid):
        await service.change(TEACHER, school.course_id, Change(verb=Verb.SHIFT, minutes=10**6))


async def test_what_has_changed_since_is_not_undone(school: School, service: ScheduleService) -> None:
    await school.course(lessons=5)
    first, second = await school.enrol([None, None])
    await school.work()
    done = await service.change(TEACHER, school.course_id, Change(verb=Verb.SHIFT, minutes=60))
    await service.change(TEACHER, school.course_id, Change(verb=Verb.SHIFT, minutes=60), [first])
    assert done.undo
    counted = await service.undo(TEACHER, school.course_id, done.undo, dry_run=True)
    assert (await school.enrolment(second)).shift_minutes == 60
    undone = await service.undo(TEACHER, school.course_id, done.undo)
    assert (undone.restored, undone.left) == (1, 1) and counted == undone
    assert (await school.enrolment(first)).shift_minutes == 120
    assert (await school.enrolment(second)).shift_minutes == 0


async def test_the_history_says_what_was_done_and_what_was_undone(school: School, service: ScheduleService) -> None:
    await school.course(lessons=5)
    first, _second = await school.enrol([None, None])
    await school.work()
    whole = Change(verb=Verb.SHIFT, minutes=1440)
    done = await service.change(TEACHER, school.course_id, whole)
    await service.change(TEACHER, school.course_id, Change(verb=Verb.OPEN), [first])
    await service.change(TEACHER, school.course_id, whole, [], dry_run=True)
    assert done.undo
    last, before = await service.list_changes(TEACHER, school.course_id)
    assert (before.id, before.by, before.change, before.outcome) == (done.undo, TEACHER.user_id, whole, done)
    assert (last.change.verb, last.outcome.opened, last.undone, before.undone) == (Verb.OPEN, 4, False, False)
    with pytest.raises(NotFound):
        await service.undo(TEACHER, CourseId(new_id()), last.id)
    await service.undo(TEACHER, school.course_id, last.id)
    await service.undo(TEACHER, school.course_id, before.id)
    assert [one.undone for one in await service.list_changes(TEACHER, school.course_id)] == [True, True]
    assert {(await school.enrolment(one)).shift_minutes for one in school.students} == {0}
    assert await service.list_changes(TEACHER, CourseId(new_id())) == []
    with pytest.raises(Forbidden):
        await service.list_changes(buyer(user_id=new_id()), school.course_id)


async def test_open_all_is_one_message_and_open_to_the_third_goes_on_after_it(
    school: School, service: ScheduleService
) -> None:
    await school.course(lessons=5)
    one, two = await school.enrol([None, None])
    await school.work()
    await service.change(TEACHER, school.course_id, Change(verb=Verb.OPEN), [one])
    done = await service.change(TEACHER, school.course_id, Change(verb=Verb.OPEN, until=school.lessons[2]), [two])
    assert done.opened == 2
    await school.work()
    assert school.chat.lessons(school.chats[one]) == ["l1", "calm"]
    assert school.chat.lessons(school.chats[two]) == ["l1", "calm"]
    await school.pass_days(6)
    assert school.chat.lessons(school.chats[one]) == ["l1", "calm"]
    assert school.chat.lessons(school.chats[two]) == ["l1", "calm", "l4", "l5"]
    assert [at - START for at in school.chat.times(school.chats[two])[2:]] == [
        timedelta(days=3, hours=4), timedelta(days=4, hours=4),
    ]  # fmt: skip  # on their own days


async def test_a_student_pauses_resumes_and_moves_their_hour(school: School, service: ScheduleService) -> None:
    await school.course(lessons=5, student_from=480, student_to=1320)
    (student,) = await school.enrol(["Europe/Berlin"])
    await school.work()
    actor, stranger = await student_actor(school, student), buyer(user_id=new_id())
    await service.move_hour(actor, student, 21 * 60 + 45)
    await school.pass_days(2)
    assert [f"{at:%d %H:%M}" for at, _ in school.chat.sent[1000]] == ["01 06:00", "02 21:00"]
    assert (await school.enrolment(student)).next_due_at.isoformat() == "2027-03-03T20:45:00+00:00"
    with pytest.raises(HourNotAllowed):
        await service.move_hour(actor, student, 300)
    with pytest.raises(NotFound):
        await service.move_hour(stranger, student, 600)
    with pytest.raises(NotFound):
        await service.calendar(stranger, student)
    await service.pause(actor, student)
    await school.pass_days(10)
    assert school.chat.lessons(1000) == ["l1", "l2"]
    await service.resume(actor, student)
    await school.pass_days(4)
    assert school.chat.lessons(1000) == ["l1", "l2", "l3", "l4", "l5"]
    assert len({at.date() for at in school.chat.times(1000)}) == 5


async def test_a_cohort_has_one_hour(school: School, service: ScheduleService) -> None:
    await school.course(
        ScheduleMode.COHORT, starts_on=START.date() + timedelta(days=2), student_from=0, student_to=1439
    )
    (student,) = await school.enrol()
    with pytest.raises(HourNotAllowed):
        await service.move_hour(await student_actor(school, student), student, 700)


async def test_the_calendar_is_what_comes(school: School, service: ScheduleService) -> None:
    await school.course(lessons=4)
    (student,) = await school.enrol(["Europe/Berlin"])
    await school.work()
    actor = await student_actor(school, student)
    days = await service.calendar(actor, student)
    assert [day.open for day in days] == [True, False, False, False]
    await school.pass_days(4)
    assert [day.at for day in days] == [row.due_at for row in await school.deliveries(student)]


async def test_deliveries_are_listed_and_one_is_sent_again(school: School, service: ScheduleService) -> None:
    await school.course(lessons=2)
    (student,) = await school.enrol()
    await school.work()
    (row,) = await service.list_deliveries(TEACHER, course_id=school.course_id)
    assert (row.state, row.title, row.position, row.message_id) == (DeliveryState.SENT, "Lesson l1", 1, 1)
    assert await service.list_deliveries(TEACHER, enrolment_id=student, state=DeliveryState.FAILED) == []
    await service.send_again(TEACHER, student, school.lessons[0])
    await school.work()
    assert school.chat.lessons(1000) == ["l1", "l1"]
    with pytest.raises(NotFound):
        await service.send_again(TEACHER, student, school.lessons[1])
    with pytest.raises(Forbidden):
        await service.list_deliveries(buyer(user_id=new_id()))


async def test_replan_after_an_upgrade_of_the_zones(school: School, service: ScheduleService) -> None:
    """What an older release gave is computed again: here one that knew nothing of an hour."""
    await school.course(lessons=3)
    old, new = await school.enrol(["Africa/Casablanca", "Africa/Casablanca"])
    await school.work()
    right = (await school.enrolment(old)).next_due_at
    async with school.uow() as tx:
        await tx.execute(
            text(
                "UPDATE enrolments SET next_due_at = next_due_at + interval '1 hour',"
                " due_rule = jsonb_set(due_rule, '{tzdata}', '\"2025.2\"') WHERE id = :id"
            ),
            {"id": old},
        )
    dry = await service.replan(dry_run=True)
    assert (dry.students, dry.changed, dry.moved) == (1, 1, {-60: 1})
    assert (await school.enrolment(old)).next_due_at == right + timedelta(hours=1)
    assert await service.replan(dry_run=False) == dry
    row = await school.enrolment(old)
    assert (row.next_due_at, row.due_rule["tzdata"]) == (right, rules.zones_version())
    assert (await service.replan(dry_run=False)).students == 0
    assert (await school.enrolment(new)).next_due_at == right


async def test_editing_texts_moves_nothing(school: School) -> None:
    await school.course(lessons=3)
    await school.enrol([None] * 5)
    await school.work()
    before = await everything(school)
    async with school.uow() as tx:
        await tx.execute(text("UPDATE lesson_texts SET title = 'New'"))
        await tx.execute(text("UPDATE lessons SET version = version + 1"))
    assert await everything(school) == before


async def test_another_hour_is_shown_dry_before_it_moves_everybody(uow: UnitOfWork, school: School) -> None:
    teacher = await add_teacher(uow)
    when = Schedule(mode=ScheduleMode.LOCAL_HOUR, local_minute=600)
    course_id = await add_course(uow, teacher, schedule=when)
    await add_lessons(uow, course_id, 3)
    services = course_services(uow)
    tariff = (await tariffs_of(uow, teacher, course_id))["basic"]
    async with uow() as tx:
        people = [await add_user(tx) for _ in range(3)]
    for user_id in people:
        await services.students.gift(teacher, user_id, tariff.id, "for the test")
    while await services.sending.work():
        pass
    rows = "SELECT next_due_at FROM enrolments ORDER BY id"
    before = await school.rows(rows)
    look, later = product("Calm"), msgspec.structs.replace(when, local_minute=690)
    assert await services.courses.edit(teacher, course_id, look, later, dry_run=True) == 3
    assert await school.rows(rows) == before
    assert await services.courses.edit(teacher, course_id, look, later) == 3
    assert [(new[0] - old[0]).total_seconds() for new, old in zip(await school.rows(rows), before, strict=True)] == [
        90 * 60
    ] * 3
    assert await services.courses.edit(teacher, course_id, product("Another name"), later) == 0
