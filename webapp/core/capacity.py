"""How many connections and live pages one web process takes, by what the system lets it open."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

_MOST_CONNECTIONS: Final = 16_384
_OWN_FILES: Final = 256
"""Files and sockets of the process itself: PostgreSQL, Redis, logs, pictures."""
BACKLOG: Final = 4096
"""Connections that the kernel holds before the process has taken them; the system may allow fewer (somaxconn)."""
HEADER_SECONDS: Final = 10
"""How long a connection may take for the headers of a request, or be silent before and between requests."""
ENDING_SECONDS: Final = 15
"""How long a worker that was told to stop may take for the requests that it has begun."""


def open_more_files() -> None:
    """Raise this process's limit of open files to what the system allows; processes that it starts inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections() -> int:
    """Open connections of one process; the next one waits in the kernel's backlog until another closes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else soft - _OWN_FILES
    return max(min(_MOST_CONNECTIONS, files), 1)


def live_pages() -> int:
    """Streams of one process: a quarter of its connections, so that they never keep a request waiting."""
    return max(connections() // 4, 1)
