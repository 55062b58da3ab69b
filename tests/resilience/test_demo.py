"""``souk demo`` as a newcomer runs it: kept data, killed children and servers, Ctrl-C, a killed supervisor, busy ports.

It runs in a folder with a difficult name and with an empty environment, as a bare machine has it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from backend.infra.dsn import connect_arguments
from backend.infra.embedded import free_port
from tests.bot.telegram import EMMA, Telegram
from tests.resilience.processes import alive, descendants, exit_code, gone, until
from tests.resilience.sale import top_up
from tests.webapp.client import Visitor
from tests.webapp.sale import field, number_of

_SOUK = Path(sys.executable).parent / "souk"
_ROOTS = {"bot.simulator", "webapp", "backend.worker", "bot"}
_FOLDER = """it's a "demo" & 100% #1"""
_BARE = {"PATH": os.environ["PATH"]}
_SETTLED_SECONDS = 2.0
"""A child that ends sooner after its start is taken for one that cannot run at all."""
_COUNTS = (
    "SELECT count(*) FROM users",
    "SELECT count(*) FROM orders",
    "SELECT count(*) FROM products",
    "SELECT count(*) FROM stock_keys WHERE state = 'available'",
    "SELECT sum(balance)::bigint FROM ledger_accounts",
)


class Demo:
    """The command, its output, and what it has started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port(4)
        self.state = folder / _FOLDER
        self.web, self.simulator = (f"http://127.0.0.1:{self.port + more}" for more in (0, 1))
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The supervisor."""
        assert self._running is not None
        return self._running

    async def start(self) -> None:
        """Run it until it says that it is ready."""
        output, errors = self._folder / "stdout", self._folder / "stderr"
        command = [str(_SOUK), "demo", "--port", str(self.port), "--state", str(self.state)]
        with output.open("wb") as said, errors.open("wb") as noted:
            # A session of its own, as a terminal gives it; Ctrl-C there reaches all of the foreground.
            self._running = subprocess.Popen(command, stdout=said, stderr=noted, env=_BARE, start_new_session=True)

        async def ready() -> str:
            assert self.process.poll() is None, errors.read_text()
            return output.read_text()

        said_at_last = await until(ready, 120)
        assert said_at_last == f"souk ready: mini app {self.web} · simulator {self.simulator}\n"

    def children(self) -> dict[str, psutil.Process]:
        """The four processes of the shop, by their module."""
        by_name = {}
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                by_name[child.cmdline()[-1]] = child
        return {name: child for name, child in by_name.items() if name in _ROOTS}

    def everything(self) -> list[int]:
        """All that runs because of it, PostgreSQL and its helpers too."""
        return descendants(self.process.pid) + descendants(self.postmaster)

    @property
    def postmaster(self) -> int:
        """PostgreSQL's first process."""
        return int((self.state / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def environment(self) -> dict[str, str]:
        """What it tells scripts."""
        words = shlex.split((self.state / "env").read_text())
        return {name: value for name, _, value in (word.partition("=") for word in words)}

    async def ask(self, *statements: str) -> list[Any]:
        """The answers of the demo's database."""
        connection = await asyncpg.connect(**connect_arguments(self.environment["DATABASE_URL"]))
        try:
            return [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()

    async def counts(self) -> list[int]:
        """People, orders, products, stock and money."""
        return await self.ask(*_COUNTS)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal to the supervisor alone; its exit code."""
        self.process.send_signal(number)
        return await exit_code(self.process)

    async def close(self) -> None:
        """Whatever a failed test has left."""
        if self._running is None:
            return
        pids = []
        with contextlib.suppress(psutil.NoSuchProcess):
            pids += descendants(self.process.pid)
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            pids += descendants(self.postmaster)
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        self.process.wait()


@pytest.fixture
async def demo(folder: Path) -> AsyncIterator[Demo]:
    """Not started yet."""
    demo = Demo(folder)
    try:
        yield demo
    finally:
        await demo.close()


async def test_it_keeps_its_data_restarts_its_children_and_leaves_nothing_behind(demo: Demo) -> None:
    await demo.start()
    token = demo.environment["BOT_TOKEN"]
    async with (
        httpx.AsyncClient(base_url=demo.web, timeout=20) as client,
        httpx.AsyncClient(base_url=demo.simulator, timeout=20) as http,
    ):
        visitor = Visitor(client, token, time.time(), EMMA, first_name="Emma", language_code="en")
        telegram = Telegram(demo.simulator, http)
        await top_up(visitor, 100)
        assert await demo.ask("SELECT lower('ЖЕЛЕЗО')") == ["железо"]
        assert_a_second_one_is_refused(demo)
        await kill_every_child(demo)
        await kill_both_servers(demo)
        sent = await telegram.person(EMMA).send("/start")

        async def greeted() -> bool:
            return any(message["buttons"] for message in await telegram.person(EMMA).heard(after=sent))

        await until(greeted)
        number = await buy_something(visitor)

        async def is_notified() -> bool:
            return any(number in message["text"] for message in await telegram.person(EMMA).heard(wait=0))

        await until(is_notified)
    before = await demo.counts()
    everything, postmaster = demo.everything(), demo.postmaster
    assert await demo.end(signal.SIGKILL) == -signal.SIGKILL
    database = descendants(postmaster)
    await gone(*(pid for pid in everything if pid not in database))

    # The second start finds all that is left, keeps what was sold, and fills nothing up.
    await demo.start()
    assert await demo.counts() == before
    assert demo.environment["BOT_TOKEN"] == token
    everything = demo.everything()
    assert len(everything) > len(_ROOTS) + 2
    assert await demo.end(signal.SIGINT) == 0
    assert not [pid for pid in everything if alive(pid)]


def assert_a_second_one_is_refused(demo: Demo) -> None:
    """Whatever its port is: in one line, and nothing of the first is touched."""
    before = {path for path in demo.state.rglob("*") if path.parent.name in {_FOLDER, "metrics"}}
    said = (demo.state / "env").stat().st_mtime_ns
    command = [str(_SOUK), "demo", "--port", str(free_port(4)), "--state", str(demo.state)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=_BARE)
    assert (ended.returncode, ended.stdout) == (1, "")
    refusal = f"souk: a demo already runs in {demo.state} (process {demo.process.pid}): open that one, or stop it\n"
    assert ended.stderr == refusal
    assert before <= set(demo.state.rglob("*")) and (demo.state / "env").stat().st_mtime_ns == said


async def kill_both_servers(demo: Demo) -> None:
    """Kill -9 PostgreSQL and Redis; the demo starts them again, with their data."""
    before, old = await demo.counts(), demo.postmaster
    redis = next(item for item in psutil.Process(demo.process.pid).children() if "redis" in item.name())
    psutil.Process(old).kill()
    redis.kill()
    await gone(redis.pid)

    async def back() -> bool:
        with contextlib.suppress(OSError, ValueError, asyncpg.PostgresError, httpx.TransportError):
            if demo.postmaster != old and await demo.counts() == before:
                async with httpx.AsyncClient(timeout=5) as client:
                    state = (await client.get(f"{demo.web}/readyz")).json()
                    return bool(state["database"] == "ok" and state["redis"] == "ok")
        return False

    await until(back)


async def kill_every_child(demo: Demo) -> None:
    """Kill -9 all four at once, and wait until their successors serve."""
    old = demo.children()
    assert set(old) == _ROOTS

    async def settled() -> bool:
        return all(time.time() - child.create_time() > _SETTLED_SECONDS for child in old.values())

    await until(settled)
    for child in old.values():
        child.kill()
    await gone(*(child.pid for child in old.values()))

    async def back() -> bool:
        new = demo.children()
        if set(new) != _ROOTS or {child.pid for child in new.values()} & {child.pid for child in old.values()}:
            return False
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient(timeout=5) as client:
                answers = [await client.get(url) for url in (f"{demo.web}/readyz", f"{demo.simulator}/control/info")]
                return all(answer.status_code == 200 for answer in answers)
        return False

    await until(back)


async def buy_something(visitor: Visitor) -> str:
    """The first thing on the shelf that can be bought; the order's number."""
    products = (await visitor.get("/api/v1/products?in_stock=true", html=False)).json()["items"]
    slug = next(item["slug"] for item in products if not item["premium_only"])
    variants = (await visitor.get(f"/api/v1/products/{slug}", html=False)).json()["variants"]
    variant = next(item["id"] for item in variants if item["available"])
    sheet = await visitor.get(f"/shop/{slug}/confirm?variant={variant}&quantity=1")
    form = {"variant": variant, "quantity": "1", "intent": field(sheet, "intent")}
    return number_of(await visitor.post("/orders", data=form))


@pytest.mark.parametrize(("which", "use"), [(0, "mini app"), (3, "redis")])
async def test_a_port_that_is_taken_is_told_in_one_line(demo: Demo, which: int, use: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.port + which))
        taken.listen()
        command = [str(_SOUK), "demo", "--port", str(demo.port), "--state", str(demo.state)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(rf"souk: port {demo.port + which} \({use}\) is taken; [^\n]+\n", ended.stderr)
    assert not (demo.state / "postgres").exists()
