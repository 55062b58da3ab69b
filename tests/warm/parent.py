"""``python -m tests.warm.parent FOLDER``: imports each program once and forks it as often as a test asks.

This process imports nothing. When a program is asked for first, it forks a parent for it, which imports what the
program imports and waits at ``FOLDER/<module>``, without threads, event loop or connections. For each request that one
forks a watcher, which forks the program itself, tells its number and later its exit code, and kills it where the one
who asked has gone. All of them end when stdin is closed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.warm import spare

PROGRAMS = {
    "backend.worker": ("backend.infra.lean", "backend.bootstrap"),
    "webapp": (
        "webapp.lean",
        "webapp.asgi",
        "granian._loops",
        "multiprocessing.popen_spawn_posix",
        "litestar._kwargs",
        "anyio._backends._asyncio",
        "jinja2.ext",
    ),
    "bot": ("backend.infra.lean", "backend.bootstrap"),
    "bot.simulator": (),
}
"""What is imported before the program, in this order: its own ``lean`` first, as in the program."""
LONGEST_REQUEST = 1 << 17

Request = dict[str, Any]
"""``module``, ``arguments``, ``environ``, ``folder``."""


def listen_for_all(folder: Path) -> Request | None:
    """Wait until a program is asked for, and fork its parent; a request in the forked program, else None at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the tests' affair: the end of stdin follows
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the parents and the watchers
    listeners = {}
    for module in PROGRAMS:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(folder / module))
        listener.listen(64)
        listeners[listener] = module
    print("ready", flush=True)  # noqa: T201 - read by the starter
    while True:
        ready, _, _ = select.select([0, *listeners], [], [])
        if 0 in ready:
            return None
        for listener in ready:
            module = listeners.pop(listener)
            if os.fork() == 0:
                for other in listeners:
                    other.close()
                return _parent_of(module, listener)
            listener.close()


def _parent_of(module: str, listener: socket.socket) -> Request | None:
    for name in PROGRAMS[module]:
        importlib.import_module(name)
    # Under another name: it imports all that it needs, and starts nothing.
    runpy.run_module(module, run_name="warm")
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, f"importing {module} starts threads, which a fork would lose: {threads}"
    gc.collect()
    gc.freeze()  # else the first collection in each child would copy all of it
    while True:
        ready, _, _ = select.select([0, listener], [], [])
        if 0 in ready:
            return None
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _watch(connection)
        connection.close()


def _watch(connection: socket.socket) -> Request | None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, (output,), _, _ = socket.recv_fds(connection, LONGEST_REQUEST, 1)
    request: Request = json.loads(message)
    pid = os.fork()
    if pid == 0:
        connection.detach()
        _become(request, output)
        return request
    os.close(output)
    ended = os.pidfd_open(pid)
    with contextlib.suppress(ConnectionError):
        connection.send(str(pid).encode())
        ready, _, _ = select.select([ended, connection], [], [])
        if ended not in ready:
            signal.pidfd_send_signal(ended, signal.SIGKILL)
        # As with subprocess its number is nobody else's before somebody has asked for the exit code.
        exited = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert exited is not None
        code = exited.si_status if exited.si_code == os.CLD_EXITED else -exited.si_status
        connection.send(str(code).encode())
        connection.recv(1)
    os.waitpid(pid, 0)
    return None


def _become(request: Request, output: int) -> None:
    """Take on what a process gets from its starter."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, taken in enumerate((nothing, output, output)):
        os.dup2(taken, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv[1:] = request["arguments"]
    time.tzset()
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)


def main() -> None:
    """Serve; or be, in a forked process, the program."""
    request = listen_for_all(Path(sys.argv[1]))
    if request is None:
        os._exit(0)
    if request["module"] == "webapp":
        spare.prepare()
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
