"""Keeping the simulator's memory on disk: one JSON file, written late and whole, and files beside it."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from bot.simulator.config import ConfigError
from bot.simulator.model import Snapshot

_DELAY_SECONDS = 0.3


class Store:
    """Loads and saves a snapshot; without a path it keeps everything in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._blobs: dict[str, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def _directory(self) -> Path | None:
        return self._path.with_name(self._path.name + ".files") if self._path else None

    def load(self) -> Snapshot | None:
        """Read the last snapshot, or None where there is none yet; raises `ConfigError` for a broken file."""
        if self._path is None or not self._path.exists():
            return None
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(f"cannot read {self._path}: {error}; remove it to start afresh") from error

    def save(self, snapshot: Snapshot) -> None:
        """Write the snapshot at once: to a file beside, then renamed over, so that a crash leaves the old one."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        draft.write_bytes(msgspec.json.encode(snapshot))
        draft.replace(self._path)

    def save_soon(self, snapshot: Callable[[], Snapshot]) -> None:
        """Write after a short while; calls in between are one write."""
        if self._path is None or self._timer is not None:
            return

        def write() -> None:
            self._timer = None
            self.save(snapshot())

        self._timer = asyncio.get_running_loop().call_later(_DELAY_SECONDS, write)

    def close(self, snapshot: Snapshot) -> None:
        """Write what is still waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.save(snapshot)

    def put_blob(self, key: str, content: bytes) -> None:
        """Keep the content of a file under its unique id."""
        if self._directory is None:
            self._blobs[key] = content
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / key).write_bytes(content)

    def get_blob(self, key: str) -> bytes | None:
        """Return the content of a file, or None where it is gone."""
        if self._directory is None:
            return self._blobs.get(key)
        try:
            return (self._directory / key).read_bytes()
        except FileNotFoundError:
            return None
