"""The outbox: what must happen after a write is a row of the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Index, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.infra.hot import HotStatement
from backend.kernel.events import Event

TOPIC = "outbox"
"""The signal that wakes the relay."""

Subscriptions = Mapping[str, Sequence[str]]
"""Event name -> names of the tasks that handle it."""


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


def jobs_for_event(event: Event, subscriptions: Subscriptions, new_id: Any, now: datetime) -> list[NewJob]:
    """One job for each task that handles ``event``. Raises KeyError for an event that nobody handles."""
    return [NewJob(new_id(), task, event, now, now, None) for task in subscriptions[event.name()]]


def job(task: str, payload: Any, new_id: Any, now: datetime, delay: timedelta, unique_key: str | None) -> NewJob:
    """A job of ``task`` that may run after ``delay``."""
    return NewJob(new_id(), task, payload, now, now + delay, unique_key)


_STORE = HotStatement(
    text("""
    INSERT INTO outbox_jobs (id, task, payload, created_at, run_at, unique_key)
    SELECT * FROM unnest(:ids, :tasks, :payloads, :created_ats, :run_ats, :unique_keys)
    ON CONFLICT (unique_key) DO NOTHING
""").bindparams(
        bindparam("ids", type_=ARRAY(Uuid())),
        bindparam("tasks", type_=ARRAY(Text())),
        bindparam("payloads", type_=ARRAY(JSONB())),
        bindparam("created_ats", type_=ARRAY(DateTime(timezone=True))),
        bindparam("run_ats", type_=ARRAY(DateTime(timezone=True))),
        bindparam("unique_keys", type_=ARRAY(Text())),
    )
)


async def store_jobs(connection: AsyncConnection, jobs: Sequence[NewJob]) -> None:
    """Write the jobs in the caller's transaction, in one statement; a unique key that exists is passed over."""
    columns = {
        "ids": [item.id for item in jobs],
        "tasks": [item.task for item in jobs],
        "payloads": [msgspec.to_builtins(item.payload) for item in jobs],
        "created_ats": [item.created_at for item in jobs],
        "run_ats": [item.run_at for item in jobs],
        "unique_keys": [item.unique_key for item in jobs],
    }
    await _STORE.fetch(connection, columns)
