"""Closed for a while: by a file that an operator lays down and takes away, in every process that sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend.kernel.errors import AppError, Kind

_LOOK_SECONDS: Final = 2.0


class UnderMaintenance(AppError):
    """The shop is closed for a while; admins may still come in."""

    code = "maintenance"
    kind = Kind.UNAVAILABLE


class Maintenance:
    """Whether ``<DATA_DIR>/maintenance`` exists; looked at every two seconds at most."""

    def __init__(self, data_dir: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = Path(data_dir) / "maintenance"
        self._monotonic = monotonic
        self._next_look = 0.0
        self._on = False

    @property
    def on(self) -> bool:
        """Whether the shop is closed now."""
        now = self._monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._on = self._file.exists()
        return self._on
