"""Runs jobs: loads the row, calls its task, stores the outcome."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import DateTime, Uuid, any_, bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from backend.infra.hot import HotStatement
from backend.infra.jobs import DeadLetter, Job, RetryLater, Task
from backend.infra.logging import scrub
from backend.infra.metrics import JOB_SECONDS, JOBS
from backend.infra.origin import Origin, Via, acting_from
from backend.infra.outbox import FOLLOW_UPS, TOPIC, FollowUps, NewJob, OutboxJob
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Unavailable
from backend.kernel.ids import JobId

_FIRST_DELAY = 5.0
_DELAY_FACTOR = 3.0
_LONGEST_DELAY = 3600.0
_LONGEST_ERROR = 500
_MOST_FOLLOW_UPS = 20
"""Jobs that run after another one without the queue; the others are spread over all workers."""
_CROWDED_SECONDS = 2.0
"""When a job comes again whose task had no place free."""
_FOLLOW_SECONDS = 10.0
"""A run that takes longer begins no more of them: other workers, or this one side by side, are faster."""
# Clocks of two machines may differ by so much before a job that one calls due is passed over by the other.
_CLOCK_SKEW = timedelta(seconds=2)
log = structlog.get_logger(__name__)

_LOAD = HotStatement(
    text("""
    SELECT task, payload, attempts, created_at, run_at, done_at IS NOT NULL OR dead_at IS NOT NULL AS over
    FROM outbox_jobs WHERE id = :job_id
""").bindparams(bindparam("job_id", type_=Uuid()))
)
# A second run of the same job (arq is at-least-once) must not undo what the first has written.
_OPEN = (OutboxJob.id == bindparam("job_id"), OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None))
_DONE = HotStatement(
    text("""
    UPDATE outbox_jobs SET done_at = :now, last_error = NULL
    WHERE id = :job_id AND done_at IS NULL AND dead_at IS NULL
""").bindparams(bindparam("job_id", type_=Uuid()), bindparam("now", type_=DateTime(timezone=True)))
)
_LATER = update(OutboxJob).where(*_OPEN).values(run_at=bindparam("again_at"), dispatched_at=None)
_FAILED = (
    update(OutboxJob)
    .where(*_OPEN)
    .values(
        attempts=OutboxJob.attempts + 1, last_error=bindparam("error"), run_at=bindparam("again_at"), dispatched_at=None
    )
)
_TO_QUEUE = (
    update(OutboxJob).where(OutboxJob.id == any_(bindparam("job_ids", type_=ARRAY(Uuid())))).values(dispatched_at=None)
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


class Stored(msgspec.Struct, frozen=True):
    """What a job's row says; ``payload`` is decoded JSON."""

    id: UUID
    task: str
    payload: Any
    attempts: int
    created_at: datetime


class Runner:
    """Runs the jobs of ``tasks``; after ``attempts`` failures a job is a dead letter."""

    def __init__(
        self,
        uow: UnitOfWork,
        tasks: Mapping[str, Task],
        *,
        attempts: int,
        most_follow_ups: int = _MOST_FOLLOW_UPS,
        follow_seconds: float = _FOLLOW_SECONDS,
    ) -> None:
        self._uow = uow
        self._tasks = tasks
        self._attempts = attempts
        self._most_follow_ups = most_follow_ups
        self._follow_seconds = follow_seconds
        self._running: Counter[str] = Counter()
        self._following = frozenset(task.name for task in tasks.values() if task.follows)

    async def run(self, job_id: UUID, starts: int = 1) -> None:
        """Run the job unless it is done, dead or not due, then those that follow it. Raises only CancelledError.

        ``starts`` is how often it was started without an end being reported: past the attempts it is a dead letter,
        since it may be what ends the worker. A database that is away leaves the row as it is: the relay hands it over
        again.
        """
        follow_ups = FollowUps(self._following, self._most_follow_ups)
        token = FOLLOW_UPS.set(follow_ups)
        until = time.monotonic() + self._follow_seconds
        try:
            with acting_from(Origin(Via.WORKER)):
                await self._recorded(job_id, self._run_stored(job_id, starts))
                while time.monotonic() < until and (job := follow_ups.next()) is not None:
                    await self._recorded(job.id, self._run(_as_stored(job)))
            if rest := follow_ups.rest():
                await self._recorded(job_id, self._to_queue(rest))
        finally:
            FOLLOW_UPS.reset(token)

    async def _recorded(self, job_id: UUID, run: Coroutine[Any, Any, None]) -> None:
        try:
            await run
        except (Unavailable, DBAPIError, OSError, TimeoutError) as error:
            log.warning("job.not_recorded", job=str(job_id), error=describe(error))

    async def _run_stored(self, job_id: UUID, starts: int) -> None:
        async with self._uow.read() as tx:
            row = next(iter(await tx.fetch(_LOAD, {"job_id": job_id})), None)
            now = tx.now
        if row is None or row["over"] or row["run_at"] > now + _CLOCK_SKEW:
            return
        stored = Stored(job_id, row["task"], row["payload"], row["attempts"], row["created_at"])
        if starts > self._attempts:
            with structlog.contextvars.bound_contextvars(job=str(job_id), task=stored.task):
                await self._dead(job_id, stored.task, f"the worker ended {starts - 1} times while this ran")
            return
        await self._run(stored)

    async def _run(self, stored: Stored) -> None:
        with structlog.contextvars.bound_contextvars(job=str(stored.id), task=stored.task):
            await self._attempt(stored)

    async def _attempt(self, row: Stored) -> None:
        job_id, task = row.id, self._tasks.get(row.task)
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
            with self._place(task):
                async with asyncio.timeout(task.timeout):
                    await task.run(payload, job)
        except RetryLater as later:
            await self._later(job_id, row.task, later)
        except DeadLetter as dead:
            await self._dead(job_id, row.task, describe(dead))
        except Exception as error:
            await self._failed(job_id, row.task, attempt, describe(error), error)
        else:
            # One statement that commits by itself: no transaction to begin and end.
            async with self._uow.read() as tx:
                await tx.fetch(_DONE, {"job_id": job_id, "now": tx.now})
            JOBS.labels(row.task, "done").inc()
            log.info("job.done", attempt=attempt, seconds=round(time.monotonic() - started, 3))
        finally:
            JOB_SECONDS.labels(row.task).observe(time.monotonic() - started)

    @contextmanager
    def _place(self, task: Task) -> Iterator[None]:
        """One of the task's places in this worker. Raises RetryLater while none is free."""
        if task.at_once is not None and self._running[task.name] >= task.at_once:
            raise RetryLater(_CROWDED_SECONDS, f"{task.at_once} jobs of this task run")
        self._running[task.name] += 1
        try:
            yield
        finally:
            self._running[task.name] -= 1

    async def _to_queue(self, jobs: Sequence[NewJob]) -> None:
        async with self._uow() as tx:
            await tx.execute(_TO_QUEUE, {"job_ids": [job.id for job in jobs]})
            tx.signal(TOPIC)

    async def _later(self, job_id: UUID, task: str, later: RetryLater) -> None:
        # The relay, which looks every second, needs no signal for what is not due yet.
        async with self._uow.read() as tx:
            again_at = tx.now + timedelta(seconds=later.seconds)
            await tx.execute(_LATER, {"job_id": job_id, "again_at": again_at})
        JOBS.labels(task, "later").inc()
        log.info("job.later", seconds=round(later.seconds, 3), reason=scrub(str(later)))

    async def _failed(self, job_id: UUID, task: str, attempt: int, why: str, error: Exception | None = None) -> None:
        if attempt >= self._attempts:
            await self._dead(job_id, task, why, error)
            return
        wait = delay_before(attempt)
        async with self._uow.read() as tx:
            values = {"job_id": job_id, "error": why, "again_at": tx.now + timedelta(seconds=wait)}
            await tx.execute(_FAILED, values)
        JOBS.labels(task, "failed").inc()
        log.warning("job.failed", attempt=attempt, again_in=wait, error=why, exc_info=error)

    async def _dead(self, job_id: UUID, task: str, why: str, error: Exception | None = None) -> None:
        async with self._uow.read() as tx:
            await tx.execute(_DEAD, {"job_id": job_id, "error": why, "now": tx.now})
        JOBS.labels(task, "dead").inc()
        log.error("job.dead", error=why, exc_info=error)


def _as_stored(job: NewJob) -> Stored:
    return Stored(job.id, job.task, msgspec.to_builtins(job.payload), 0, job.created_at)
