"""``souk demo``: the whole shop on one machine, with a simulated Telegram."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import asyncpg
import msgspec
from rich.console import Console

from backend.bootstrap import build
from backend.demo.circle import load_demo_circle
from backend.demo.crowd import load_demo_crowd
from backend.demo.graduates import load_demo_graduates
from backend.demo.load import (
    load_demo_cart,
    load_demo_codes,
    load_demo_course,
    load_demo_favourites,
    load_demo_line,
    load_demo_shop,
)
from backend.demo.office import load_demo_office
from backend.demo.processes import Child
from backend.demo.readings import load_demo_readings
from backend.demo.students import load_demo_students
from backend.demo.tickets import load_demo_tickets
from backend.demo.trade import load_demo_trade
from backend.demo.work import load_demo_work
from backend.infra import embedded, migrations
from backend.infra.database import new_database
from backend.infra.dsn import connect_arguments
from backend.infra.embedded import EmbeddedError
from backend.infra.environment import load_settings
from backend.infra.settings import Settings

ROOT_ADMIN_ID = 900_000_001
_HOST = "127.0.0.1"
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECRET_NAMES = ("BOT_TOKEN", "MASTER_KEYS", "SECRET_KEY")
console = Console(stderr=True)


class _Stop(Exception):
    """The person pressed Ctrl-C, or the system asks to end."""


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


@contextlib.contextmanager
def _only_demo(state: Path) -> Iterator[None]:
    """Hold the folder ``state`` against a second demo; nothing else in it is touched before."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = (state / "lock").open("a+", encoding="ascii")
    except OSError as error:
        reason = f"{state} cannot be written ({error.strerror})"
        raise EmbeddedError(f"{reason}: give that folder to this user, or name another by --state") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip()
            raise EmbeddedError(f"a demo already runs in {state} (process {pid}): open that one, or stop it") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _read_env(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    words = shlex.split(path.read_text(encoding="utf-8"))
    return {name: value for name, _, value in (word.partition("=") for word in words)}


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
    path.write_text("".join(f"{name}={_quoted(value)}\n" for name, value in environ.items()), encoding="utf-8")


def _quoted(value: str) -> str:
    """The value for a shell, always in single quotes."""
    return "'" + value.replace("'", "'\"'\"'") + "'"


async def _create_database(server: str, name: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(server))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(new_database(name))
    finally:
        await connection.close()


async def _prepare(environ: dict[str, str], server: str) -> None:
    await _create_database(server, "souk")
    await migrations.upgrade(environ["DATABASE_URL"])
    services = build(load_settings(environ))
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        await services.readings.upkeep.ensure_spreads()
        await load_demo_shop(services.catalog.imports, services.storage)
        await load_demo_course(services.courses.authoring, services.courses.courses)
        await load_demo_codes(services.growth.promos)
        await load_demo_cart(services)
        await load_demo_line(services)
        await load_demo_favourites(services)
        root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
        assert root is not None
        await load_demo_work(services, root)
        await load_demo_tickets(services, root)
        await load_demo_students(services, root)
        await load_demo_readings(services, root)
        await load_demo_graduates(services, root)
        await load_demo_circle(services, root)
        await load_demo_crowd(services, root)
        await load_demo_trade(services)
        await load_demo_office(services, root)


# Never through a proxy that the environment names: it knows nothing of this machine's own addresses.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start_servers_again(servers: Sequence[embedded.Postgres | embedded.Redis]) -> None:
    """What was killed comes back with its data; the shop's processes wait for it meanwhile."""
    for server in servers:
        if server.dead:
            console.print(f"{server.name} stopped; starting it again", style="yellow")
            server.start()


def _wait_until_ready(
    urls: list[str], children: list[Child], servers: Sequence[embedded.Postgres | embedded.Redis]
) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    waiting = list(urls)
    while waiting:
        _start_servers_again(servers)
        for child in children:
            if child.dead:
                raise EmbeddedError(f"{child.name} did not start; see {child.output}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{waiting[0]} did not answer in {_READY_SECONDS:.0f} s; see the logs beside .demo/env")
        waiting = [url for url in waiting if not _answers(url)]
        time.sleep(_LOOK_SECONDS)


def _watch(children: list[Child], servers: Sequence[embedded.Postgres | embedded.Redis]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        _start_servers_again(servers)
        for child in children:
            if child.died_quickly:
                raise EmbeddedError(f"{child.name} stopped right after its start; see {child.output}")
            if child.dead:
                console.print(f"{child.name} stopped; starting it again", style="yellow")
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
        "SIMULATOR_GROUP": "1",
        "SIMULATOR_STATE": str((state / "simulator.json").resolve()),
        "TELEGRAM_API_URL": f"http://{_HOST}:{port + 1}",
        "TELEGRAM_SCRIPT_URL": f"http://{_HOST}:{port + 1}/telegram-web-app.js",
        "TELEGRAM_FRAME_ANCESTORS": f"http://{_HOST}:{port + 1} http://localhost:{port + 1}",
        "BOT_URL": f"http://{_HOST}:{port + 1}",
        "DEMO_PAYMENTS": "1",
        "STAR_PRICE": "0.013",
        "DEPOSIT_INSTRUCTIONS": "Demo Bank, account 0000 0000\\nPayment reference: {reference}",
        "DATA_DIR": str((state / "data").resolve()),
        "PROMETHEUS_MULTIPROC_DIR": str((state / "metrics").resolve()),
        "LOG_DIR": str((state / "logs").resolve()),
    }


def run_demo(port: int, state: Path) -> int:
    """Run everything until Ctrl-C or SIGTERM; the exit code. Raises EmbeddedError with what to do about it."""
    with _only_demo(state):
        _require_free({"mini app": port, "simulator": port + 1, "metrics": port + 2, "redis": port + 3})
        logs = state / "logs"
        logs.mkdir(exist_ok=True)
        # The counters of an earlier run must not count as this one's.
        shutil.rmtree(state / "metrics", ignore_errors=True)
        (state / "metrics").mkdir()
        # From here on a signal is an exception, so that whatever has been started is stopped on the way out.
        for number in _STOPPING:
            signal.signal(number, _raise_stop)
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(_Stop))
            _run(port, state, logs, stack)
        return 0


def _run(port: int, state: Path, logs: Path, stack: contextlib.ExitStack) -> None:
    console.print("starting PostgreSQL and Redis …")
    database, redis = embedded.Postgres(state / "postgres"), embedded.Redis(state / "redis", port + 3)
    for server in (database, redis):
        stack.callback(server.stop)
        server.start()
    environ = _environment(state, port, database.address, redis.address)
    _write_env(state / "env", environ)
    console.print("migrating, and filling the demo shop …")
    asyncio.run(_prepare(environ, database.address))
    modules = {"simulator": "bot.simulator", "web": "webapp", "worker": "backend.worker", "bot": "bot"}
    children = [Child(name, module, _inherited() | environ, logs) for name, module in modules.items()]
    stack.callback(_stop_all, children)
    for child in children:
        child.start()
    mini_app, simulator = environ["PUBLIC_URL"], environ["SIMULATOR_URL"]
    _wait_until_ready([f"{simulator}/control/info", f"{mini_app}/readyz"], children, (database, redis))
    print(f"souk ready: mini app {mini_app} · simulator {simulator}", flush=True)  # noqa: T201 - the promised line
    _watch(children, (database, redis))


def _inherited() -> dict[str, str]:
    """The environment without the shop's own variables: the demo makes its own."""
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}
    return {name: value for name, value in os.environ.items() if name not in known}


def _stop_all(children: list[Child]) -> None:
    # A second Ctrl-C must not leave half of them running.
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    console.print("stopping …")
    for child in reversed(children):
        child.ask_to_stop()
    for child in reversed(children):
        child.wait()
