"""Runs jobs: loads the row, calls its task, writes down what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from backend.infra.jobs import DeadLetter, Job, RetryLater, Task
from backend.infra.logging import scrub
from backend.infra.metrics import JOB_SECONDS, JOBS
from backend.infra.outbox import TOPIC, OutboxJob
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Unavailable
from backend.kernel.ids import JobId

_FIRST_DELAY = 5.0
_DELAY_FACTOR = 3.0
_LONGEST_DELAY = 3600.0
_LONGEST_ERROR = 500
# Clocks of two machines may differ by so much before a job that one calls due is passed over by the other.
_CLOCK_SKEW = timedelta(seconds=2)
log = structlog.get_logger(__name__)

_LOAD = select(
    OutboxJob.task,
    OutboxJob.payload,
    OutboxJob.attempts,
    OutboxJob.created_at,
    OutboxJob.run_at,
    OutboxJob.done_at,
    OutboxJob.dead_at,
).where(OutboxJob.id == bindparam("job_id"))
# A second run of the same job (arq is at-least-once) must not undo what the first has written.
_OPEN = (OutboxJob.id == bindparam("job_id"), OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None))
_DONE = update(OutboxJob).where(*_OPEN).values(done_at=bindparam("now"), last_error=None)
_LATER = update(OutboxJob).where(*_OPEN).values(run_at=bindparam("again_at"), dispatched_at=None)
_FAILED = (
    update(OutboxJob)
    .where(*_OPEN)
    .values(
        attempts=OutboxJob.attempts + 1, last_error=bindparam("error"), run_at=bindparam("again_at"), dispatched_at=None
    )
)
_DEAD = (
    update(OutboxJob)
    .where(*_OPEN)
    .values(attempts=OutboxJob.attempts + 1, last_error=bindparam("error"), dead_at=bindparam("now"))
)


def delay_before(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th failure (from 1): 5 s, 15 s, 45 s, ... at most an hour."""
    return min(_FIRST_DELAY * _DELAY_FACTOR ** (attempt - 1), _LONGEST_DELAY)


def describe(error: BaseException) -> str:
    """An error in one short line without secrets, for a dead letter's row."""
    # SQLAlchemy's own text carries the statement's parameters.
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return scrub(f"{type(error).__name__}: {' '.join(str(cause).split())}")[:_LONGEST_ERROR]


class Runner:
    """Runs the jobs of ``tasks``; after ``attempts`` failures a job is a dead letter."""

    def __init__(self, uow: UnitOfWork, tasks: Mapping[str, Task], *, attempts: int) -> None:
        self._uow = uow
        self._tasks = tasks
        self._attempts = attempts

    async def run(self, job_id: UUID, starts: int = 1) -> None:
        """Run the job unless it is done, dead or not due. Raises nothing but CancelledError.

        ``starts`` is how often it was started without an end being reported: past the attempts it is given up, since
        it may be what ends the worker. A database that is away leaves the row as it is: the relay hands it over again.
        """
        try:
            async with self._uow.read() as tx:
                row = (await tx.execute(_LOAD, {"job_id": job_id})).one_or_none()
                now = tx.now
            if row is None or row.done_at or row.dead_at or row.run_at > now + _CLOCK_SKEW:
                return
            with structlog.contextvars.bound_contextvars(job=str(job_id), task=row.task):
                if starts > self._attempts:
                    await self._dead(job_id, row.task, f"the worker ended {starts - 1} times while this ran")
                    return
                await self._run(job_id, row)
        except (Unavailable, DBAPIError, OSError, TimeoutError) as error:
            log.warning("job.not_recorded", job=str(job_id), error=describe(error))

    async def _run(self, job_id: UUID, row: Row[Any]) -> None:
        task = self._tasks.get(row.task)
        attempt = row.attempts + 1
        if task is None:
            # Perhaps a newer worker's task, in the middle of a rollout: another attempt may meet that one.
            await self._failed(job_id, row.task, attempt, "no such task in this worker")
            return
        try:
            payload = msgspec.convert(row.payload, task.payload)
        except msgspec.ValidationError as error:
            await self._dead(job_id, row.task, f"the payload does not fit: {describe(error)}")
            return
        job = Job(JobId(job_id), row.task, attempt, attempt >= self._attempts, row.created_at)
        started = time.monotonic()
        try:
            async with asyncio.timeout(task.timeout):
                await task.run(payload, job)
        except RetryLater as later:
            await self._later(job_id, row.task, later)
        except DeadLetter as dead:
            await self._dead(job_id, row.task, describe(dead))
        except Exception as error:
            await self._failed(job_id, row.task, attempt, describe(error), error)
        else:
            async with self._uow() as tx:
                await tx.execute(_DONE, {"job_id": job_id, "now": tx.now})
            JOBS.labels(row.task, "done").inc()
            log.info("job.done", attempt=attempt, seconds=round(time.monotonic() - started, 3))
        finally:
            JOB_SECONDS.labels(row.task).observe(time.monotonic() - started)

    async def _later(self, job_id: UUID, task: str, later: RetryLater) -> None:
        async with self._uow() as tx:
            again_at = tx.now + timedelta(seconds=later.seconds)
            await tx.execute(_LATER, {"job_id": job_id, "again_at": again_at})
            tx.signal(TOPIC)
        JOBS.labels(task, "later").inc()
        log.info("job.later", seconds=round(later.seconds, 3), reason=scrub(str(later)))

    async def _failed(self, job_id: UUID, task: str, attempt: int, text: str, error: Exception | None = None) -> None:
        if attempt >= self._attempts:
            await self._dead(job_id, task, text, error)
            return
        wait = delay_before(attempt)
        async with self._uow() as tx:
            values = {"job_id": job_id, "error": text, "again_at": tx.now + timedelta(seconds=wait)}
            await tx.execute(_FAILED, values)
        JOBS.labels(task, "failed").inc()
        log.warning("job.failed", attempt=attempt, again_in=wait, error=text, exc_info=error)

    async def _dead(self, job_id: UUID, task: str, text: str, error: Exception | None = None) -> None:
        async with self._uow() as tx:
            await tx.execute(_DEAD, {"job_id": job_id, "error": text, "now": tx.now})
        JOBS.labels(task, "dead").inc()
        log.error("job.dead", error=text, exc_info=error)
