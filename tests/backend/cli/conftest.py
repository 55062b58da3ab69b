"""The command line, run on the shop under test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pytest
import structlog
from click.testing import CliRunner, Result

from backend.cli.main import main
from backend.infra.settings import Settings

Souk = Callable[..., Awaitable[Result]]


@pytest.fixture
def souk(settings: Settings) -> Iterator[Souk]:
    """Runs a command with the settings of the shop; ``changes`` are variables that differ."""
    values = {name: "" if value is False else value for name, value in msgspec.to_builtins(settings).items()}
    environ = {name: "1" if value is True else str(value) for name, value in values.items()}

    async def run(*words: object, **changes: str) -> Result:
        runner = CliRunner(env={**environ, **changes, "COLUMNS": "200"})
        # A command brings an event loop of its own, hence the thread.
        return await asyncio.to_thread(runner.invoke, main, list(map(str, words)))

    yield run
    structlog.reset_defaults()
