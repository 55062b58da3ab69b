"""Test processes that have imported the tests already, forked from one process that did (decision 0061).

``python -m tests.warm.testers SOCKET`` collects all tests once and waits. xdist starts ``tester.py`` in the place of a
Python; that one hands its stdin, stdout and stderr over to a fork of the waiting process, which becomes the worker.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

SOCKET: Final = "SOUK_TEST_TESTERS"
COLLECTING: Final = "SOUK_TEST_COLLECTING"
"""Set while tests are only collected: no servers are needed."""
_LONGEST: Final = 1 << 17


@contextlib.contextmanager
def testers() -> Iterator[Callable[[], object]]:
    """Have the tests' processes start warm; the function waits until they do, or never will."""
    if sys.platform != "linux":
        yield lambda: None
        return
    with tempfile.TemporaryDirectory(prefix="souk-testers-") as folder:
        path = str(Path(folder) / "socket")
        command = [sys.executable, "-m", "tests.warm.testers", path]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE) as parent:
            assert parent.stdin is not None
            os.environ[SOCKET] = path

            def ready() -> None:
                while parent.poll() is None and not Path(path).exists():
                    time.sleep(0.1)

            try:
                yield ready
            finally:
                del os.environ[SOCKET]
                parent.stdin.close()


def warm_python() -> str | None:
    """The command with which xdist starts a warm process; None while there is none to be had."""
    path = os.environ.get(SOCKET, "")
    if not path or not Path(path).exists():
        return None
    return shlex.join([sys.executable, str(Path(__file__).with_name("tester.py"))])


def serve(path: str) -> list[str] | None:
    """Fork a process for each request until stdin ends; the code that a forked one shall run, else None."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{path}.new")
    listener.listen(16)
    Path(f"{path}.new").rename(path)
    while True:
        ready, _, _ = select.select([0, listener], [], [])
        if 0 in ready:
            return None
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _become(connection)
        connection.close()


def _become(connection: socket.socket) -> list[str]:
    """Take on the files, the folder and the environment of the one who asks, who waits until ``connection`` ends."""
    message, files, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    request = json.loads(message)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.set_inheritable(connection.detach(), False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    random.seed()
    tempfile.tempdir = None
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, "rw"[number > 0], closefd=False) for number in range(3))
    arguments: list[str] = request["arguments"]
    return arguments


def main() -> None:
    """Collect, serve; be, in a forked process, what is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the tests' affair: the end of stdin follows
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    os.environ[COLLECTING] = "1"
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider"]
    code = pytest.main(["--collect-only", *quiet, "tests"])
    if code != pytest.ExitCode.OK:  # the stages, which then start cold, say what is wrong
        sys.exit(int(code))
    from tests.webapp import ready  # after pytest, which rewrites the asserts of what it imports

    ready.prepare()
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, f"importing the tests starts threads, which a fork would lose: {threads}"
    gc.collect()
    gc.freeze()  # else the first collection in each child would copy all of it
    arguments = serve(sys.argv[1])
    if arguments is None:
        os._exit(0)
    sys.argv = ["-c"]
    exec(arguments[-1], {"__name__": "__main__"})  # what xdist would give a new Python after -c


if __name__ == "__main__":
    main()
