"""Runs of courses: cohorts, and a course that is run again."""

from __future__ import annotations

from datetime import date

from backend.courses.domain import teaching
from backend.courses.repository import courses as repository
from backend.courses.rules import teaching as rules
from backend.courses.types import CourseId, RunId
from backend.courses.types.teaching import Run
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound


class RunsService:
    """Runs for admins with the permission for teaching."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_of(self, actor: Actor, course_id: CourseId) -> list[Run]:
        """The runs of a course, the first first. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await repository.list_runs(tx, [course_id])

    @retry_conflicts
    async def open(
        self, actor: Actor, course_id: CourseId, starts_on: date | None = None, timezone: str | None = None
    ) -> RunId:
        """Open the next run: a cohort that starts on a day in a zone (the course's without one), or a start at once.

        Who has the course may then buy it again, as a start from the beginning. Raises Forbidden, NotFound, Invalid.
        """
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            course = await teaching.get_course(tx, course_id)
            zone = None if starts_on is None else timezone or course.schedule.timezone
            if zone is not None and not rules.is_zone(zone):
                raise Invalid("no such time zone", fields={"timezone": "invalid"})
            run_id = await repository.add_run(tx, course_id, starts_on, zone)
            facts = {"starts_on": starts_on.isoformat() if starts_on else None, "timezone": zone}
            await audit.record(tx, actor.user_id, "courses.open_run", f"course:{course_id}", facts)
        return run_id

    @retry_conflicts
    async def close(self, actor: Actor, run_id: RunId) -> None:
        """Let nobody new into a run; who is in it goes on. Raises Forbidden, NotFound."""
        await self._set_closed(actor, run_id, closed=True)

    @retry_conflicts
    async def reopen(self, actor: Actor, run_id: RunId) -> None:
        """Let people into a run again. Raises Forbidden, NotFound."""
        await self._set_closed(actor, run_id, closed=False)

    async def _set_closed(self, actor: Actor, run_id: RunId, *, closed: bool) -> None:
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            run = await repository.find_run(tx, run_id)
            if run is None:
                raise NotFound("no such run")
            await teaching.set_run_closed(tx, run, closed=closed)
            action = "courses.close_run" if closed else "courses.reopen_run"
            await audit.record(tx, actor.user_id, action, f"course:{run.course_id}", {"number": run.number})
