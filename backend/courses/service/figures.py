"""A course in figures, for teachers; what it earns, for those with the permission for money."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from backend.courses.domain import teaching
from backend.courses.repository import figures as repository
from backend.courses.repository import students as students_repository
from backend.courses.service.students import people_of, rows_of
from backend.courses.types import CourseId, EnrolmentId, TariffId
from backend.courses.types.figures import Brought, Chosen, Income, LessonFigures, StudentFigures
from backend.courses.types.teaching import StudentFilter, StudentState
from backend.growth.domain import attribution
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit, spreadsheets
from backend.infra.formatting import timezone
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import pick

_BATCH: Final = 500
STUDENT_COLUMNS: Final = (
    "name", "username", "plan", "run", "joined", "started", "lessons_done", "lessons", "last_active", "status",
)  # fmt: skip
"""What is exported of a student, in its order."""


class FiguresService:
    """Counts by SQL, for one course."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def lessons(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> list[LessonFigures]:
        """How far students got, lesson by lesson. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.list_lessons(tx, course_id, chosen, actor.language)

    async def students(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> StudentFigures:
        """How its students stand. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.count_students(tx, course_id, chosen)

    async def income(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> list[Income]:
        """What was paid for it and not refunded, by tariff and currency. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_income(tx, course_id, chosen)

    async def brought(self, actor: Actor, course_id: CourseId, chosen: Chosen) -> list[Brought]:
        """What partners brought, the one with the most enrolments first. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_brought(tx, course_id, chosen, attribution.brought_people())

    async def export_students(
        self,
        actor: Actor,
        course_id: CourseId,
        chosen: StudentFilter,
        *,
        header: Sequence[str] = STUDENT_COLUMNS,
        state_of: Callable[[StudentState], str] = lambda state: state.value,
    ) -> AsyncIterator[str]:
        """The ``chosen`` students as CSV, in pieces; noted in the audit trail first, since it has people's names.

        ``header`` and ``state_of`` are the words of the actor's language; times are in their zone. Raises Forbidden,
        NotFound for an unknown course.
        """
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.get_course(tx, course_id)
            await audit.record(tx, actor.user_id, "courses.export_students", f"course:{course_id}")
            tariffs = await teaching.list_tariffs(tx, [course_id])
        plans: dict[TariffId | None, str] = {one.id: pick(one.fields.name, actor.language) for one in tariffs}
        return self._students(actor, course_id, chosen, header, state_of, plans)

    async def _students(
        self,
        actor: Actor,
        course_id: CourseId,
        chosen: StudentFilter,
        header: Sequence[str],
        state_of: Callable[[StudentState], str],
        plans: Mapping[TariffId | None, str],
    ) -> AsyncIterator[str]:
        there = timezone(actor.timezone)
        yield spreadsheets.first_line(header)
        after: EnrolmentId | None = None
        # A batch at a time: no transaction stays open while a slow phone downloads.
        while True:
            async with self._uow.read() as tx:
                stored = await students_repository.list_students(
                    tx, course_id, chosen, people_of(chosen), after=after, limit=_BATCH
                )
                rows = await rows_of(tx, stored)
                names = await identity.usernames(tx, {one.user_id for one in stored})
            if rows:
                yield spreadsheets.lines(
                    [
                        row.name,
                        names.get(row.user_id, ""),
                        plans.get(row.tariff_id, ""),
                        row.run_number,
                        row.enrolled_at.astimezone(there),
                        one.started_at.astimezone(there) if one.started_at else None,
                        row.progress.done,
                        row.progress.required,
                        one.active_at.astimezone(there) if one.active_at else None,
                        state_of(row.state),
                    ]
                    for row, one in zip(rows, stored, strict=True)
                )
            if len(stored) < _BATCH:
                return
            after = stored[-1].id
