"""Reminders to the quiet, inside the caller's transaction. Decision 0091."""

from __future__ import annotations

from collections.abc import Collection

from backend.courses.repository import reminders as repository
from backend.courses.rules import reminders as rules
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.reminders import Look, ReminderDue
from backend.identity import domain as identity
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def look_at_due(tx: Tx, most: int) -> int:
    """Look at no more than ``most`` students who are due to be looked at, and remind the quiet; how many there were.

    Workers side by side take different students, and a person has one reminder a day over all courses.
    """
    students = await repository.load(tx, await repository.lock_due(tx, most))
    people = await identity.list_recipients(tx, {one.user_id for one in students})
    looks: dict[EnrolmentId, Look] = {}
    for one in students:
        person = people[one.user_id]
        reachable = not (person.blocked or person.blocked_bot)
        looks[one.id] = rules.look(one, tx.now, reachable=reachable)
    free = await repository.claim(tx, {one.user_id for one in students if looks[one.id].remind})
    for one in students:
        if not looks[one.id].remind:
            continue
        if one.user_id in free:
            free.discard(one.user_id)
            number = one.reminders + 1
            tx.emit(ReminderDue(enrolment_id=one.id, user_id=one.user_id, number=number, at=tx.now))
        else:
            looks[one.id] = rules.another_day(tx.now)
    if looks:
        await repository.save(tx, looks)
    return len(students)


async def find_todo(tx: Tx, enrolment_id: EnrolmentId, number: int) -> LessonId | None:
    """The lesson of a reminder at the moment when it is sent; None where it is not needed any more.

    Since it became due they may have come back, paused, completed the course, lost access, or switched reminders off.
    """
    for one in await repository.load(tx, [enrolment_id]):
        learning = one.live and not (one.completed or one.paused or one.off) and one.remind_days > 0
        return one.todo if learning and one.reminders == number else None
    return None


async def touch(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Note that a student does something in a course; before their other rows are locked."""
    await repository.touch(tx, enrolment_id)


async def restart(tx: Tx, ids: Collection[EnrolmentId]) -> None:
    """Count the days of quiet from now on: access or lessons have begun again."""
    await repository.restart(tx, ids)


async def bot_unblocked(tx: Tx, user_id: UserId) -> None:
    """Remind somebody again who can be reached again."""
    await repository.restart_person(tx, user_id)
