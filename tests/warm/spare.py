"""A process that waits to be granian's first worker, forked before granian starts.

Granian spawns its workers: each is a new Python that imports the web process again. The spare has imported it already.
It is forked by the web process before that has threads, settings or sockets, so it is what a new Python would be, and
it is the web process's own child, as a worker must be. It gets the command line, the environment and the open files
that the new Python would get, and runs the command. Every worker after the first one is spawned as usual.
"""

from __future__ import annotations

import json
import multiprocessing.util
import os
import socket
import sys
import types
from collections.abc import Sequence

_MARK = "--multiprocessing-fork"
_LONGEST = 1 << 17
_MOST_FILES = 64

_spawn = multiprocessing.util.spawnv_passfds  # type: ignore[attr-defined]


def prepare() -> None:
    """Fork the spare, and have this process's first worker be the spare."""
    ours, spares = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _wait(spares)
    spares.close()

    def spawn(path: bytes, arguments: Sequence[str | bytes], files: Sequence[int]) -> int:
        if _MARK not in arguments:
            return int(_spawn(path, arguments, files))
        multiprocessing.util.spawnv_passfds = _spawn  # type: ignore[attr-defined]
        command = {
            "arguments": [os.fsdecode(part) for part in arguments],
            "files": list(files),
            "environ": dict(os.environ),
        }
        socket.send_fds(ours, [json.dumps(command).encode()], list(files))
        ours.close()
        return pid

    multiprocessing.util.spawnv_passfds = spawn  # type: ignore[attr-defined]


def _wait(connection: socket.socket) -> None:
    """Become a worker when asked to; end where the web process ends without asking."""
    message, files, _, _ = socket.recv_fds(connection, _LONGEST, _MOST_FILES)
    if not message:
        os._exit(0)
    command = json.loads(message)
    _put(files, command["files"], connection)
    os.environ.clear()
    os.environ.update(command["environ"])
    arguments = command["arguments"]
    place = arguments.index("-c")
    sys.argv = ["-c", *arguments[place + 2 :]]
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(arguments[place + 1], module.__dict__)
    raise SystemExit(0)


def _put(files: Sequence[int], places: Sequence[int], connection: socket.socket) -> None:
    """Give open files the numbers that the command speaks of."""
    high = max(*files, *places) + 1
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, high + number)
        os.close(file)
    for number, place in enumerate(places):
        os.dup2(high + number, place)
        os.close(high + number)
