"""One answer to who may open a lesson: by grant, by its moment, for teachers as a student of a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.courses.domain import access
from backend.courses.errors import AccessEnded, LessonLocked
from backend.courses.types import LessonId
from backend.courses.types.access import Closed, LessonAccess
from backend.identity.types import Actor
from backend.kernel.errors import Forbidden, NotFound
from tests.backend.courses.school import School
from tests.factories.courses import add_course, add_lessons, open_lessons
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock


async def _lessons(school: School, count: int = 3) -> list[LessonId]:
    return await add_lessons(school.uow, school.course_id, count)


async def _closed(school: School, actor: Actor, lesson_id: LessonId, as_day: int | None = None) -> Closed | None:
    return (await school.services.learning.can_open(actor, lesson_id, as_day=as_day)).closed


async def _listed(school: School, actor: Actor, as_day: int | None = None) -> list[LessonAccess]:
    async with school.uow.read() as tx:
        return await access.list_lessons(tx, actor, school.course_id, as_day)


async def test_a_lesson_is_open_from_its_moment(school: School, clock: FakeClock) -> None:
    first, second, third = await _lessons(school)
    await school.buy("basic")
    (enrolment,) = await school.enrolments()
    due = clock.now() + timedelta(hours=1)
    await open_lessons(school.uow, enrolment, [first], clock.now())
    await open_lessons(school.uow, enrolment, [second], due)
    before = [await _closed(school, school.buyer, lesson) for lesson in (first, second, third)]
    assert before == [None, Closed.LOCKED, Closed.LOCKED]
    clock.move(seconds=3599.999)
    assert await _closed(school, school.buyer, second) is Closed.LOCKED
    with pytest.raises(LessonLocked):
        await school.services.learning.open_lesson(school.buyer, second)
    clock.move(seconds=0.001)
    opened = await school.services.learning.open_lesson(school.buyer, second)
    assert (opened.closed, opened.opens_at, opened.day, opened.preview) == (None, due, 2, False)
    assert [one.closed for one in await _listed(school, school.buyer)] == [None, None, Closed.LOCKED]


async def test_strangers_and_buyers_of_another_course_have_none(school: School, clock: FakeClock) -> None:
    (lesson,) = await _lessons(school, 1)
    (stranger,) = await buyers(school.uow, 1, 10_000)
    await add_course(school.uow, school.teacher, "other")
    assert await _closed(school, stranger, lesson) is Closed.NO_ACCESS
    with pytest.raises(Forbidden):
        await school.services.learning.complete(stranger, lesson)
    await school.buy("basic", by=stranger)
    (enrolment,) = await school.enrolments(stranger)
    await open_lessons(school.uow, enrolment, [lesson], clock.now())
    assert await _closed(school, stranger, lesson) is None
    assert await _closed(school, school.buyer, lesson) is Closed.NO_ACCESS


async def test_without_a_live_grant_everything_is_closed_and_nothing_forgotten(
    school: School, clock: FakeClock
) -> None:
    (lesson,) = await _lessons(school, 1)
    order = await school.buy("basic")
    (enrolment,) = await school.enrolments()
    await open_lessons(school.uow, enrolment, [lesson], clock.now())
    await school.services.learning.complete(school.buyer, lesson)
    await school.refund(order)
    assert await _closed(school, school.buyer, lesson) is Closed.ACCESS_ENDED
    with pytest.raises(AccessEnded):
        await school.services.learning.save_place(school.buyer, lesson, 4)
    await school.buy("feedback")
    again = await school.services.learning.can_open(school.buyer, lesson)
    assert (again.closed, again.enrolment_id, again.completed_at) == (None, enrolment, clock.now())


async def test_a_deleted_lesson_is_nowhere_and_one_to_come_is_locked(school: School, clock: FakeClock) -> None:
    first, second = await _lessons(school, 2)
    await school.buy("basic")
    (enrolment,) = await school.enrolments()
    await open_lessons(school.uow, enrolment, [first, second], clock.now())
    later = clock.now() + timedelta(days=2)
    async with school.uow() as tx:
        await tx.execute(text("UPDATE lessons SET deleted_at = now() WHERE id = :id"), {"id": first})
        await tx.execute(text("UPDATE lessons SET publish_at = :at WHERE id = :id"), {"id": second, "at": later})
    for actor in (school.buyer, school.teacher):
        with pytest.raises(NotFound):
            await school.services.learning.can_open(actor, first)
    locked = await school.services.learning.can_open(school.buyer, second)
    assert (locked.closed, locked.opens_at, locked.day) == (Closed.LOCKED, later, 1)
    clock.move(days=2)
    assert await _closed(school, school.buyer, second) is None


async def test_a_teacher_sees_all_or_as_a_student_of_a_day_and_leaves_no_trace(school: School) -> None:
    lessons = await _lessons(school)
    learning = school.services.learning
    assert [await _closed(school, school.teacher, one) for one in lessons] == [None] * 3
    assert [one.closed for one in await _listed(school, school.teacher, 2)] == [None, None, Closed.LOCKED]
    with pytest.raises(LessonLocked):
        await learning.open_lesson(school.teacher, lessons[2], as_day=2)
    assert (await learning.open_lesson(school.teacher, lessons[1], as_day=2)).preview
    assert not await learning.complete(school.teacher, lessons[1])
    await learning.save_place(school.teacher, lessons[0], 7)
    async with school.uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM lesson_progress"))).scalar_one() == 0
    view = await learning.view(school.teacher, "calm", as_day=1)
    assert [one.is_open for one in view.lessons] == [True, False, False]
    assert await _closed(school, school.buyer, lessons[0], as_day=3) is Closed.NO_ACCESS


async def test_where_a_lesson_was_left(school: School, clock: FakeClock) -> None:
    (lesson,) = await _lessons(school, 1)
    await school.buy("basic")
    (enrolment,) = await school.enrolments()
    await open_lessons(school.uow, enrolment, [lesson], clock.now())
    learning = school.services.learning
    await learning.open_lesson(school.buyer, lesson)
    for place in (90, -5, 2**40):
        await learning.save_place(school.buyer, lesson, place)
        assert (await learning.can_open(school.buyer, lesson)).place == max(place, 0)
