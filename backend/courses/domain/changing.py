"""Schedules changed by a teacher: of one student, many, or all; counted, and noted so exactly that it can be undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.courses.domain import reminders
from backend.courses.domain import schedule as domain
from backend.courses.repository import deliveries, schedule
from backend.courses.repository.schedule import StoredSchedule
from backend.courses.rules import planning
from backend.courses.rules.planning import Next, Opened
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.schedule import Change, Enrolled, LessonSlot, Outcome, Undone, Verb
from backend.infra.unit_of_work import Tx


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a change did to one schedule: how it was, how it became, which lessons it opened."""

    before: StoredSchedule
    after: StoredSchedule
    opened: tuple[LessonId, ...] = ()


async def apply(tx: Tx, ids: Sequence[EnrolmentId], change: Change) -> tuple[Outcome, list[Note]]:
    """Change these schedules; what that did, and the notes that undo takes."""
    stored = await schedule.list_stored(tx, ids)
    opened: list[tuple[EnrolmentId, Opened]] = []
    nexts: list[tuple[EnrolmentId, Next]] = []
    for student, lessons in await domain.load(tx, ids):
        if student.started_at is None:
            continue
        upcoming, lessons_opened = _changed(student, lessons, change, tx.now)
        nexts.append((student.id, upcoming))
        opened += ((student.id, item) for item in lessons_opened)
    chosen = [id_ for id_, _ in nexts]
    if change.verb in {Verb.PAUSE, Verb.RESUME}:
        await schedule.set_paused(tx, chosen, paused=change.verb is Verb.PAUSE)
    if change.verb is Verb.RESUME:
        await reminders.restart(tx, chosen)
    await deliveries.add(tx, opened, None)
    await schedule.save(tx, nexts)
    after = await schedule.list_stored(tx, chosen)
    by_student: dict[EnrolmentId, list[LessonId]] = {}
    for id_, item in opened:
        by_student.setdefault(id_, []).append(item.lesson_id)
    notes = [
        Note(before=stored[id_], after=after[id_], opened=tuple(by_student.get(id_, ())))
        for id_ in chosen
        if stored[id_] != after[id_] or id_ in by_student
    ]
    return _outcome(len(ids), notes), notes


def _changed(
    student: Enrolled, lessons: Sequence[LessonSlot], change: Change, now: datetime
) -> tuple[Next, tuple[Opened, ...]]:
    match change.verb:
        case Verb.PAUSE:
            paused = msgspec.structs.replace(student, paused_at=student.paused_at or now)
            return planning.again(paused, lessons, now), ()
        case Verb.RESUME:
            resumed = msgspec.structs.replace(student, paused_at=None)
            return planning.again(resumed, lessons, now, today=student.paused_at is not None), ()
        case Verb.SHIFT:
            moved = msgspec.structs.replace(student, shift_minutes=student.shift_minutes + change.minutes)
            return planning.again(moved, lessons, now), ()
        case Verb.OPEN:
            opened = planning.open_until(student, lessons, change.until, now)
            if not opened:
                return planning.again(student, lessons, now), ()
            more = student.delivered | {item.lesson_id for item in opened}
            later = msgspec.structs.replace(student, delivered=more, last_due_at=now, last_completed_at=None)
            return planning.again(later, lessons, now), opened
        case Verb.REPLAN:
            return planning.again(student, lessons, now), ()


def _outcome(students: int, notes: Sequence[Note]) -> Outcome:
    moved: Counter[int] = Counter()
    for note in notes:
        before, after = note.before.next_due_at, note.after.next_due_at
        if before is not None and after is not None and before != after:
            moved[round((after - before).total_seconds() / 60)] += 1
    opened = sum(len(note.opened) for note in notes)
    return Outcome(students=students, changed=len(notes), moved=dict(moved), opened=opened)


def to_json(notes: Sequence[Note]) -> Any:
    """The notes for the audit trail."""
    return msgspec.to_builtins(notes)


def from_json(rows: Any) -> list[Note]:
    """The notes of an entry of the audit trail."""
    return msgspec.convert(rows, list[Note])


async def undo(tx: Tx, notes: Sequence[Note]) -> Undone:
    """Restore these schedules exactly, and close what was opened; those that have changed since stay as they are."""
    ids = await schedule.lock(tx, [note.before.id for note in notes])
    stored = await schedule.list_stored(tx, ids)
    same = [note for note in notes if stored.get(note.before.id) == note.after]
    for note in same:
        if note.opened:
            await deliveries.remove(tx, note.before.id, note.opened)
    await schedule.restore(tx, [note.before for note in same])
    return Undone(len(same), len(notes) - len(same))


def subject(undo_id: UUID) -> str:
    """What the entries of a change and of its undo are about, in the audit trail."""
    return f"schedule_change:{undo_id}"
