"""SQL of who may see which lesson: the only place that asks it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Text, Uuid, bindparam, text

from backend.courses.repository.lessons import NEAREST_TEXT
from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class LessonRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a lesson and of one person in it; names as in the statement."""

    lesson_id: LessonId
    course_id: CourseId
    slug: str
    position: int
    day: int
    required: bool
    minutes: int | None
    version: int
    publish_at: datetime | None
    enrolment_id: EnrolmentId | None
    live: bool
    due_at: datetime | None
    opened_at: datetime | None
    completed_at: datetime | None
    place: int
    has_assignment: bool
    assignment_required: bool
    submitted_at: datetime | None
    has_quiz: bool
    quiz_required: bool
    quiz_done_at: datetime | None


class PageRow(LessonRow, frozen=True, kw_only=True):
    """A lesson as its page shows it; ``step`` is -1 for the lesson before the page's, 1 for the one after it.

    Its title is in the language nearest to the reader's, which is ``locale``. ``sent_version`` is None where none was
    sent to the student's chat, ``count`` the number of the course's lessons.
    """

    step: int
    count: int
    title: str
    locale: Locale
    updated_at: datetime
    sent_version: int | None
    assignment: str | None
    """What is to be submitted; None for nothing."""


_COLUMNS: Final = """
    l.id AS lesson_id, l.course_id, l.slug, l.position, l.required, l.minutes, l.version, l.publish_at,
    e.id AS enrolment_id, coalesce(e.live, false) AS live, d.due_at,
    r.opened_at, r.completed_at, coalesce(r.place, 0) AS place,
    l.has_assignment, l.assignment_required, r.submitted_at,
    l.quiz_version IS NOT NULL AS has_quiz, l.quiz_required, r.quiz_done_at
"""
# The enrolment that counts for a person in the course ``of``, and whether it has a live grant.
_ENROLMENT: Final = """
    LEFT JOIN LATERAL (
        SELECT n.id, EXISTS (
            SELECT FROM course_grants g WHERE g.enrolment_id = n.id AND g.ended_at IS NULL
        ) AS live
        FROM enrolments n JOIN course_runs u ON u.id = n.run_id
        WHERE n.user_id = :user_id AND n.course_id = {of} ORDER BY live DESC, u.number DESC LIMIT 1
    ) e ON true
"""
_DONE: Final = """
    LEFT JOIN lesson_deliveries d ON d.enrolment_id = e.id AND d.lesson_id = l.id
    LEFT JOIN lesson_progress r ON r.enrolment_id = e.id AND r.lesson_id = l.id
"""
# In the reader's language, else English, else whichever it is written in.
_ASSIGNMENT: Final = """
    CASE WHEN l.has_assignment THEN (
        SELECT a.assignment FROM lesson_texts a WHERE a.lesson_id = l.id AND a.assignment <> ''
        ORDER BY a.locale = :locale DESC, a.locale = 'en' DESC, a.locale LIMIT 1
    ) END
"""
_USER: Final = bindparam("user_id", type_=Uuid())


def _lessons(condition: str, parameter: str) -> HotStatement:
    return HotStatement(
        text(f"""
    SELECT {_COLUMNS},
           (SELECT count(*) FROM lessons o
            WHERE o.course_id = l.course_id AND o.deleted_at IS NULL AND o.position <= l.position) AS day
    FROM lessons l {_ENROLMENT.format(of="l.course_id")} {_DONE}
    WHERE {condition} AND l.deleted_at IS NULL ORDER BY l.position
    """).bindparams(_USER, bindparam(parameter, type_=Uuid()))  # noqa: S608
    )


_LESSON: Final = _lessons("l.id = :lesson_id", "lesson_id")
_COURSE: Final = _lessons("l.course_id = :course_id", "course_id")
_PAGE: Final = HotStatement(
    text(f"""
    SELECT {_COLUMNS}, s.step, h.day + s.step AS day, h.count, t.title, t.locale, l.updated_at,
           d.lesson_version AS sent_version, {_ASSIGNMENT} AS assignment
    FROM courses c {_ENROLMENT.format(of="c.id")}
    JOIN LATERAL (
        SELECT p.id, o.before, o.after, o.day, o.count FROM lessons p
        CROSS JOIN LATERAL (
            SELECT count(*) AS count, count(*) FILTER (WHERE n.position <= p.position) AS day,
                   (array_agg(n.id ORDER BY n.position DESC) FILTER (WHERE n.position < p.position))[1] AS before,
                   (array_agg(n.id ORDER BY n.position) FILTER (WHERE n.position > p.position))[1] AS after
            FROM lessons n WHERE n.course_id = c.id AND n.deleted_at IS NULL
        ) o
        WHERE p.course_id = c.id AND p.slug = :lesson AND p.deleted_at IS NULL
    ) h ON true
    CROSS JOIN LATERAL (VALUES (-1, h.before), (0, h.id), (1, h.after)) s (step, id)
    JOIN lessons l ON l.id = s.id
    CROSS JOIN LATERAL ({NEAREST_TEXT}) t {_DONE}
    WHERE c.slug = :course
    """).bindparams(  # noqa: S608
        _USER, bindparam("course", type_=Text()), bindparam("lesson", type_=Text()), bindparam("locale", type_=Text())
    )
)


async def find_lesson(tx: Tx, user_id: UserId | None, lesson_id: LessonId) -> LessonRow | None:
    """A lesson as a person has it; None for an unknown one and for one that is deleted."""
    rows = await tx.fetch(_LESSON, {"user_id": user_id, "lesson_id": lesson_id})
    return _row(rows[0]) if rows else None


async def list_lessons(tx: Tx, user_id: UserId | None, course_id: CourseId) -> list[LessonRow]:
    """The lessons of a course as a person has them, in their order."""
    rows = await tx.fetch(_COURSE, {"user_id": user_id, "course_id": course_id})
    return [_row(row) for row in rows]


async def list_around(tx: Tx, user_id: UserId | None, course: str, lesson: str, locale: Locale) -> list[PageRow]:
    """The lesson of these slugs as a person has it, with the ones before and after it; nothing for an unknown one."""
    values = {"user_id": user_id, "course": course, "lesson": lesson, "locale": locale.value}
    rows = await tx.fetch(_PAGE, values)
    return [PageRow(**{**row, "locale": Locale(row["locale"])}) for row in rows]


def _row(row: Any) -> LessonRow:
    return LessonRow(**dict(row))
