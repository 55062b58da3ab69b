"""Real servers for every test: one PostgreSQL (tests/servers.py), one Redis for the run, a database for each worker."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import attrs  # noqa: F401 - as rich
import httpx._transports.default as httpx_transports
import httpx2._transports.default as httpx2_transports
import msgspec
import pydantic  # noqa: F401 - as rich
import pytest
import rich  # noqa: F401 - before a process's lean.py forbids it: all are tested side by side here
import structlog
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import bootstrap
from backend.bootstrap import SUBSCRIPTIONS, Services, build
from backend.infra import embedded
from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.settings import Environment, Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from tests import servers
from tests.fakes.clock import FakeClock
from tests.fakes.savepoints import SavepointUnitOfWork
from tests.warm.process import parents
from tests.warm.testers import COLLECTING

pytest_plugins = ["tests.audited", "tests.seconds", "tests.together"]
_SERVERS = pytest.StashKey[contextlib.ExitStack]()
BOT_TOKEN = "7000000001:TEST-token-of-the-simulated-bot-AAAA"
ROOT_ADMIN_ID = 900_000_001

# As in the product (backend.infra.logging). structlog's own choice, which shows every variable, took an eighth of the
# tests' time.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
# As in the product (webapp/__main__.py, backend/worker.py).
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that hands the tests out."""
    if hasattr(config, "workerinput") or COLLECTING in os.environ:
        return
    stack = contextlib.ExitStack()
    config.stash[_SERVERS] = stack
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="souk-test-", ignore_cleanup_errors=True)))
    stack.enter_context(servers.postgres())
    stack.enter_context(parents())
    os.environ["SOUK_TEST_REDIS"] = stack.enter_context(embedded.redis(folder / "redis", throwaway=True))


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays: to look through it again and again took a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop them again."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0 for the first test process, 1 for the second."""
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(name.removeprefix("gw"))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of the run's PostgreSQL."""
    return os.environ[servers.POSTGRES]


@pytest.fixture(scope="session")
def redis_url(worker_number: int) -> str:
    """A Redis database of this process's own."""
    return os.environ["SOUK_TEST_REDIS"].removesuffix("/0") + f"/{worker_number}"


@pytest.fixture(scope="session")
async def database_url(postgres_server: str, worker_number: int) -> str:
    """A migrated database of this process's own."""
    return await servers.new_copy(postgres_server, servers.database_name(worker_number))


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the shop under test."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        bot_token=BOT_TOKEN,
        root_admin_id=ROOT_ADMIN_ID,
        public_url="http://127.0.0.1:8080",
        master_keys="k1:" + "A" * 43 + "=",
        secret_key="tests-sign-with-this-and-nobody-else-does",
        souk_env=Environment.TEST,
        demo_payments=True,
        database_pool=20,
        reading_pace=0,
        quiet_from=0,  # else tests of messages would depend on the hour at which they run
        quiet_until=0,
        data_dir=str(tmp_path_factory.mktemp("data")),
    )


class _Shared(AsyncEngine):
    """An engine whose connections the next test uses too: each new one costs PostgreSQL and the driver 20 ms."""

    async def dispose(self, close: bool = True) -> None:
        """Keep them."""


_SHARED: dict[tuple[str, int, asyncio.AbstractEventLoop], AsyncEngine] = {}
"""By the address, the size of the pool and the event loop: a command of souk runs in a loop of its own."""


def _shared_engine(url: str, *, pool_size: int) -> AsyncEngine:
    try:
        shared = _SHARED.get((url, pool_size, asyncio.get_running_loop()))
    except RuntimeError:
        shared = None
    return shared or make_engine(url, pool_size=pool_size)


@pytest.fixture(scope="session", autouse=True)
def _connections_are_shared() -> Iterator[None]:
    """Backends that are built on this process's database use its engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "make_engine", _shared_engine)
        yield


@pytest.fixture(scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine on this process's database; what it commits stays, so use it with ``committed_db``."""
    engine = make_engine(settings.database_url, pool_size=settings.database_pool)
    key = settings.database_url, settings.database_pool, asyncio.get_running_loop()
    _SHARED[key] = _Shared(engine.sync_engine)
    yield engine
    del _SHARED[key]
    await engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """All HTTP clients of this process share the list of authorities: 15 ms of reading for each of them otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        for transports in (httpx_transports, httpx2_transports):
            patch.setattr(transports, "create_ssl_context", functools.cache(transports.create_ssl_context))
        yield


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands until it is moved."""
    return FakeClock()


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    """The master keys of the shop under test."""
    return KeyRing(settings.master_keys)


@pytest.fixture
async def uow(engine: AsyncEngine, settings: Settings, clock: FakeClock, ring: KeyRing) -> AsyncIterator[UnitOfWork]:
    """Transactions that are savepoints of one that is rolled back: nothing stays."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        signals = Signals(engine, settings.database_url)
        yield SavepointUnitOfWork(connection, clock, signals, SUBSCRIPTIONS, ring)
        await outer.rollback()


@pytest.fixture(scope="session")
async def emptier(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose ``pg_temp.empty()`` empties every table of this process's database.

    TRUNCATE creates every file again, some 170 ms a test; 130 statements took 6 ms, most of it to plan them. A function
    has its plans kept, until the role changes: hence a connection of its own. In this role triggers sleep, which would
    refuse to delete what is only ever added.
    """
    limits = {"lock_timeout": "5s", "statement_timeout": "30s", "session_replication_role": "replica"}
    connection = await asyncpg.connect(database_url, server_settings=limits)
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    deletes = " ".join(f'DELETE FROM "{row["tablename"]}";' for row in names)
    await connection.execute(
        f"CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {deletes} END $$"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def committed_db(engine: AsyncEngine, emptier: asyncpg.Connection) -> AsyncIterator[None]:
    """For tests that must commit (races, several processes): every table is emptied afterwards."""
    yield
    await emptier.execute("SELECT pg_temp.empty()")


@pytest.fixture
async def services(settings: Settings, committed_db: None, clock: FakeClock) -> AsyncIterator[Services]:
    """The whole backend on committed data, with a clock that the test moves."""
    built = build(settings, clock=clock)
    async with built.running(listen=False):
        await built.identity.access.ensure_root()
        yield built


@pytest.fixture(scope="session")
def other_settings(settings: Settings) -> Iterator[object]:
    """Makes a variant of the settings: ``other_settings(redis_url=...)``."""

    def make(**changes: object) -> Settings:
        return msgspec.structs.replace(settings, **changes)  # type: ignore[arg-type]

    return make  # type: ignore[return-value]
