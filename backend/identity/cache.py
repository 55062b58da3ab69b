"""A cache of people in this process; PostgreSQL's signals remove a person from it when their row changes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from backend.identity.repository import Person
from backend.infra.signals import Signals
from backend.kernel.ids import UserId

MAX_AGE_SECONDS: Final = 60.0
"""If a signal is lost, a change reaches this process within a minute."""
_MAX_PEOPLE: Final = 20_000
TOPIC: Final = "identity"


class PeopleCache:
    """Persons by id, each for a minute; empty while the connection for signals is lost.

    Take ``ticket`` before reading the database and pass it to ``put`` with the result: if a signal arrived meanwhile,
    the result may be outdated and is not cached.
    """

    def __init__(self, signals: Signals, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._signals = signals
        self._monotonic = monotonic
        self._people: OrderedDict[UUID, tuple[Person, float]] = OrderedDict()
        self._changes = 0
        signals.on(TOPIC, self._changed)
        signals.on_gap(self.clear)

    @property
    def ticket(self) -> int:
        """A number that changes with every signal and every gap between connections."""
        return self._changes

    def get(self, user_id: UserId) -> Person | None:
        """The person, or None when they are not cached or the entry is too old."""
        entry = self._people.get(user_id)
        if entry is None or not self._signals.connected or entry[1] <= self._monotonic():
            return None
        return entry[0]

    def put(self, person: Person, ticket: int) -> None:
        """Cache a person who was read from the database after ``ticket`` was taken."""
        if ticket != self._changes or not self._signals.connected:
            return
        self._people[person.id] = (person, self._monotonic() + MAX_AGE_SECONDS)
        if len(self._people) > _MAX_PEOPLE:
            self._people.popitem(last=False)

    def forget(self, user_id: UUID) -> None:
        """Remove one person, and refuse every result that is being read now."""
        self._changes += 1
        self._people.pop(user_id, None)

    def clear(self) -> None:
        """Remove everybody, and refuse every result that is being read now."""
        self._changes += 1
        self._people.clear()

    def _changed(self, key: str) -> None:
        try:
            self.forget(UUID(key))
        except ValueError:
            self.clear()
