"""Samples log lines for events that any client can cause without limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_EVERY_SECONDS: Final = 60.0


class Sampler:
    """Says when a repeated event is logged: the first time, each power of ten, and once a minute.

    ``kind`` must come from a closed list: each is remembered permanently.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[str, tuple[int, float]] = {}

    def count(self, kind: str) -> int | None:
        """Count the event; returns the total when it should be logged now, else None."""
        now = self._monotonic()
        total, logged_at = self._seen.get(kind, (0, now))
        total += 1
        due = str(total).strip("0") == "1" or now - logged_at >= _EVERY_SECONDS
        self._seen[kind] = (total, now if due else logged_at)
        return total if due else None
