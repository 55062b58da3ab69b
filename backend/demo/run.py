"""``souk demo``: the whole shop on one machine, with a simulated Telegram."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

import asyncpg
from rich.console import Console

from backend.bootstrap import build
from backend.demo.load import load_demo_shop
from backend.demo.processes import Child
from backend.infra import embedded, migrations
from backend.infra.embedded import EmbeddedError
from backend.infra.settings import load_settings

ROOT_ADMIN_ID = 900_000_001
_HOST = "127.0.0.1"
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_SECRET_NAMES = ("BOT_TOKEN", "MASTER_KEYS", "SECRET_KEY")
console = Console(stderr=True)


class _Stop(Exception):
    """The person pressed Ctrl-C, or the system asks to end."""


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def _read_env(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name: value.strip("'") for name, _, value in lines}


def _secrets(old: dict[str, str]) -> dict[str, str]:
    fresh = {
        "BOT_TOKEN": f"{secrets.randbelow(9 * 10**9) + 10**9}:{secrets.token_urlsafe(26)}",
        "MASTER_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    return {name: old.get(name, fresh[name]) for name in _SECRET_NAMES}


def _require_free(ports: dict[str, int]) -> None:
    for use, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                raise EmbeddedError(f"port {port} ({use}) is taken; try PORT=9000 make demo") from None


def _write_env(path: Path, environ: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}='{value}'\n" for name, value in environ.items()))


async def _create_database(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def _prepare(environ: dict[str, str], server: str) -> None:
    await _create_database(server, "souk")
    await migrations.upgrade(environ["DATABASE_URL"])
    services = build(load_settings(environ))
    async with services.running(listen=False):
        await services.identity.ensure_root()
        await load_demo_shop(services.catalog, services.storage)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until_ready(urls: list[str], children: list[Child]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    waiting = list(urls)
    while waiting:
        for child in children:
            if child.dead:
                raise EmbeddedError(f"{child.name} did not start; it says why in {child.output}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{waiting[0]} did not answer in {_READY_SECONDS:.0f} s; see the logs beside .demo/env")
        waiting = [url for url in waiting if not _answers(url)]
        time.sleep(_LOOK_SECONDS)


def _watch(children: list[Child]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        for child in children:
            if child.died_quickly:
                raise EmbeddedError(f"{child.name} ended at once; it says why in {child.output}")
            if child.dead:
                console.print(f"{child.name} ended; it is started again", style="yellow")
                child.start()


def _environment(state: Path, port: int, server: str, redis_url: str) -> dict[str, str]:
    environ = _secrets(_read_env(state / "env"))
    return environ | {
        "SOUK_ENV": "demo",
        "PUBLIC_URL": f"http://{_HOST}:{port}",
        "SIMULATOR_URL": f"http://{_HOST}:{port + 1}",
        "METRICS_URL": f"http://{_HOST}:{port + 2}/metrics",
        "DATABASE_URL": embedded.database_address(server, "souk"),
        "REDIS_URL": redis_url,
        "ROOT_ADMIN_ID": str(ROOT_ADMIN_ID),
        "HOST": _HOST,
        "PORT": str(port),
        "METRICS_HOST": _HOST,
        "METRICS_PORT": str(port + 2),
        "SIMULATOR_HOST": _HOST,
        "SIMULATOR_PORT": str(port + 1),
        "SIMULATOR_STATE": str((state / "simulator.json").resolve()),
        "TELEGRAM_API_URL": f"http://{_HOST}:{port + 1}",
        "TELEGRAM_SCRIPT_URL": f"http://{_HOST}:{port + 1}/telegram-web-app.js",
        "TELEGRAM_FRAME_ANCESTORS": f"http://{_HOST}:{port + 1} http://localhost:{port + 1}",
        "BOT_URL": f"http://{_HOST}:{port + 1}",
        "DEMO_PAYMENTS": "1",
        "STAR_PRICE": "0.013",
        "DEPOSIT_INSTRUCTIONS": "Demo Bank, account 0000 0000\\nName {reference} with your transfer.",
        "DATA_DIR": str((state / "data").resolve()),
        "PROMETHEUS_MULTIPROC_DIR": str((state / "metrics").resolve()),
        "LOG_DIR": str((state / "logs").resolve()),
    }


def run_demo(port: int, state: Path) -> int:
    """Run everything until Ctrl-C or SIGTERM; the exit code. Raises EmbeddedError with what to do about it."""
    state.mkdir(parents=True, exist_ok=True)
    logs = state / "logs"
    logs.mkdir(exist_ok=True)
    # The counters of a run that is over must not be told as this one's.
    shutil.rmtree(state / "metrics", ignore_errors=True)
    (state / "metrics").mkdir()
    _require_free({"mini app": port, "simulator": port + 1, "metrics": port + 2, "redis": port + 3})
    # From here on a signal is an exception, so that whatever has been started is stopped on the way out.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_stop)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(_Stop))
        console.print("starting PostgreSQL and Redis …")
        server = stack.enter_context(embedded.postgres((state / "postgres").resolve()))
        redis_url = stack.enter_context(embedded.redis(state / "redis", port + 3))
        environ = _environment(state, port, server, redis_url)
        _write_env(state / "env", environ)
        console.print("migrating, and filling the demo shop …")
        asyncio.run(_prepare(environ, server))
        modules = {"simulator": "bot.simulator", "web": "webapp", "worker": "backend.worker", "bot": "bot"}
        children = [Child(name, module, environ, logs) for name, module in modules.items()]
        stack.callback(_stop_all, children)
        for child in children:
            child.start()
        mini_app, simulator = environ["PUBLIC_URL"], environ["SIMULATOR_URL"]
        _wait_until_ready([f"{simulator}/control/info", f"{mini_app}/readyz"], children)
        print(f"souk ready: mini app {mini_app} · simulator {simulator}", flush=True)  # noqa: T201 - the promised line
        _watch(children)
    return 0


def _stop_all(children: list[Child]) -> None:
    # A second Ctrl-C must not leave half of them running.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    console.print("stopping …")
    for child in reversed(children):
        child.ask_to_stop()
    for child in reversed(children):
        child.wait()
