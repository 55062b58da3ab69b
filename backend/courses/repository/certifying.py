"""SQL of what certificates are given for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.courses.types import CourseId, EnrolmentId
from backend.courses.types.certifying import Completion
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_COMPLETIONS: Final = """
    SELECT e.id AS enrolment_id, e.course_id, e.user_id, e.run_id, u.number AS run_number, e.completed_at,
           p.rank, p.certificate_rank, m.missing
    FROM enrolments e
    JOIN course_runs u ON u.id = e.run_id
    CROSS JOIN LATERAL (
        SELECT coalesce(max(t.rank), 0) AS rank,
               coalesce(max(t.rank) FILTER (WHERE t.certificate), 0) AS certificate_rank
        FROM course_grants g JOIN course_tariffs t ON t.id = g.tariff_id
        WHERE g.enrolment_id = e.id AND g.ended_at IS NULL
    ) p
    CROSS JOIN LATERAL (
        SELECT count(*) AS missing
        FROM lessons l LEFT JOIN lesson_progress r ON r.lesson_id = l.id AND r.enrolment_id = e.id
        WHERE l.course_id = e.course_id AND l.deleted_at IS NULL AND l.required AND r.completed_at IS NULL
    ) m
"""
_ORDER: Final = " ORDER BY p.rank > 0 DESC, u.number DESC"
_OF_PERSON: Final = text(f"{_COMPLETIONS} WHERE e.user_id = :user_id AND e.course_id = :course_id {_ORDER}").bindparams(
    bindparam("user_id", type_=Uuid()), bindparam("course_id", type_=Uuid())
)
_SAME: Final = "IN (SELECT n.user_id, n.course_id FROM enrolments n WHERE n.id = ANY(:ids))"
_BESIDE: Final = text(f"{_COMPLETIONS} WHERE (e.user_id, e.course_id) {_SAME} {_ORDER}").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)


async def list_completions(tx: Tx, *, user_id: UserId, course_id: CourseId) -> list[Completion]:
    """The enrolments of a person in a course: those with access first, then the latest run first."""
    return [_row(row) for row in await tx.execute(_OF_PERSON, {"user_id": user_id, "course_id": course_id})]


async def list_beside(tx: Tx, enrolments: Collection[EnrolmentId]) -> list[Completion]:
    """These enrolments, and the others of the same people in the same courses."""
    return [_row(row) for row in await tx.execute(_BESIDE, {"ids": list(enrolments)})]


def _row(row: Any) -> Completion:
    return Completion(**row._mapping)
