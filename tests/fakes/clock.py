"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until ``move`` is called."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)

    def now(self) -> datetime:
        """The moment it stands at."""
        return self._now

    def move(self, **by: float) -> None:
        """Go forward, by timedelta's words: ``clock.move(minutes=5)``."""
        self._now += timedelta(**by)
