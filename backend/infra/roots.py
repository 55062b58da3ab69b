"""What every long-running process does alike: starts, and runs its parts side by side until it is asked to stop."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from backend.infra.ending import end
from backend.infra.environment import load_settings
from backend.infra.logging import setup_logging
from backend.infra.metrics import serve_metrics
from backend.infra.settings import Settings, SettingsError
from backend.infra.shop_currency import require_currency
from backend.infra.starting import CannotStart, require_folder

WRONG_SETTINGS: Final = 2
CANNOT_START: Final = 1
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
log = structlog.get_logger(__name__)


def die_with_parent() -> None:
    """Have Linux end this process with SIGTERM when its parent is gone, even by kill -9; nothing happens elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def run_process(name: str, serve: Callable[[Settings], int]) -> int:
    """Start the process ``name``: settings, logs, metrics, then ``serve``; the exit code.

    What hinders it is named in one line: the code is 2 for wrong settings, 1 for what this machine lacks.
    """
    try:
        settings = load_settings()
        if settings.log_dir:
            require_folder("LOG_DIR", settings.log_dir)
        require_folder("DATA_DIR", settings.data_dir)
        require_currency(settings)
        setup_logging(settings, name)
        serve_metrics(settings.metrics_port, settings.metrics_host)
        return serve(settings)
    except SettingsError as error:
        sys.stderr.write(f"souk: {error}\n")
        return WRONG_SETTINGS
    except CannotStart as error:
        sys.stderr.write(f"souk: {error}\n")
        return CANNOT_START


async def run_until_stopped(
    parts: Mapping[str, Callable[[], Awaitable[Any]]],
    before_end: Callable[[], Awaitable[None]] | None = None,
    *,
    started: Callable[[], object],
) -> int:
    """Run ``parts`` until SIGTERM or SIGINT, then ``before_end``, then cancel them; the exit code.

    ``started`` is called as soon as these signals are heard: then anyone who waits for the start may stop the process.
    A part that ends or fails by itself ends the process with 1: its supervisor (Docker, the demo) starts it again.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    started()
    stopping = asyncio.create_task(stop.wait())
    tasks = {asyncio.ensure_future(_named(part)): name for name, part in parts.items()}
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task in done]
        for task in ended:
            log.error("process.part_ended", part=tasks[task], exc_info=task.exception())
        if not ended and before_end is not None:
            log.info("process.stopping")
            await before_end()
        return 1 if ended else 0
    finally:
        await end(stopping, *tasks)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _named(part: Callable[[], Awaitable[Any]]) -> None:
    await part()
