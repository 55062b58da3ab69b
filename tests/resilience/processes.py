"""The shop's processes and servers, each of which a test can stop, kill or lose."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
import pytest
import redis

from backend.infra import embedded
from backend.infra.failpoints import VARIABLE
from backend.infra.settings import Settings
from tests import processes

T = TypeVar("T")
LONGEST = 60.0
"""Seconds after which a condition counts as never met: generous, since the machine may be busy with others."""
_PAUSE = 0.02
_TAIL = 2000


async def until(check: Callable[[], Awaitable[T | None]], seconds: float = LONGEST) -> T:
    """What ``check`` gives as soon as it is true; raises TimeoutError when that takes longer than ``seconds``."""
    async with asyncio.timeout(seconds):
        while not (result := await check()):
            await asyncio.sleep(_PAUSE)
        return result


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet buried does not."""
    try:
        process = psutil.Process(pid)
        # After kill -9 the first thread can be dead while others still end: nobody can wait for such a process yet.
        return bool(process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[int]:
    """The process and everything that it has started, itself first."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


async def gone(*pids: int) -> None:
    """Wait until none of them runs."""

    async def nobody() -> bool:
        return not any(alive(pid) for pid in pids)

    await until(nobody)


async def exit_code(process: processes.Running) -> int:
    """Wait for its end; the exit code, negative for a signal."""

    async def over() -> bool:
        return process.poll() is not None

    await until(over)
    assert process.returncode is not None
    return process.returncode


class Fuse:
    """Has a process die by SIGKILL at a place that the code names (``failpoint``), once."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "fuse"
        self._monkeypatch = monkeypatch

    def lay(self, place: str) -> None:
        """Have the next process that is started die at ``place``."""
        self._file.touch()
        self._monkeypatch.setenv(VARIABLE, f"{place}={self._file}")

    async def blown(self, place: str) -> None:
        """Wait until a process has died there; those that are started from now on live."""

        async def burnt() -> bool:
            return not self._file.exists()

        try:
            await until(burnt, 30)
        except TimeoutError:
            raise AssertionError(f"nobody came to {place}") from None
        self._monkeypatch.delenv(VARIABLE)


@contextlib.contextmanager
def suspended(pid: int) -> Iterator[None]:
    """The process does nothing while the context lasts, and knows nothing of it afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Process:
    """``python -m module``, started as an operator starts it; its output goes to ``log``."""

    def __init__(self, module: str, settings: Settings, log: Path) -> None:
        self.module = module
        self.settings = settings
        self.starts = 0
        self._log = log
        self._running: processes.Running | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._running is not None
        return self._running.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Start it, once more after it ended."""
        assert not self.runs
        self._running = processes.start(self.module, self.settings, self._log)
        self.starts += 1

    def strike(self) -> list[int]:
        """Kill -9 it and all that it has started, at once; the numbers of the killed."""
        pids = descendants(self.pid)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pids

    async def ended(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        assert self._running is not None
        return await exit_code(self._running)

    def close(self) -> None:
        """End it, whatever it does."""
        if self.runs:
            self.strike()
        if self._running is not None:
            self._running.wait()


class Web(Process):
    """The web process."""

    def __init__(self, settings: Settings, log: Path) -> None:
        super().__init__("webapp", settings, log)
        self.url = f"http://127.0.0.1:{settings.port}"

    async def ready(self) -> None:
        """Wait until it can serve people."""

        async def serves() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await self.look("/readyz")).status_code == 200
            return False

        try:
            await until(serves)
        except TimeoutError:
            raise AssertionError(f"the web process is not ready: {self._log.read_text()[-_TAIL:]}") from None

    async def look(self, path: str) -> httpx.Response:
        """One GET on a connection of its own."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            return await client.get(path)


class Redis:
    """A Redis on one port that comes and goes, with its data or without."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._times = 0
        self._port = embedded.free_port()
        self._stack = contextlib.ExitStack()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it with the data that it has."""
        self._stack.enter_context(embedded.redis(self._folder / str(self._times), self._port))

    def stop(self) -> None:
        """Stop it; it keeps its data."""
        self._stack.close()

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and answers nothing, while the context lasts."""
        with redis.Redis.from_url(self.url) as client:
            pid = int(client.info("server")["process_id"])
        with suspended(pid):
            yield

    def forget(self) -> None:
        """Have it start with nothing the next time."""
        self._times += 1


class Postgres:
    """A PostgreSQL of the test's own, stopped and started as by its operator."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "pg"
        self._stack = contextlib.ExitStack()
        self.url = self._stack.enter_context(embedded.postgres(self._data, throwaway=True))

    def stop(self) -> None:
        """Stop it at once: every connection is cut, nothing is lost."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start it again, at the same address."""
        sockets = self.url.rpartition("host=")[2]
        self._control("start", "-l", str(self._data / "log"), "-o", f"-h '' -k {sockets}")

    def close(self) -> None:
        """Stop it for good and delete its data."""
        # The package knows only the server that it has started itself.
        with contextlib.suppress(subprocess.CalledProcessError):
            self._control("stop", "-m", "immediate")
        self._stack.close()

    def _control(self, *words: str) -> None:
        # PostgreSQL refuses to run as root; the package runs it as a user of its own there.
        user = "pgserver" if os.geteuid() == 0 else None
        command = [str(embedded.postgres_bin() / "pg_ctl"), "-w", "-D", str(self._data), *words]
        with (self._data.parent / "pg_ctl.log").open("ab") as log:
            subprocess.run(command, check=True, user=user, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
