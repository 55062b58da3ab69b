"""A shop of its own for each test: what one kills, no other needs."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.infra.settings import Settings
from bot.simulator import bot_api
from tests import servers
from tests.bot.telegram import Telegram, telegram_running
from tests.resilience.ground import Ground, Tap, ground_on
from tests.resilience.processes import Fuse

_databases = itertools.count(1)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server's own user can reach; pytest closes its tmp_path against all others."""
    folder = Path(tempfile.mkdtemp(prefix="souk-resilience-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    """Between the shop and Telegram."""
    tap = Tap()
    monkeypatch.setattr(bot_api, "call", tap.call)
    return tap


@pytest.fixture
async def telegram(tap: Tap) -> AsyncIterator[Telegram]:
    """A simulator, as on its first start."""
    async with telegram_running() as running:
        yield running


@pytest.fixture
async def own_database(postgres_server: str, worker_number: int) -> AsyncIterator[str]:
    """A migrated database that only this test uses."""
    name = servers.database_name("resilience", worker_number, next(_databases))
    yield await servers.new_copy(postgres_server, name)
    await servers.execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def ground(
    settings: Settings, own_database: str, folder: Path, telegram: Telegram, tap: Tap
) -> AsyncIterator[Ground]:
    """The shop, its processes not started."""
    async with ground_on(settings, own_database, folder, telegram, tap) as ground:
        yield ground


@pytest.fixture
def fuse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Fuse:
    """For a process that is to die at a named place."""
    return Fuse(folder, monkeypatch)
