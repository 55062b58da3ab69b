"""The outbox: what must happen after a write is a row of the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Index, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.connections import LentConnection
from backend.infra.database import Model, dump_json
from backend.infra.hot import HotStatement
from backend.kernel.events import Event

TOPIC = "outbox"
"""The signal that wakes the relay."""

Subscriptions = Mapping[str, Sequence[str]]
"""Event name -> names of the tasks that handle it."""

Conditions = Mapping[str, Callable[[Any], bool]]
"""Name of a task -> whether an event starts it; one that is not named is started by each of its events."""


class OutboxJob(Model):
    """One task to be run, at least once. Done rows are kept for a day, dead ones until an admin acts."""

    __tablename__ = "outbox_jobs"
    __table_args__ = (
        Index("ix_outbox_jobs_due", "run_at", postgresql_where=text("done_at IS NULL AND dead_at IS NULL")),
        Index("ix_outbox_jobs_dead", "dead_at", postgresql_where=text("dead_at IS NOT NULL")),
        Index("ix_outbox_jobs_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    run_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    unique_key: Mapped[str | None] = mapped_column(unique=True)


class NewJob(msgspec.Struct, frozen=True):
    """A job that waits for its transaction to end."""

    id: UUID
    task: str
    payload: Any
    created_at: datetime
    run_at: datetime
    unique_key: str | None


def jobs_for_event(
    event: Event, subscriptions: Subscriptions, conditions: Conditions, new_id: Any, now: datetime
) -> list[NewJob]:
    """One job for each task that handles ``event``. Raises KeyError for an event that nobody handles."""
    tasks = [task for task in subscriptions[event.name()] if task not in conditions or conditions[task](event)]
    return [NewJob(new_id(), task, event, now, now, None) for task in tasks]


def job(task: str, payload: Any, new_id: Any, now: datetime, delay: timedelta, unique_key: str | None) -> NewJob:
    """A job of ``task`` that may run after ``delay``."""
    return NewJob(new_id(), task, payload, now, now + delay, unique_key)


class FollowUps:
    """The jobs that a running job has committed and that its runner runs next, in the same process.

    They skip the relay and Redis. Their rows are marked as handed over, so that the relay hands them to the queue if
    this process dies. ``tasks`` names the tasks whose jobs may be taken, ``most`` how many in all.
    """

    def __init__(self, tasks: Collection[str], most: int) -> None:
        self._tasks = tasks
        self._room = most
        self._jobs: list[NewJob] = []

    def choose(self, jobs: Sequence[NewJob], now: datetime) -> set[UUID]:
        """The ids of the jobs that this process will run itself if their transaction commits."""
        due = [item.id for item in jobs if item.task in self._tasks and item.run_at <= now]
        chosen = due[: self._room]
        self._room -= len(chosen)
        return set(chosen)

    def add(self, jobs: Sequence[NewJob]) -> None:
        """Take the chosen jobs over, after the commit."""
        self._jobs += jobs

    def next(self) -> NewJob | None:
        """Remove and return the oldest job."""
        return self._jobs.pop(0) if self._jobs else None

    def rest(self) -> list[NewJob]:
        """Remove and return all jobs, the oldest first."""
        jobs, self._jobs = self._jobs, []
        return jobs


FOLLOW_UPS: Final[ContextVar[FollowUps | None]] = ContextVar("follow_ups", default=None)
"""Set by the runner while a job runs."""

_STORE = HotStatement(
    text("""
    INSERT INTO outbox_jobs (id, task, payload, created_at, run_at, unique_key, dispatched_at)
    SELECT id, task, payload, created_at, run_at, unique_key, CASE WHEN id = ANY (:chosen) THEN created_at END
    FROM json_to_recordset(CAST(:jobs AS json)) AS job (
        id uuid, task text, payload jsonb, created_at timestamptz, run_at timestamptz, unique_key text)
    ON CONFLICT (unique_key) DO NOTHING
    RETURNING id
""").bindparams(bindparam("jobs", type_=Text()), bindparam("chosen", type_=ARRAY(Uuid())))
)


async def store_jobs(connection: LentConnection, jobs: Sequence[NewJob], chosen: Collection[UUID] = ()) -> set[UUID]:
    """Write the jobs in the caller's transaction, in one statement; the ids of those that are new.

    A job whose unique key exists is passed over. ``chosen`` are marked as handed over.
    """
    rows = await connection.fetch(_STORE, {"jobs": dump_json(jobs), "chosen": list(chosen)})
    return {row["id"] for row in rows}
