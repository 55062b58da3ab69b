"""What hinders a process at its start is one line and an exit code: no traceback, and no port shared in silence."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.infra.settings import Settings
from tests.processes import ROOT, environment

_ALL = ("webapp", "backend.worker", "bot")


def ended(module: str, settings: Settings, **changes: str) -> tuple[int, str]:
    """Start it; its exit code and what it said."""
    environ = environment(settings) | changes
    done = subprocess.run(
        [sys.executable, "-m", module], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def busy() -> Iterator[int]:
    """A port on which somebody listens who would share it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("module", "variable", "more"),
    [
        ("webapp", "PORT", {}),
        ("bot", "BOT_PORT", {"BOT_WEBHOOK": "1", "BOT_WEBHOOK_SECRET": "a-secret-of-a-test"}),
        ("bot.simulator", "SIMULATOR_PORT", {}),
    ],
)
def test_a_port_that_is_taken(
    settings: Settings, busy: int, tmp_path: Path, module: str, variable: str, more: dict[str, str]
) -> None:
    changes = {variable: str(busy), "LOG_LEVEL": "ERROR", **more}
    code, said = ended(module, settings, **changes)
    who = "simulator" if module == "bot.simulator" else "souk"
    assert said == f"{who}: {variable}: cannot listen on 127.0.0.1 port {busy}: another process listens there\n"
    assert code == 1


@pytest.mark.parametrize("module", _ALL)
def test_a_folder_that_cannot_be_made(settings: Settings, tmp_path: Path, module: str) -> None:
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "folder")
    variable = "LOG_DIR" if module != "bot" else "DATA_DIR"
    code, said = ended(module, settings, **{variable: nowhere})
    reason = f"{variable}: {nowhere} cannot be written (Not a directory); name a folder that this user may write to"
    assert (code, said) == (2, f"souk: {reason}\n")


def test_a_demo_in_a_folder_that_cannot_be_written(folder: Path) -> None:
    state = folder / "state"
    (state / "lock").mkdir(parents=True)
    command = [sys.executable, "-m", "backend.cli", "demo", "--state", str(state)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    reason = f"{state} cannot be written (Is a directory)"
    assert done.stderr == f"souk: {reason}: give that folder to this user, or name another by --state\n"
    assert done.returncode == 1
