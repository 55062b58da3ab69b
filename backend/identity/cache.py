"""What this process remembers about people: forgotten at once when PostgreSQL says that it changed."""

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
"""Far below the ten minutes that are allowed: a lost signal costs a minute at most."""
_MAX_PEOPLE: Final = 20_000
TOPIC: Final = "identity"


class PeopleCache:
    """Persons by id, each for a minute. While signals cannot be heard, nothing is remembered.

    A ticket is taken before the database is asked and given back with the answer: an answer that a signal has
    overtaken is not kept.
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
        """A number that changes with every signal and gap."""
        return self._changes

    def get(self, user_id: UserId) -> Person | None:
        """The person, when he is remembered and may be trusted."""
        found = self._people.get(user_id)
        if found is None or not self._signals.connected or found[1] <= self._monotonic():
            return None
        return found[0]

    def put(self, person: Person, ticket: int) -> None:
        """Remember an answer of the database that was asked for after ``ticket`` was taken."""
        if ticket != self._changes or not self._signals.connected:
            return
        self._people[person.id] = (person, self._monotonic() + MAX_AGE_SECONDS)
        if len(self._people) > _MAX_PEOPLE:
            self._people.popitem(last=False)

    def forget(self, user_id: UUID) -> None:
        """Drop one person and every answer that is under way."""
        self._changes += 1
        self._people.pop(user_id, None)

    def clear(self) -> None:
        """Drop everybody and every answer that is under way."""
        self._changes += 1
        self._people.clear()

    def _changed(self, key: str) -> None:
        try:
            self.forget(UUID(key))
        except ValueError:
            self.clear()
