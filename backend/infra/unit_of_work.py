"""One business write, one transaction: what the slices write through."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra import outbox
from backend.infra.connections import LentConnection, lend
from backend.infra.hot import HotStatement
from backend.infra.signals import Signals
from backend.kernel.clock import Clock
from backend.kernel.errors import Unavailable
from backend.kernel.events import Event
from backend.kernel.ids import new_id

if TYPE_CHECKING:
    from backend.infra.crypto import KeyRing

P = ParamSpec("P")
R = TypeVar("R")

_RETRY_STATES = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_LOCK_NOT_AVAILABLE = "55P03"
_ATTEMPTS = 4
log = structlog.get_logger(__name__)


class Tx:
    """An open transaction. ``now`` is fixed for its whole length.

    Jobs are written when it ends; signals leave after the commit.
    """

    def __init__(
        self,
        connection: LentConnection,
        now: datetime,
        subscriptions: outbox.Subscriptions,
        conditions: outbox.Conditions,
        ring: KeyRing | None = None,
    ) -> None:
        self.connection = connection
        self.now = now
        self.ring = ring
        """What seals personal data; without it (in tests of other things) that is not kept, as if erased."""
        self.signals: list[tuple[str, str]] = []
        self.jobs: list[outbox.NewJob] = []
        self.follow_ups: list[outbox.NewJob] = []
        """Stored jobs that the running job's process runs next."""
        self._subscriptions = subscriptions
        self._conditions = conditions

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement in this transaction."""
        return await self.connection.execute(statement, parameters)

    async def fetch(self, statement: HotStatement, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Run one HotStatement in this transaction; its rows."""
        return await self.connection.fetch(statement, values)

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        return new_id()

    def emit(self, event: Event) -> None:
        """Store a job for each task that handles the event and that it starts. Raises KeyError if no task does."""
        self.jobs += outbox.jobs_for_event(event, self._subscriptions, self._conditions, new_id, self.now)

    def enqueue(
        self, task: str, payload: Any, *, delay: timedelta = timedelta(0), unique_key: str | None = None
    ) -> None:
        """Have ``task`` run with ``payload`` after ``delay``; a second job with the same ``unique_key`` is dropped."""
        self.jobs.append(outbox.job(task, payload, new_id, self.now, delay, unique_key))

    def signal(self, topic: str, key: object = "") -> None:
        """Send a hint to every process after the commit."""
        self.signals.append((topic, str(key)))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail alone: an error rolls it back, with its jobs and signals, and is raised again."""
        jobs, signals = len(self.jobs), len(self.signals)
        try:
            async with self.connection.savepoint():
                yield
        except BaseException:
            del self.jobs[jobs:], self.signals[signals:]
            raise

    async def flush(self) -> None:
        """Write the waiting jobs: called before the commit."""
        if self.jobs:
            jobs, self.jobs = self.jobs, []
            running = outbox.FOLLOW_UPS.get()
            chosen = running.choose(jobs, self.now) if running else set()
            new = await outbox.store_jobs(self.connection, jobs, chosen)
            self.follow_ups += [job for job in jobs if job.id in chosen & new]
            if new - chosen:
                self.signal(outbox.TOPIC)


class UnitOfWork:
    """Opens transactions on one engine. ``async with uow() as tx`` commits at the end, rolls back on an error."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        signals: Signals,
        subscriptions: outbox.Subscriptions,
        conditions: outbox.Conditions = MappingProxyType({}),
        ring: KeyRing | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._signals = signals
        self._subscriptions = subscriptions
        self._conditions = conditions
        self._ring = ring

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Tx]:
        """A read-write transaction. Raises Unavailable when the database cannot be reached in time."""
        connection = await self.lend()
        try:
            try:
                await connection.begin()
                tx = Tx(connection, self._clock.now(), self._subscriptions, self._conditions, self._ring)
                yield tx
                await tx.flush()
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise
        finally:
            connection.give_back()
        running = outbox.FOLLOW_UPS.get()
        if running is not None:
            running.add(tx.follow_ups)
        self._signals.send(tx.signals)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Statements without a transaction around them: one round trip each, nothing to commit."""
        connection = await self.lend()
        try:
            yield Tx(connection, self._clock.now(), self._subscriptions, self._conditions, self._ring)
        finally:
            connection.give_back()

    async def lend(self) -> LentConnection:
        """A connection for one transaction or read."""
        return await lend(self._engine)


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five-character code of the error, or an empty text."""
    return str(getattr(error.orig, "sqlstate", "") or "")


def retry_conflicts(verb: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Run a use case again when PostgreSQL says that its transaction lost to another (40001, 40P01).

    The whole use case is run again, so it must open its own transaction. Raises Unavailable after four losses, or
    when a lock could not be had in time.
    """

    @functools.wraps(verb)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(_ATTEMPTS):
            try:
                return await verb(*args, **kwargs)
            except DBAPIError as error:
                state = sqlstate(error)
                if state == _LOCK_NOT_AVAILABLE:
                    raise Unavailable("a lock could not be had in time") from error
                if state not in _RETRY_STATES:
                    raise
                log.info("transaction.lost", verb=verb.__qualname__, attempt=attempt, sqlstate=state)
                await asyncio.sleep(0.01 * 2**attempt)
        raise Unavailable("the transaction lost to others four times")

    return wrapper
