"""Who has completed a course, and what their plans include. See decisions/0087."""

from __future__ import annotations

from collections.abc import Collection

from backend.courses.repository import certifying as repository
from backend.courses.repository import courses
from backend.courses.types import CourseId, EnrolmentId
from backend.courses.types.certifying import Completion
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId


async def find_course_id(tx: Tx, slug: str) -> CourseId:
    """The course of a slug. Raises NotFound."""
    stored = await courses.find_course(tx, slug=slug)
    if stored is None:
        raise NotFound("no such course")
    return stored.id


async def list_completions(tx: Tx, user_id: UserId, course_id: CourseId) -> list[Completion]:
    """The enrolments of a person in a course: those with access first, then the latest run first."""
    return await repository.list_completions(tx, user_id=user_id, course_id=course_id)


async def list_beside(tx: Tx, enrolments: Collection[EnrolmentId]) -> list[Completion]:
    """These enrolments, and the others of the same people in the same courses."""
    return await repository.list_beside(tx, enrolments) if enrolments else []
