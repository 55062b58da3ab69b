"""A student's schedule begins, stops, goes on: in the transaction of whatever makes it so.

Each function locks the enrolments that it changes, so that no worker delivers meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from backend.courses.domain import reminders
from backend.courses.repository import deliveries, schedule
from backend.courses.rules import planning
from backend.courses.rules.planning import Next
from backend.courses.types import CourseId, EnrolmentId
from backend.courses.types.schedule import Enrolled, LessonSlot
from backend.identity import domain as identity
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_BATCH: Final = 1000
Planned = tuple[Enrolled, Sequence[LessonSlot]]
"""A student with the live lessons of their course."""


async def load(tx: Tx, ids: Collection[EnrolmentId], *, lock: bool = True) -> list[Planned]:
    """These students with all that their schedules follow from, locked unless ``lock`` is False."""
    if lock:
        ids = await schedule.lock(tx, ids) if ids else []
    students = await schedule.load(tx, ids) if ids else []
    if not students:
        return []
    people = await identity.list_recipients(tx, {one.user_id for one in students}, default_timezone="")
    lessons = await schedule.list_lessons(tx, {one.course_id for one in students})
    return [
        (msgspec.structs.replace(one, zone=people[one.user_id].timezone), lessons.get(one.course_id, []))
        for one in students
    ]


async def start(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Begin the schedule of somebody who has access; for who had it before, go on from where it was, today.

    Running it again changes nothing.
    """
    for student, lessons in await load(tx, [enrolment_id]):
        if student.started_at is not None:
            upcoming = planning.again(student, lessons, tx.now, today=student.next_due_at is None)
            await schedule.save(tx, [(student.id, upcoming)])
            continue
        step = planning.begin(student, lessons, tx.now)
        if step.started_at is not None:
            await schedule.start(tx, student.id, step.started_at)
        await deliveries.add(tx, [(student.id, item) for item in step.opened], None)
        await schedule.save(tx, [(student.id, step.next)])
    await reminders.restart(tx, [enrolment_id])


async def stop(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Have no lesson due for somebody whose access has ended; what they have had stays."""
    await _plan(tx, [enrolment_id], lambda student, lessons: planning.again(student, lessons, tx.now))


async def lesson_completed(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Plan what follows from a completed lesson: the next one, or nothing after the course's completion."""
    await _plan(tx, [enrolment_id], lambda student, lessons: planning.again(student, lessons, tx.now))


async def lessons_changed(tx: Tx, course_id: CourseId) -> int:
    """Plan again after lessons were added, removed, published or put in another order; how many students it moves.

    What is delivered stays; a student's next lesson is the first one in the new order that they have not had.
    """
    ids = await schedule.list_of_course(tx, course_id)
    return await _plan(tx, ids, lambda student, lessons: planning.again(student, lessons, tx.now))


async def zone_changed(tx: Tx, user_id: UserId) -> int:
    """Plan a person's lessons by the time zone that they have now; how many schedules it moves."""
    ids = await schedule.list_of_person(tx, user_id)
    return await _plan(tx, ids, lambda student, lessons: planning.again(student, lessons, tx.now))


async def bot_unblocked(tx: Tx, user_id: UserId) -> int:
    """Have somebody who unblocked the bot told of the lessons that came meanwhile; of how many courses."""
    await reminders.bot_unblocked(tx, user_id)
    return await deliveries.send_unblocked(tx, await schedule.list_of_person(tx, user_id))


async def _plan(tx: Tx, ids: Sequence[EnrolmentId], again: Callable[[Enrolled, Sequence[LessonSlot]], Next]) -> int:
    moved = 0
    for begin in range(0, len(ids), _BATCH):
        nexts: list[tuple[EnrolmentId, Next]] = []
        for student, lessons in await load(tx, ids[begin : begin + _BATCH]):
            upcoming = again(student, lessons)
            if student.started_at is not None and not is_same(student, upcoming):
                nexts.append((student.id, upcoming))
                moved += student.next_due_at != upcoming.due_at
        await schedule.save(tx, nexts)
    return moved


def is_same(student: Enrolled, upcoming: Next) -> bool:
    """Whether what comes next is what is stored."""
    stored = (student.next_lesson_id, student.next_due_at, student.shift_minutes)
    return stored == (upcoming.lesson_id, upcoming.due_at, upcoming.shift_minutes)
