"""A process from a warm parent (tests/warm) is what ``python -m`` would have started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from backend.infra.settings import Settings
from tests import processes
from tests.resilience.ground import Ground
from tests.resilience.processes import descendants, exit_code, gone, suspended, until
from tests.warm.process import WarmProcess


async def test_it_says_and_returns_what_a_cold_one_does(
    other_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    wrong = other_settings(redis_url="http://redis", data_dir=str(tmp_path))
    said = []
    for cold in (False, True):
        log = tmp_path / f"{cold}.log"
        process = processes.start("backend.worker", wrong, log, cold=cold)
        assert isinstance(process, WarmProcess) is not cold
        assert await exit_code(process) == process.wait() == 2
        said.append(log.read_text())
    assert said[0] == said[1]
    assert "REDIS_URL" in said[0]


async def test_signals_reach_the_program_itself(ground: Ground, folder: Path) -> None:
    log = folder / "worker.log"

    async def started() -> bool:
        return "worker.started" in log.read_text()

    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        log.write_text("")
        ground.worker.start()
        await until(started)
        os.kill(ground.worker.pid, number)
        assert await ground.worker.ended() == code
        await gone(ground.worker.pid)


async def test_a_death_is_known_although_its_watcher_is_late(ground: Ground, folder: Path) -> None:
    """A test that starts it again because it is gone must not be told that it still runs."""
    process = processes.start("backend.worker", ground.settings, folder / "log")
    with suspended(psutil.Process(process.pid).ppid()):
        os.kill(process.pid, signal.SIGKILL)
        await gone(process.pid)
        asked = asyncio.create_task(asyncio.to_thread(process.poll))
        await asyncio.wait({asked}, timeout=0.2)
    assert await asked == -signal.SIGKILL


async def test_it_is_killed_when_its_test_is_gone(ground: Ground, folder: Path) -> None:
    process = processes.start("backend.worker", ground.settings, folder / "log")
    assert isinstance(process, WarmProcess)
    process.abandon()
    await gone(process.pid)


async def test_the_first_web_worker_is_warm_and_the_next_one_is_spawned(ground: Ground) -> None:
    def workers() -> list[str]:
        commands = []
        for pid in descendants(ground.web.pid)[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):  # dead and not yet buried
                commands.append(" ".join(psutil.Process(pid).cmdline()))
        return [command for command in commands if "resource_tracker" not in command]

    ground.web.start()
    await ground.web.ready()
    (first,) = workers()
    assert "tests.warm.parent" in first
    victims = descendants(ground.web.pid)[1:]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    await gone(*victims)
    await ground.web.ready()
    (second,) = workers()
    assert "spawn_main" in second
