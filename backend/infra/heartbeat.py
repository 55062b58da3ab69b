"""A file that says "alive", touched while the event loop turns: for health checks of processes without HTTP.

``python -m backend.infra.heartbeat worker`` (or ``bot``) ends with 0 when that process of this host is alive.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

from backend.infra.environment import load_settings
from backend.infra.settings import Settings, SettingsError

_EVERY_SECONDS = 5.0
_FRESH_SECONDS = 30.0


def heartbeat_file(settings: Settings, process: str) -> Path:
    """The file of ``process`` (worker, bot) on this host."""
    return Path(settings.data_dir) / "run" / f"{process}-{socket.gethostname()}.heartbeat"


async def beat(path: Path) -> None:
    """Touch ``path`` every few seconds until cancelled, then remove it."""
    try:
        while True:
            await asyncio.to_thread(_touch, path)
            await asyncio.sleep(_EVERY_SECONDS)
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - at the very end nobody waits


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def is_fresh(path: Path) -> bool:
    """Whether the file was touched within the last half minute."""
    try:
        return time.time() - path.stat().st_mtime < _FRESH_SECONDS
    except OSError:
        return False


def main(process: str) -> int:
    """Look at the heartbeat of ``process``; the exit code."""
    try:
        return 0 if is_fresh(heartbeat_file(load_settings(), process)) else 1
    except SettingsError as error:
        sys.stderr.write(f"souk: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
