"""The web process: ``python -m webapp``."""

from __future__ import annotations

import webapp.lean  # noqa: F401 - before anything that would import what it forbids

# isort: split

import multiprocessing
import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from backend.infra.metrics import counting_together
from backend.infra.roots import run_process
from backend.infra.settings import Settings
from backend.infra.starting import require_port
from webapp.core import capacity


def serve(settings: Settings) -> int:
    """Serve until SIGTERM; the exit code."""
    require_port("PORT", settings.host, settings.port)
    # A fork would copy whatever lock another thread (the metrics' one) holds at that moment, and the worker hang on it.
    multiprocessing.set_start_method("spawn", force=True)
    capacity.open_more_files()
    server = Granian(
        "webapp.asgi:app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.web_workers,
        backlog=capacity.BACKLOG,
        # Granian's word for the most open connections of a worker; by itself it takes no more than its backlog.
        backpressure=capacity.connections(),
        # Where it also takes HTTP/2 it waits for the first byte without a limit; Caddy speaks HTTP/1.1 to us.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=capacity.HEADER_SECONDS * 1000),
        # A worker that dies is replaced; one that has to go finishes what it has begun.
        respawn_failed_workers=True,
        workers_kill_timeout=capacity.ENDING_SECONDS,
        log_enabled=False,
        websockets=False,
    )
    server.serve()
    return 0


if __name__ == "__main__":
    with counting_together():
        code = run_process("web", serve)
    sys.exit(code)
