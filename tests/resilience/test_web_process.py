"""The web process as granian runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import asyncpg
import httpx
import msgspec
import pytest

from backend.bootstrap import build
from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from tests import processes
from tests.factories.identity import person
from tests.resilience.processes import LONGEST, descendants
from webapp.core.session import SignedAddresses

_GRANIAN = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "webapp.asgi:app"]


def _environment(settings: Settings) -> dict[str, str]:
    values = msgspec.to_builtins(settings, str_keys=True)
    return {**os.environ, **{name: str(value) for name, value in values.items() if value not in {"", False}}}


@pytest.fixture
async def address(settings: Settings, committed_db: None) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A running web process and where it listens."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *_GRANIAN, "--host", "127.0.0.1", "--port", str(port), env=_environment(settings), cwd=processes.ROOT
    )
    try:
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient() as client:
            async with asyncio.timeout(LONGEST):
                await _ready(client, base)
        yield base, process
    finally:
        if process.returncode is None:
            # granian's workers too: those of a killed granian that are still importing would go on for seconds.
            for pid in descendants(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await process.wait()


async def _ready(client: httpx.AsyncClient, base: str) -> None:
    while True:
        try:
            if (await client.get(base + "/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.05)


async def test_it_makes_the_root_streams_changes_and_stops_at_once(
    address: tuple[str, asyncio.subprocess.Process], settings: Settings, database_url: str
) -> None:
    base, process = address
    services = build(settings)
    async with services.running(listen=False):
        actor = await person(services.identity)
        async with asyncio.timeout(10):
            while (root := await services.identity.access.actor_by_telegram_id(settings.root_admin_id)) is None:
                await asyncio.sleep(0.05)
        assert root.is_root
        url = SignedAddresses(settings.secret_key, services.clock).sign("/live?on=order:7&since=99999999999999", actor)
        connection = await asyncpg.connect(database_url)
        async with httpx.AsyncClient() as client, client.stream("GET", base + url, timeout=10) as stream:
            assert stream.status_code == 200
            lines = stream.aiter_lines()
            assert (await anext(lines)).startswith("retry:")
            await connection.execute("SELECT pg_notify('souk', 'order:7')")
            await anext(lines)
            assert await anext(lines) == "event: changed"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                async for _ in lines:
                    pass
        await connection.close()
        async with asyncio.timeout(10):
            assert await process.wait() == 0


_STUCK = """
import asyncio, signal
import uvloop
from webapp.core.live import closed_on_signals

class Streams:
    def close(self):
        print("closing")

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print, "granian heard")
    with closed_on_signals(Streams(), end_within=1):
        print("serving")
        await asyncio.Event().wait()

uvloop.run(main())
"""


async def test_a_worker_that_never_finishes_is_ended() -> None:
    """Its request waits for a lock that is never released, and granian, which would kill it, was killed itself."""
    command = [sys.executable, "-u", "-c", _STUCK]
    process = await asyncio.create_subprocess_exec(*command, cwd=processes.ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(LONGEST):
        assert await process.stdout.readline() == b"serving\n"
        process.send_signal(signal.SIGTERM)
        assert {await process.stdout.readline(), await process.stdout.readline()} == {b"closing\n", b"granian heard\n"}
        assert await process.wait() == -signal.SIGALRM
