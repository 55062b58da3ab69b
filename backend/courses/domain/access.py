"""Who may see which lesson: pages, media, search, next and previous, quizzes and the chat all ask here.

A lesson is open to a student who has a live grant from the moment its delivery is due: the page and the chat read the
same row.
"""

from __future__ import annotations

from backend.courses.errors import AccessEnded, LessonLocked
from backend.courses.repository import access as repository
from backend.courses.repository.access import LessonRow, PageRow
from backend.courses.rules import access as rules
from backend.courses.types import CourseId, LessonId
from backend.courses.types.access import Closed, LessonAccess
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Forbidden, NotFound


async def can_open(tx: Tx, actor: Actor, lesson_id: LessonId, as_day: int | None = None) -> LessonAccess:
    """Whether somebody may see a lesson, and how far they are in it.

    Teachers see every lesson, or with ``as_day`` what a student sees on that day of the course. Raises NotFound for an
    unknown lesson and for a deleted one.
    """
    row = await repository.find_lesson(tx, actor.user_id, lesson_id)
    if row is None:
        raise NotFound("no such lesson")
    return _access(tx, actor, row, as_day)


async def list_lessons(tx: Tx, actor: Actor, course_id: CourseId, as_day: int | None = None) -> list[LessonAccess]:
    """What can_open says of each lesson of a course, in their order."""
    return [_access(tx, actor, row, as_day) for row in await repository.list_lessons(tx, actor.user_id, course_id)]


async def list_around(
    tx: Tx, actor: Actor, course: str, slug: str, as_day: int | None = None
) -> dict[int, tuple[LessonAccess, PageRow]]:
    """What can_open says of the lesson of these slugs (0), of the one before it (-1) and of the one after it (1).

    With each comes what its page shows. Raises NotFound for an unknown lesson.
    """
    rows = await repository.list_around(tx, actor.user_id, course, slug, actor.language)
    if not rows:
        raise NotFound("no such lesson")
    return {row.step: (_access(tx, actor, row, as_day), row) for row in rows}


async def require_open(tx: Tx, actor: Actor, lesson_id: LessonId, as_day: int | None = None) -> LessonAccess:
    """What can_open says of an open lesson. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    access = await can_open(tx, actor, lesson_id, as_day)
    check_open(access)
    return access


def check_open(access: LessonAccess) -> None:
    """Raises Forbidden, AccessEnded or LessonLocked for a lesson that is closed."""
    match access.closed:
        case Closed.NO_ACCESS:
            raise Forbidden("does not have this course")
        case Closed.ACCESS_ENDED:
            raise AccessEnded()
        case Closed.LOCKED:
            raise LessonLocked()


def _access(tx: Tx, actor: Actor, row: LessonRow, as_day: int | None) -> LessonAccess:
    opens_at = rules.opening(row.due_at, row.publish_at)
    closed = rules.closed_to_student(
        enrolled=row.enrolment_id is not None, live=row.live, opens_at=opens_at, now=tx.now
    )
    teacher = actor.may(Permission.TEACHING)
    # Teachers who take the course are its students, until they ask to see it as on another day.
    preview = teacher and (as_day is not None or closed is not None)
    if preview:
        closed = rules.closed_to_teacher(row.day, as_day)
    return LessonAccess(
        lesson_id=row.lesson_id,
        course_id=row.course_id,
        slug=row.slug,
        position=row.position,
        day=row.day,
        required=row.required,
        minutes=row.minutes,
        version=row.version,
        enrolment_id=None if preview else row.enrolment_id,
        closed=closed,
        opens_at=None if preview else opens_at,
        preview=preview,
        opened_at=None if preview else row.opened_at,
        completed_at=None if preview else row.completed_at,
        place=0 if preview else row.place,
        assignment=rules.assignment_need(has=row.has_assignment, required=row.assignment_required),
        submitted_at=None if preview else row.submitted_at,
        quiz=rules.quiz_need(has=row.has_quiz, required=row.quiz_required),
        quiz_done_at=None if preview else row.quiz_done_at,
    )
