"""Jobs that failed, as admins see and retry them."""

from __future__ import annotations

from backend.admin.types import Overview
from backend.identity.types import Actor, Permission
from backend.infra import audit, jobs
from backend.infra.jobs import FailedJob
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import JobId
from backend.kernel.paging import Page


class AdminService:
    """Shows failed jobs to admins and retries them."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def overview(self, actor: Actor) -> Overview:
        """Figures for the back office's first page. Raises Forbidden unless the actor is an admin."""
        if not actor.is_admin:
            raise Forbidden("not an admin")
        async with self._uow.read() as tx:
            return Overview(dead_letters=await jobs.count_dead(tx))

    async def dead_letters(self, actor: Actor, cursor: str | None = None) -> Page[FailedJob]:
        """Jobs that are no longer retried, the latest first.

        Needs the permission for settings. Raises Forbidden, Invalid.
        """
        actor.require(Permission.SETTINGS)
        async with self._uow.read() as tx:
            return await jobs.list_dead(tx, cursor)

    async def failing_jobs(self, actor: Actor) -> list[FailedJob]:
        """Jobs that failed and will be retried. Needs the permission for settings. Raises Forbidden."""
        actor.require(Permission.SETTINGS)
        async with self._uow.read() as tx:
            return await jobs.list_failing(tx)

    async def retry_dead_letter(self, actor: Actor, job_id: JobId) -> None:
        """Retry a failed job now. Needs the permission for settings. Raises Forbidden, NotFound."""
        actor.require(Permission.SETTINGS)
        async with self._uow() as tx:
            job = await jobs.retry_dead(tx, job_id)
            details = {"task": job.task, "attempts": job.attempts, "error": job.last_error}
            await audit.record(tx, actor.user_id, "jobs.retry", f"job:{job_id}", details)
