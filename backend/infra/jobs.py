"""Background jobs: what a slice declares (tasks, timers), and the list of those that failed for good.

A job is a row of the outbox. The relay (``backend.infra.relay``) hands it to arq, the runner
(``backend.infra.runner``) runs its task. Tasks run at least once, so each must bear being run again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, time
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, func, or_, select, tuple_, update

from backend.infra.outbox import TOPIC, Conditions, OutboxJob, Subscriptions
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.kernel.ids import JobId
from backend.kernel.paging import Page, decode_cursor, encode_cursor

_PAGE = 30
DEFAULT_TIMEOUT = 60


class RetryLater(Exception):
    """The task cannot be done before ``seconds`` have passed; this counts as no attempt."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        super().__init__(reason or f"again in {seconds:.0f} s")
        self.seconds = max(0.0, seconds)


class DeadLetter(Exception):
    """The task will never succeed as it is: the job goes to the dead letters at once."""


class Job(msgspec.Struct, frozen=True):
    """The job that a task runs for. ``attempt`` counts from 1; at ``last`` a failure is final."""

    id: JobId
    task: str
    attempt: int
    last: bool
    created_at: datetime


class Task(msgspec.Struct, frozen=True):
    """A task: ``run`` gets the decoded ``payload`` (a Struct type) and the job; cancelled after ``timeout`` seconds.

    From ``run``, RetryLater postpones, DeadLetter gives up, any other exception counts as a failed attempt.
    """

    name: str
    payload: type[Any]
    run: Callable[[Any, Job], Awaitable[None]]
    timeout: int = DEFAULT_TIMEOUT
    follows: bool = False
    """A job that another job commits runs right after that one, in the same process, without the queue.

    The task must bear two runs side by side: the queue does not keep another worker from a second one."""
    at_once: int | None = None
    """How many of its jobs one worker runs at a time; the others wait outside the worker. None for no limit.

    For tasks that wait for somebody else's server: silent, it would otherwise hold up the jobs of all others."""


class Handler(msgspec.Struct, frozen=True):
    """The name of a task, and the event that starts it.

    Jobs in the outbox hold the name: it must not change while any of them waits.
    """

    task: str
    event: type[Event]
    when: Callable[[Any], bool] | None = None
    """False for an event that the task would do nothing about: no job is stored. Called in the emitting transaction."""

    def runs(self, run: Callable[[Any, Job], Awaitable[None]], *, follows: bool = False) -> Task:
        """The task that calls ``run`` with the event and the job."""
        return Task(self.task, self.event, run, follows=follows)


def subscriptions(handlers: Iterable[Handler]) -> Subscriptions:
    """Map each event's name to the tasks that it starts, in the order of ``handlers``."""
    tasks: dict[str, tuple[str, ...]] = {}
    for handler in handlers:
        name = handler.event.name()
        tasks[name] = (*tasks.get(name, ()), handler.task)
    return tasks


def conditions(handlers: Iterable[Handler]) -> Conditions:
    """The conditions of those tasks that only some of their events start."""
    return {handler.task: handler.when for handler in handlers if handler.when is not None}


class Cron(msgspec.Struct, frozen=True):
    """A timer: ``run`` every ``seconds``, or daily at ``at`` (UTC); once for all workers together.

    A run that was missed (all workers down) is made up for once. Raises ValueError unless exactly one is given.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    seconds: int | None = None
    at: time | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.at is None) or (self.seconds is not None and self.seconds < 1):
            raise ValueError(f"cron {self.name}: either seconds or a time of day")


def by_name(tasks: list[Task]) -> dict[str, Task]:
    """The tasks by name. Raises ValueError when two share one."""
    names = {task.name: task for task in tasks}
    if len(names) != len(tasks):
        twice = sorted({task.name for task in tasks if [other.name for other in tasks].count(task.name) > 1})
        raise ValueError(f"tasks registered twice: {', '.join(twice)}")
    return names


# Dead letters


class FailedJob(msgspec.Struct, frozen=True):
    """A job that failed: for good since ``dead_at``, or to be tried again at ``run_at``. It holds no secret."""

    id: JobId
    task: str
    payload: dict[str, Any]
    attempts: int
    last_error: str
    created_at: datetime
    run_at: datetime
    dead_at: datetime | None


_DEAD = OutboxJob.dead_at.is_not(None)
_FAILING = and_(OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None), OutboxJob.attempts > 0)
_COLUMNS = select(
    OutboxJob.id,
    OutboxJob.task,
    OutboxJob.payload,
    OutboxJob.attempts,
    OutboxJob.last_error,
    OutboxJob.created_at,
    OutboxJob.run_at,
    OutboxJob.dead_at,
)


def _failed_job(row: Row[Any]) -> FailedJob:
    return FailedJob(
        JobId(row.id),
        row.task,
        row.payload,
        row.attempts,
        row.last_error or "",
        row.created_at,
        row.run_at,
        row.dead_at,
    )


async def list_dead(tx: Tx, cursor: str | None = None, limit: int = _PAGE) -> Page[FailedJob]:
    """Dead letters, the latest first. Raises Invalid for a cursor that is none."""
    statement = _COLUMNS.where(_DEAD).order_by(OutboxJob.dead_at.desc(), OutboxJob.id.desc()).limit(limit + 1)
    if cursor:
        key = decode_cursor(cursor, tuple[datetime, UUID])
        statement = statement.where(tuple_(OutboxJob.dead_at, OutboxJob.id) < key)
    rows = [_failed_job(row) for row in await tx.execute(statement)]
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, encode_cursor((rows[-1].dead_at, rows[-1].id)) if more else None)


async def list_failing(tx: Tx, limit: int = _PAGE) -> list[FailedJob]:
    """Jobs that failed and will be tried again, the next to be tried first."""
    statement = _COLUMNS.where(_FAILING).order_by(OutboxJob.run_at, OutboxJob.id).limit(limit)
    return [_failed_job(row) for row in await tx.execute(statement)]


async def list_open(tx: Tx, task: str) -> list[tuple[dict[str, Any], datetime]]:
    """A task's jobs that are still to be done: the payload of each, and when it was asked for."""
    open_ones = select(OutboxJob.payload, OutboxJob.created_at).where(
        OutboxJob.task == task, OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None)
    )
    return [(row.payload, row.created_at) for row in await tx.execute(open_ones)]


async def retry_dead(tx: Tx, job_id: JobId) -> FailedJob:
    """Give a failed job all its attempts again, now; what it was. Raises NotFound unless it failed and is not done."""
    statement = _COLUMNS.where(OutboxJob.id == job_id, or_(_DEAD, _FAILING)).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such failed job")
    again = update(OutboxJob).where(OutboxJob.id == job_id)
    await tx.execute(again.values(dead_at=None, dispatched_at=None, attempts=0, run_at=tx.now))
    tx.signal(TOPIC)
    return _failed_job(row)


async def count_dead(tx: Tx) -> int:
    """How many dead letters wait for an admin."""
    return int((await tx.execute(select(func.count()).select_from(OutboxJob).where(_DEAD))).scalar_one())
