"""Samples log lines for events that any client can cause without limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_EVERY_SECONDS: Final = 60.0


class Sampler:
    """Says when a thing that happens again deserves a line: the first time, each power of ten, and once a minute.

    ``kind`` must come from a closed list: each is remembered permanently.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[str, tuple[int, float]] = {}

    def count(self, kind: str) -> int | None:
        """Note that it happened; how often it has in all, when that is to be told now."""
        now = self._monotonic()
        times, told_at = self._seen.get(kind, (0, now))
        times += 1
        tells = str(times).strip("0") == "1" or now - told_at >= _EVERY_SECONDS
        self._seen[kind] = (times, now if tells else told_at)
        return times if tells else None
