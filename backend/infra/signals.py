"""Hints between processes over LISTEN/NOTIFY: a cache is stale, a page should look again, a job waits.

A signal may be lost (a killed process, a cut connection), so nothing correct depends on one: caches also age,
the relay also polls, and every (re)connect calls the gap handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.dsn import connect_arguments
from backend.infra.ending import end

CHANNEL = "souk"
_RECONNECT_SECONDS = 1.0
_PAUSE_SECONDS = 0.02
_HEARTBEAT_SECONDS = 5.0
_REMEMBERED = 4096

Handler = Callable[[str], None]
log = structlog.get_logger(__name__)


class Signals:
    """Sends and receives signals; a signal is a topic and a key, such as ``order`` and an order's id."""

    def __init__(self, engine: AsyncEngine, dsn: str) -> None:
        self._engine = engine
        self._dsn = dsn
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._gap_handlers: list[Callable[[], None]] = []
        self._pending: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard: dict[str, float] = {}
        self._blind_until = 0.0
        self.connected = False

    def on(self, topic: str, handler: Handler) -> None:
        """Call ``handler(key)`` for each signal of ``topic``."""
        self._handlers[topic].append(handler)

    def off(self, topic: str, handler: Handler) -> None:
        """Stop calling ``handler``."""
        with contextlib.suppress(ValueError):
            self._handlers[topic].remove(handler)

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever signals may have been missed."""
        self._gap_handlers.append(handler)

    def may_have_come_since(self, moment: float, topic: str, key: str) -> bool:
        """Whether this signal came here at or after ``moment`` (seconds of ``time.time``), or was perhaps missed then.

        For code that reads first and listens afterwards: a signal between the two is not missed.
        """
        return moment <= max(self._heard.get(f"{topic}:{key}", 0.0), self._blind_until)

    def send(self, signals: Iterable[tuple[str, str]]) -> None:
        """Send after the fact, without waiting; equal signals that wait are sent once.

        Sent outside the business transaction on purpose: NOTIFY inside one takes a lock on commit that every
        committing transaction of the database waits for, which would undo group commit.
        """
        for topic, key in signals:
            self._pending.add(f"{topic}:{key}")
        if self._pending:
            self._wake.set()

    @contextlib.asynccontextmanager
    async def running(self, *, listen: bool = True) -> AsyncIterator[None]:
        """Send and, where asked, listen while the context lasts."""
        self._tasks = [asyncio.create_task(self._send_forever())]
        if listen:
            self._tasks.append(asyncio.create_task(self._listen_forever()))
        try:
            yield
        finally:
            await self._flush_quietly()
            await end(*self._tasks)

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush_quietly()
            # What comes meanwhile goes together: a busy shop sends some fifty NOTIFYs a second, not one for each sale.
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _flush_quietly(self) -> None:
        batch, self._pending = sorted(self._pending), set()
        if not batch:
            return
        try:
            async with self._engine.connect() as connection:
                auto = await connection.execution_options(isolation_level="AUTOCOMMIT")
                statement = text("SELECT pg_notify(:channel, payload) FROM unnest(CAST(:batch AS text[])) AS payload")
                await auto.execute(statement, {"channel": CHANNEL, "batch": batch})
        except Exception as error:  # a lost hint is allowed, a dead sender is not
            log.warning("signals.not_sent", count=len(batch), error=repr(error))

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("signals.listener_lost", error=repr(error))
            self.connected = False
            self._gap()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(**connect_arguments(self._dsn))
        closed = asyncio.Event()
        connection.add_termination_listener(lambda _: closed.set())
        try:
            await connection.add_listener(CHANNEL, self._receive)
            self.connected = True
            self._gap()
            while not closed.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        await closed.wait()
                # A connection cut in the middle of the network never says so: only an answer proves that it lives.
                if not closed.is_set():
                    await connection.execute("SELECT 1", timeout=_HEARTBEAT_SECONDS)
        finally:
            self.connected = False
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=2)

    def _gap(self) -> None:
        self._blind_until = time.time()
        for handler in tuple(self._gap_handlers):
            self._call(handler)

    def _receive(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._remember(str(payload))
        topic, _, key = str(payload).partition(":")
        for handler in tuple(self._handlers.get(topic, ())):
            self._call(handler, key)

    def _remember(self, payload: str) -> None:
        self._heard.pop(payload, None)
        self._heard[payload] = time.time()
        if len(self._heard) > _REMEMBERED:
            self._blind_until = max(self._blind_until, self._heard.pop(next(iter(self._heard))))

    @staticmethod
    def _call(handler: Callable[..., None], *args: str) -> None:
        try:
            handler(*args)
        except Exception:  # one listener's bug must not end the others', or the listening
            log.exception("signals.handler_failed")
