"""Caddy itself in front of a small upstream, and names that change, for the tests of the Caddyfile."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self

import httpx
import psutil
import pytest

from backend.infra.embedded import free_port
from tests.processes import Running
from tests.warm.process import WarmProcess, can_start

ROOT = Path(__file__).parents[2]
# Like the servers of the other tests: found, or the run fails with what to install (install_caddy.sh).
CADDY = shutil.which("caddy") or "caddy"


def caddy_version() -> tuple[int, ...]:
    text = subprocess.run([CADDY, "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


@pytest.fixture(scope="module")
def form() -> bytes:
    """What is posted while web restarts. Before 2.11.2 (Debian has 2.6) Caddy cannot send a body after a failed try."""
    return b"key=value&" * 1000 if caddy_version() >= (2, 11, 2) else b""


def wait_until(met: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition; raises AssertionError where it is never met."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


class Names(threading.Thread):
    """A name server for one name, whose addresses change; without any the name does not exist, as Docker has it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.addresses: list[str] = []
        self.sent: list[list[str]] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, sender = self.socket.recvfrom(512)
                addresses = self.addresses
                self.socket.sendto(self.answer(query, addresses), sender)
                self.sent.append(addresses)

    def move(self, *addresses: str) -> None:
        """Have the name stand for ``addresses``, and wait until somebody was told so."""
        now = list(addresses)
        self.addresses = now
        wait_until(lambda: any(addresses_sent is now for addresses_sent in self.sent))

    @staticmethod
    def answer(query: bytes, addresses: list[str]) -> bytes:
        end = query.index(b"\0", 12) + 5
        question, kind = query[12:end], query[end - 4 : end - 2]
        answered = addresses if kind == b"\0\x01" else []
        flags = b"\x81\x80" if addresses else b"\x81\x83"
        records = b"".join(b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + socket.inet_aton(address) for address in answered)
        return query[:2] + flags + struct.pack(">HHHH", 1, len(answered), 0, 0) + question + records


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server."""
    names = Names()
    names.start()
    yield names
    names.socket.close()


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


class Program:
    """A program that runs while it is wanted; its output is kept."""

    def __init__(self, command: list[str], output: Path, **environ: str) -> None:
        self.command, self.output = command, output
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(output.parent), "PYTHONPATH": str(ROOT)} | environ
        self.process: Running | None = None

    def start(self, *ports: int, host: str = "127.0.0.1") -> Self:
        """Start it, and wait until it listens at every one of its ports: they are opened one after the other."""
        with self.output.open("ab") as output:
            process = self.process = self._started(output)
        deadline = time.monotonic() + 60
        for port in ports:
            while not _listens(host, port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{self.command[0]} did not start: {self.output.read_text()}")
                time.sleep(0.02)
        return self

    def _started(self, output: IO[bytes]) -> Running:
        if can_start(self.command[-1], self.environ):
            return WarmProcess(self.command[-1], (), self.environ, ROOT, output)
        return subprocess.Popen(
            self.command, env=self.environ, cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def upstream(port: int, output: Path, name: str = "web", host: str = "127.0.0.1") -> Program:
    module = "tests.deployment.upstream:app"
    options = ["--interface", "asgi", "--host", host, "--port", str(port), "--no-ws"]
    return Program([sys.executable, "-m", "granian", *options, module], output, UPSTREAM_NAME=name)


class Site:
    """Caddy, and what stands behind it."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.web_port, self.bot_port, self.port, self.health = (free_port() for _ in range(4))
        self.url = f"http://127.0.0.1:{self.port}"
        self.web = upstream(self.web_port, folder / "web.log")
        self.bot = upstream(self.bot_port, folder / "bot.log", "bot")
        own = {
            "PUBLIC_URL": self.url,
            "BIND_ADDRESS": "127.0.0.1",
            "HEALTH_PORT": str(self.health),
            "WEB_HOST": "127.0.0.1",
            "WEB_PORT": str(self.web_port),
            "BOT_HOST": "127.0.0.1",
            "BOT_PORT": str(self.bot_port),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        https = [int(environ[name]) for name in ("HTTP_PORT", "HTTPS_PORT") if name in environ]
        self.listening = self.health, *(https or [self.port])
        self.caddy = Program([CADDY, "run", "--config", str(ROOT / "Caddyfile")], folder / "caddy.log", **own | environ)

    def start(self) -> Self:
        if not shutil.which("caddy"):
            pytest.fail("the tests of the Caddyfile need Caddy: sh tests/deployment/install_caddy.sh")
        self.caddy.start(*self.listening)
        return self

    def stop(self) -> None:
        for program in (self.caddy, self.web, self.bot):
            program.stop()

    def waiting(self) -> int:
        """How many people are connected with Caddy."""
        assert self.caddy.process is not None
        connections = psutil.Process(self.caddy.process.pid).net_connections("tcp")
        return sum(one.laddr.port == self.port and one.status == psutil.CONN_ESTABLISHED for one in connections)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        with self.client() as client:
            return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Caddy before a web and a bot process."""
    running = Site(tmp_path_factory.mktemp("caddy"))
    try:
        running.web.start(running.web_port)
        running.bot.start(running.bot_port)
        yield running.start()
    finally:
        running.stop()


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Makes a site of the test's own, with nothing behind it yet."""
    sites: list[Site] = []

    def make(**environ: str) -> Site:
        sites.append(Site(tmp_path, **environ))
        return sites[-1].start()

    yield make
    for one in sites:
        one.stop()
