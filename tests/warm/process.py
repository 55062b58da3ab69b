"""A program from a warm parent, with what tests use of ``subprocess.Popen``."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from tests.warm.parent import LONGEST_REQUEST, PROGRAMS

_FOLDER: Final = "SOUK_TEST_WARM"
_LONGEST_START: Final = 120.0
"""Seconds: the first start of a program imports it, beside whatever else the machine does."""
_COUNTED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Read when prometheus_client is imported: a program that has it starts cold."""


@contextlib.contextmanager
def parents() -> Iterator[None]:
    """Have programs start warm in this process and its children, where the system can do that."""
    if sys.platform != "linux" or _FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="souk-warm-") as folder:
        command = [sys.executable, "-m", "tests.warm.parent", folder]
        root = Path(__file__).parents[2]
        with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
            assert parent.stdin is not None and parent.stdout is not None
            assert parent.stdout.readline() == b"ready\n"
            os.environ[_FOLDER] = folder
            try:
                yield
            finally:
                del os.environ[_FOLDER]
                parent.stdin.close()


def can_start(module: str, environ: Mapping[str, str]) -> bool:
    """Whether a warm parent can start ``module`` just as a new Python would."""
    return _FOLDER in os.environ and module in PROGRAMS and not environ.get(_COUNTED)


class WarmProcess:
    """``python -m module`` without its imports; it is killed where this object goes while it runs."""

    def __init__(
        self, module: str, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, output: IO[bytes]
    ) -> None:
        request = {"module": module, "arguments": arguments, "environ": dict(environ), "folder": str(folder)}
        message = json.dumps(request).encode()
        assert len(message) < LONGEST_REQUEST
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.settimeout(_LONGEST_START)
        self._connection.connect(str(Path(os.environ[_FOLDER]) / module))
        socket.send_fds(self._connection, [message], [output.fileno()])
        self.returncode: int | None = None
        self.pid = self._number()
        self._end = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            end = select.poll()  # takes files of any number, unlike select()
            end.register(self._end, select.POLLIN)
            if not end.poll(0):
                return None
        # It has ended: its watcher may be a moment late to say how.
        return self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit code. Raises TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = self._number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("warm process", timeout or 0) from None
            self._close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def abandon(self) -> None:
        """Leave it as a test does that is killed."""
        self._close()

    def _close(self) -> None:
        self._connection.close()
        os.close(self._end)

    def _number(self) -> int:
        answer = self._connection.recv(32)
        assert answer, "the warm parent has ended; its output says why"
        return int(answer)
