"""The web app on the real backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from backend.bootstrap import Services, build
from backend.infra.settings import Settings
from tests.fakes.clock import FakeClock
from tests.webapp import ready
from tests.webapp.client import Visitor, browser
from webapp.asgi import make_app, serve
from webapp.core.limits import Limits

ready.compile_once()
MakeVisitor = Callable[..., Visitor]
MakeWeb = Callable[..., Litestar]


@pytest.fixture(scope="session")
def idle_apps() -> list[Litestar]:
    """Apps that no test uses now: routes and templates take longer to build than most tests to run."""
    return ready.apps


@pytest.fixture
def make_web(idle_apps: list[Litestar], settings: Settings) -> Iterator[MakeWeb]:
    """Puts services behind the app of this process, or behind another one while the test holds it already."""
    used: list[Litestar] = []

    def make(services: Services, settings: Settings = settings, limits: Limits | None = None) -> Litestar:
        used.append(idle_apps.pop() if idle_apps else make_app(settings))
        return serve(used[-1], services, settings, limits)

    yield make
    idle_apps.extend(used)


@pytest.fixture
async def app(services: Services, make_web: MakeWeb) -> Litestar:
    """The app, on committed data."""
    # Each test counts from nothing: Redis is shared by the tests of one process.
    await services.redis.flushdb()
    return make_web(services)


@pytest.fixture
async def listening(settings: Settings, committed_db: None) -> AsyncIterator[Services]:
    """A process that hears signals."""
    services = build(settings)
    async with services.running():
        while not services.signals.connected:
            await asyncio.sleep(0.01)
        await services.redis.flushdb()
        await services.identity.access.ensure_root()
        yield services


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in."""
    async with browser(app) as client:
        yield client


@pytest.fixture
def visitor(client: httpx.AsyncClient, settings: Settings, clock: FakeClock) -> MakeVisitor:
    """Makes a person's web view: ``visitor(42, first_name="Omar")``."""

    def make(telegram_id: int = 42, **fields: Any) -> Visitor:
        return Visitor(client, settings.bot_token, clock.now().timestamp(), telegram_id, **fields)

    return make
