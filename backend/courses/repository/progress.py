"""SQL of what students have done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.access import Progress
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_AT: Final = DateTime(timezone=True)
_LOCK_COURSE = text("""
    SELECT FROM courses WHERE id = (SELECT course_id FROM enrolments WHERE id = :id) FOR SHARE
""").bindparams(bindparam("id", type_=Uuid()))
_LOCK = text("SELECT FROM enrolments WHERE id = :id FOR NO KEY UPDATE").bindparams(bindparam("id", type_=Uuid()))
_OPEN = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at) VALUES (:enrolment_id, :lesson_id, :now)
    ON CONFLICT DO NOTHING
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_COMPLETE = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, completed_at)
    VALUES (:enrolment_id, :lesson_id, :now, :now)
    ON CONFLICT (enrolment_id, lesson_id) DO UPDATE SET completed_at = excluded.completed_at
    WHERE lesson_progress.completed_at IS NULL RETURNING enrolment_id
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_PLACE = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, place)
    VALUES (:enrolment_id, :lesson_id, :now, :place)
    ON CONFLICT (enrolment_id, lesson_id) DO UPDATE SET place = excluded.place
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_SUBMIT = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, submitted_at)
    VALUES (:enrolment_id, :lesson_id, :now, :now)
    ON CONFLICT (enrolment_id, lesson_id) DO UPDATE SET submitted_at = excluded.submitted_at
    WHERE lesson_progress.submitted_at IS NULL
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_QUIZ_DONE = text("""
    INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, quiz_done_at)
    VALUES (:enrolment_id, :lesson_id, :now, :now)
    ON CONFLICT (enrolment_id, lesson_id) DO UPDATE SET quiz_done_at = excluded.quiz_done_at
    WHERE lesson_progress.quiz_done_at IS NULL
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_TASKS = text("""
    SELECT l.has_assignment, l.assignment_required, l.quiz_version IS NOT NULL AS has_quiz, l.quiz_required,
           r.submitted_at, r.quiz_done_at,
           EXISTS (SELECT FROM course_grants g WHERE g.enrolment_id = :enrolment_id AND g.ended_at IS NULL) AS live
    FROM lessons l LEFT JOIN lesson_progress r ON r.lesson_id = l.id AND r.enrolment_id = :enrolment_id
    WHERE l.id = :lesson_id AND l.deleted_at IS NULL
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid()))
_COUNTS = """
    SELECT count(*) AS required, count(r.completed_at) AS done
    FROM lessons l LEFT JOIN lesson_progress r ON r.lesson_id = l.id AND r.enrolment_id = e.id
    WHERE l.course_id = e.course_id AND l.deleted_at IS NULL AND l.required
"""
_PROGRESS = text(
    f"SELECT e.id, e.completed_at, n.required, n.done FROM enrolments e CROSS JOIN LATERAL ({_COUNTS}) n"  # noqa: S608
    " WHERE e.id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_LIVE = "EXISTS (SELECT FROM course_grants g WHERE g.enrolment_id = e.id AND g.ended_at IS NULL)"
_FINISH = f"""
    UPDATE enrolments e SET completed_at = :now
    WHERE {{condition}} AND e.completed_at IS NULL AND {_LIVE}
      AND (SELECT n.required > 0 AND n.required = n.done FROM ({_COUNTS}) n)
    RETURNING e.id, e.user_id
"""  # noqa: S608 - constants of ours
_FINISH_ONE = text(_FINISH.format(condition="e.id = :id")).bindparams(bindparam("id", type_=Uuid()))
_FINISH_COURSE = text(_FINISH.format(condition="e.course_id = :id")).bindparams(bindparam("id", type_=Uuid()))


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """What a live lesson asks of a student before it is completed, and what of it they have done."""

    has_assignment: bool
    assignment_required: bool
    has_quiz: bool
    quiz_required: bool
    submitted_at: datetime | None
    quiz_done_at: datetime | None
    live: bool
    """Whether the student has access."""


async def lock(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Have one lesson at a time completed, and none while the course is edited: each would miss the other."""
    await tx.execute(_LOCK_COURSE, {"id": enrolment_id})  # first, as an edit does that completes the course for many
    await tx.execute(_LOCK, {"id": enrolment_id})


async def open_lesson(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
    """Note that a student has opened a lesson."""
    await tx.execute(_OPEN, {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "now": tx.now})


async def complete_lesson(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> bool:
    """Note that a student has completed a lesson; whether they had not before."""
    values = {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "now": tx.now}
    return (await tx.execute(_COMPLETE, values)).first() is not None


async def submit(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
    """Note that a student has submitted the assignment of a lesson; the first time stays."""
    await tx.execute(_SUBMIT, {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "now": tx.now})


async def find_tasks(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> Tasks | None:
    """What a lesson asks of a student; None for a deleted one."""
    row = (await tx.execute(_TASKS, {"enrolment_id": enrolment_id, "lesson_id": lesson_id})).one_or_none()
    return None if row is None else Tasks(**row._mapping)


async def finish_quiz(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
    """Note that a student is done with the quiz of a lesson; the first time stays."""
    await tx.execute(_QUIZ_DONE, {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "now": tx.now})


async def save_place(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId, place: int) -> None:
    """Note where a student has left a lesson."""
    values = {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "now": tx.now, "place": place}
    await tx.execute(_PLACE, values)


async def list_progress(tx: Tx, enrolments: Collection[EnrolmentId]) -> dict[EnrolmentId, Progress]:
    """How far each enrolment is."""
    rows = await tx.execute(_PROGRESS, {"ids": list(enrolments)})
    return {EnrolmentId(row.id): Progress(row.done, row.required, row.completed_at) for row in rows}


async def finish(
    tx: Tx, *, enrolment_id: EnrolmentId | None = None, course_id: CourseId | None = None
) -> list[tuple[EnrolmentId, UserId, datetime]]:
    """Note which students with access, one or all of a course, have now completed it for the first time."""
    statement, id_ = (_FINISH_ONE, enrolment_id) if enrolment_id is not None else (_FINISH_COURSE, course_id)
    rows = await tx.execute(statement, {"id": id_, "now": tx.now})
    return [(EnrolmentId(row.id), UserId(row.user_id), tx.now) for row in rows]
