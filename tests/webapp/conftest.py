"""The web app on the real backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.infra.settings import Settings
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from webapp.asgi import create_app
from webapp.core.assets import build_assets
from webapp.core.rendering import Templates

MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """All apps of this process share their templates, which take longer to compile than a test to run."""
    templates = Templates(build_assets())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webapp.asgi.Templates", lambda _: templates)
        yield


@pytest.fixture
async def app(services: Services, settings: Settings) -> Litestar:
    """The app, on committed data."""
    # Each test counts from nothing: Redis is shared by the tests of one process.
    await services.redis.flushdb()
    return create_app(services, settings)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in."""
    async with browser(app) as made:
        yield made


@pytest.fixture
def visitor(client: httpx.AsyncClient, settings: Settings, clock: FakeClock) -> MakeVisitor:
    """Makes a person's web view: ``visitor(42, first_name="Omar")``."""

    def make(telegram_id: int = 42, **fields: Any) -> Visitor:
        return Visitor(client, settings.bot_token, clock.now().timestamp(), telegram_id, **fields)

    return make
