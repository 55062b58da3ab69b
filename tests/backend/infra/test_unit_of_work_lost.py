"""A transaction that loses is run again, a connection that dies is replaced, and what cannot be had is said."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra import embedded
from backend.infra.database import make_engine
from backend.infra.health import database_lost
from backend.infra.hot import HotStatement
from backend.infra.settings import Settings
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Unavailable
from tests.backend.infra.conftest import RecordingSignals
from tests.backend.infra.scratch import numbers
from tests.fakes.clock import FakeClock

_ONE = HotStatement(text("SELECT 1"))
_PROCESS = HotStatement(text("SELECT pg_backend_pid()"))


class Closing:
    """A driver's connection whose server is just closing it."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def fetch(self, *_: object) -> None:
        """What asyncpg says then."""
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")


class Service:
    """Has one verb that loses a given number of times before it wins."""

    def __init__(self, uow: UnitOfWork, losses: int, sqlstate: str) -> None:
        self.uow, self.losses, self.sqlstate, self.runs = uow, losses, sqlstate, 0

    @retry_conflicts
    async def verb(self, add: int) -> int:
        """Adds."""
        self.runs += 1
        async with self.uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = n + :add WHERE id = 1"), {"add": add})
            if self.runs <= self.losses:
                await tx.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{self.sqlstate}'; END $$"))
        return self.runs


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize("losses", [0, 1, 3])
async def test_a_lost_transaction_is_run_again(
    real_uow: UnitOfWork, engine: AsyncEngine, scratch: str, state: str, losses: int
) -> None:
    assert await Service(real_uow, losses, state).verb(5) == losses + 1

    assert await numbers(engine) == [15, 20]


async def test_after_four_losses_it_is_given_up(real_uow: UnitOfWork, engine: AsyncEngine, scratch: str) -> None:
    service = Service(real_uow, 99, "40001")

    with pytest.raises(Unavailable):
        await service.verb(5)

    assert service.runs == 4
    assert await numbers(engine) == [10, 20]


async def test_a_lock_that_cannot_be_had_is_unavailable(real_uow: UnitOfWork, scratch: str) -> None:
    with pytest.raises(Unavailable):
        await Service(real_uow, 1, "55P03").verb(5)


async def test_other_errors_are_not_tried_again(real_uow: UnitOfWork, engine: AsyncEngine, scratch: str) -> None:
    service = Service(real_uow, 0, "")

    with pytest.raises(IntegrityError):
        await service.verb(-50)

    assert service.runs == 1
    assert await numbers(engine) == [10, 20]


async def test_a_true_deadlock_is_survived(real_uow: UnitOfWork, engine: AsyncEngine, scratch: str) -> None:
    met = asyncio.Barrier(2)

    class Crossing:
        tries = 0

        @retry_conflicts
        async def verb(self, first: int, second: int) -> None:
            Crossing.tries += 1
            once = Crossing.tries <= 2
            async with real_uow() as tx:
                await tx.execute(text("UPDATE uow_scratch SET n = n + 1 WHERE id = :id"), {"id": first})
                if once:
                    await met.wait()
                await tx.execute(text("UPDATE uow_scratch SET n = n + 1 WHERE id = :id"), {"id": second})

    await asyncio.gather(Crossing().verb(1, 2), Crossing().verb(2, 1))

    assert await numbers(engine) == [12, 22]
    assert Crossing.tries >= 3


async def test_a_pool_that_is_empty_is_unavailable(settings: Settings, clock: FakeClock) -> None:
    small = make_engine(settings.database_url, pool_size=1)
    small.pool._timeout = 0.05  # type: ignore[attr-defined]
    uow = UnitOfWork(small, clock, RecordingSignals(), {})
    try:
        async with uow():
            for begin in (uow, uow.read):
                with pytest.raises(Unavailable):
                    async with begin():
                        pass
    finally:
        await small.dispose()


@pytest.mark.parametrize(
    "address", ["postgresql://souk@127.0.0.1:{port}/souk", "postgresql://souk@/souk?host=/nowhere"]
)
async def test_a_database_that_is_away_is_unavailable(clock: FakeClock, address: str) -> None:
    away = make_engine(address.format(port=embedded.free_port()))
    uow = UnitOfWork(away, clock, RecordingSignals(), {})
    try:
        for begin in (uow, uow.read):
            with pytest.raises(Unavailable):
                async with begin():
                    pass
    finally:
        await away.dispose()


async def test_a_database_that_does_not_exist_is_unavailable(settings: Settings, clock: FakeClock) -> None:
    wrong = make_engine(embedded.database_address(settings.database_url, "no_such_database"))
    uow = UnitOfWork(wrong, clock, RecordingSignals(), {})
    try:
        with pytest.raises(Unavailable):
            async with uow():
                pass
    finally:
        await wrong.dispose()


async def test_connections_that_died_with_the_server_are_replaced(
    settings: Settings, engine: AsyncEngine, clock: FakeClock, scratch: str
) -> None:
    lonely = make_engine(settings.database_url, pool_size=2)
    uow = UnitOfWork(lonely, clock, RecordingSignals(), {})
    try:
        async with uow() as one, uow() as two:
            pids = [(await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one() for tx in (one, two)]
        async with engine.connect() as connection:
            await connection.execute(
                text("SELECT pg_terminate_backend(unnest(CAST(:pids AS int[])), 5000)"), {"pids": pids}
            )

        for _ in range(3):
            async with uow() as tx:
                await tx.execute(text("UPDATE uow_scratch SET n = n + 1 WHERE id = 1"))
        assert await numbers(engine) == [13, 20]
    finally:
        await lonely.dispose()


async def test_when_one_is_lost_the_others_are_asked_before_their_next_use(
    settings: Settings, engine: AsyncEngine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_engine(settings.database_url, pool_size=2)
    uow = UnitOfWork(pair, clock, RecordingSignals(), {})
    asked: list[object] = []
    monkeypatch.setattr(pair.dialect, "do_ping", asked.append)
    try:
        with pytest.raises(DBAPIError):
            async with uow.read() as lost, uow.read():
                pid = (await lost.execute(text("SELECT pg_backend_pid()"))).scalar_one()
                async with engine.connect() as other:
                    await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
                await lost.fetch(_ONE, {})
        async with uow.read() as tx, uow.read():
            assert await tx.fetch(_ONE, {})
        async with uow.read(), uow.read():
            pass
    finally:
        await pair.dispose()

    assert len(asked) == 1


async def test_a_rollback_that_is_cancelled_too_closes_the_connection(
    settings: Settings, engine: AsyncEngine, clock: FakeClock, scratch: str
) -> None:
    """A connection that went back in a transaction would write what was undone, with somebody else's commit."""
    lonely = make_engine(settings.database_url, pool_size=1)
    uow = UnitOfWork(lonely, clock, RecordingSignals(), {})
    begun = asyncio.Event()

    async def write() -> None:
        async with uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = 99"))
            begun.set()
            await tx.execute(text("SELECT pg_sleep(60)"))

    try:
        task = asyncio.create_task(write())
        await begun.wait()
        await asyncio.sleep(0)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        async with uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = n + 1 WHERE id = 1"))
        assert await numbers(engine) == [11, 20]
    finally:
        await lonely.dispose()


async def test_who_is_gone_in_the_middle_of_a_statement_leaves_no_lock(
    settings: Settings, engine: AsyncEngine, clock: FakeClock, scratch: str
) -> None:
    """As kill -9 does it: the socket is closed, and nobody asks PostgreSQL to stop."""
    gone, left = (make_engine(settings.database_url, pool_size=1) for _ in range(2))
    try:
        async with gone.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute("BEGIN; UPDATE uow_scratch SET n = 99")
            statement = asyncio.create_task(driver.execute("SELECT pg_sleep(20)"))
            state = text("SELECT wait_event FROM pg_stat_activity WHERE pid = :pid")
            async with engine.connect() as other:
                while (await other.execute(state, {"pid": driver.get_server_pid()})).scalar() != "PgSleep":
                    await asyncio.sleep(0.01)
            driver.terminate()
            with pytest.raises(asyncpg.ConnectionDoesNotExistError):
                await statement
        async with UnitOfWork(left, clock, RecordingSignals(), {})() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = n + 1 WHERE id = 1"))
        assert await numbers(engine) == [11, 20]
    finally:
        await gone.dispose()
        await left.dispose()


async def test_a_connection_lost_in_the_middle_commits_nothing(
    real_uow: UnitOfWork, engine: AsyncEngine, signals: RecordingSignals, scratch: str
) -> None:
    with pytest.raises(DBAPIError):
        async with real_uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = 11"))
            tx.signal("order", 1)
            pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with engine.connect() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            await tx.execute(text("SELECT 1"))

    assert await numbers(engine) == [10, 20]
    assert signals.sent == []


async def test_a_connection_that_is_just_closing_is_lost(real_uow: UnitOfWork) -> None:
    with pytest.raises(DBAPIError) as raised:
        async with real_uow() as tx:
            (before,) = await tx.fetch(_PROCESS, {})
            tx.connection._driver = Closing(tx.connection._driver)
            await tx.fetch(_ONE, {})

    assert database_lost(raised.value)
    async with real_uow.read() as tx:
        assert await tx.fetch(_PROCESS, {}) != [before]
