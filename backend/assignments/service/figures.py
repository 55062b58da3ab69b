"""Assignments of a course in figures."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select

from backend.assignments.repository import figures as repository
from backend.assignments.types.figures import FeedbackFigures
from backend.courses.domain import figures as courses
from backend.courses.types import CourseId, LessonId
from backend.courses.types.figures import Chosen
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork


class FiguresService:
    """Counts for those with the permission for teaching; courses says which enrolments were chosen."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def accepted(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> dict[LessonId, int]:
        """How many assignments of each lesson are accepted. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.count_accepted(tx, course_id, _enrolments(course_id, chosen))

    async def feedback(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> FeedbackFigures:
        """How long students wait for feedback, against what was promised. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.measure_feedback(tx, course_id, _enrolments(course_id, chosen))


def _enrolments(course_id: CourseId, chosen: Chosen) -> Select[UUID] | None:
    return None if chosen == Chosen() else courses.matching(course_id, chosen)
