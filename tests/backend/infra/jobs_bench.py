"""A small task, and the machinery around it, for the tests of jobs; also a worker process of its own (see main)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.database import make_engine
from backend.infra.ending import end
from backend.infra.jobs import Job, Task
from backend.infra.outbox import OutboxJob
from backend.infra.queue import JobServer, enqueue, make_queue
from backend.infra.relay import Relay
from backend.infra.runner import Runner
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock, SystemClock


class Note(msgspec.Struct, frozen=True):
    """The payload of the test task."""

    text: str


def make_uow(engine: AsyncEngine, clock: Clock | None = None) -> UnitOfWork:
    """Transactions that commit."""
    return UnitOfWork(engine, clock or SystemClock(), Signals(engine, ""), {})


async def add(uow: UnitOfWork, task: str = "test.note", payload: Any = None, **options: Any) -> UUID:
    """Put a job into the outbox; its id."""
    async with uow() as tx:
        tx.enqueue(task, payload if payload is not None else Note("hello"), **options)
        return tx.jobs[-1].id


async def row(uow: UnitOfWork, job_id: UUID) -> Any:
    """The job's row."""
    async with uow.read() as tx:
        columns = OutboxJob.__table__.c
        return (await tx.execute(select(*columns).where(columns.id == job_id))).one()


async def until(uow: UnitOfWork, job_id: UUID, ready: Callable[[Any], object], seconds: float = 20) -> Any:
    """The job's row, as soon as it is ``ready``."""
    async with asyncio.timeout(seconds):
        while not ready(job := await row(uow, job_id)):
            await asyncio.sleep(0.05)
        return job


async def heard(lines: list[MutableMapping[str, Any]], event: str, times: int = 1) -> None:
    """Wait until the log tells of ``event`` so many times."""
    async with asyncio.timeout(20):
        while [line["event"] for line in lines].count(event) < times:
            await asyncio.sleep(0.01)


def task(run: Callable[[Note, Job], Awaitable[None]], **options: Any) -> dict[str, Task]:
    """The registry with the test task alone."""
    return {"test.note": Task("test.note", Note, run, **options)}


@asynccontextmanager
async def working(
    uow: UnitOfWork, redis_url: str, tasks: dict[str, Task], *, lease: float = 1.0, **relay: Any
) -> AsyncIterator[JobServer]:
    """A relay and a server of jobs, at work."""
    queue = make_queue(redis_url)
    server = JobServer(queue, Runner(uow, tasks, attempts=4), lease=lease, longest_task=5)
    parts = [
        asyncio.create_task(Relay(uow, partial(enqueue, queue), handed=server.wake, **({"poll": 0.05} | relay)).run()),
        asyncio.create_task(server.run()),
    ]
    try:
        yield server
    finally:
        await end(*parts)
        await queue.aclose(close_connection_pool=True)


async def main(database_url: str, redis_url: str, diary: Path, hold: float) -> None:
    """A worker process: each run of the task writes two lines into ``diary``, ``hold`` seconds apart."""

    def write(line: str) -> None:
        with diary.open("a") as file:
            file.write(line + "\n")

    async def run(note: Note, _job: Job) -> None:
        write(f"begun {note.text}")
        await asyncio.sleep(hold)
        write(f"done {note.text}")

    engine = make_engine(database_url)
    async with working(make_uow(engine), redis_url, task(run)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])))
