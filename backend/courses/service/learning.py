"""Courses as people see and take them."""

from __future__ import annotations

from backend.courses.domain import access, progress, taking
from backend.courses.repository import taking as repository
from backend.courses.types import LessonId
from backend.courses.types.access import LessonAccess
from backend.courses.types.learning import CourseView, MyCourse, OfferedCourse
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts


class LearningService:
    """What a person may see of courses, and what they have done there. Previews by teachers are not stored."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def mine(self, actor: Actor) -> list[MyCourse]:
        """The actor's courses, those with access first, then the latest first."""
        async with self._uow.read() as tx:
            return await taking.list_mine(tx, actor.id)

    async def is_shown(self, actor: Actor, slug: str) -> bool:
        """Whether a link to the course of this slug leads the actor to it."""
        async with self._uow.read() as tx:
            return await taking.is_shown(tx, actor, slug)

    async def offered(self, actor: Actor) -> list[OfferedCourse]:
        """The courses that are on sale, the newest first, at the actor's price."""
        async with self._uow.read() as tx:
            return await taking.list_offered(tx, actor)

    async def has_courses(self) -> bool:
        """Whether the shop has a school to show: a published course, or one that somebody takes."""
        async with self._uow.read() as tx:
            return await repository.has_courses(tx)

    async def view(self, actor: Actor, slug: str, *, as_day: int | None = None) -> CourseView:
        """A course's page. Raises NotFound, also for a draft that the actor neither takes nor teaches."""
        async with self._uow.read() as tx:
            return await taking.view(tx, actor, slug, as_day)

    async def can_open(self, actor: Actor, lesson_id: LessonId, *, as_day: int | None = None) -> LessonAccess:
        """Whether the actor may see a lesson; teachers with ``as_day`` as a student on that day. Raises NotFound."""
        async with self._uow.read() as tx:
            return await access.can_open(tx, actor, lesson_id, as_day)

    @retry_conflicts
    async def open_lesson(self, actor: Actor, lesson_id: LessonId, *, as_day: int | None = None) -> LessonAccess:
        """Open a lesson, which is noted of a student. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
        async with self._uow() as tx:
            lesson = await access.require_open(tx, actor, lesson_id, as_day)
            if lesson.opened_at is None:
                await progress.open_lesson(tx, lesson)
            return lesson

    @retry_conflicts
    async def complete(self, actor: Actor, lesson_id: LessonId, *, as_day: int | None = None) -> bool:
        """Complete a lesson, and with the last required one the course; whether it was not complete before.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked, AssignmentMissing, QuizMissing.
        """
        async with self._uow() as tx:
            return await progress.complete(tx, await access.require_open(tx, actor, lesson_id, as_day))

    @retry_conflicts
    async def save_place(self, actor: Actor, lesson_id: LessonId, place: int) -> None:
        """Note where the actor leaves a lesson. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
        async with self._uow() as tx:
            await progress.save_place(tx, await access.require_open(tx, actor, lesson_id), place)
