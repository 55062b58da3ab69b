"""A cache of people in this process, and of ended sessions; PostgreSQL's signals keep it true."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend.identity.repository import Person, sessions
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
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


SESSION_TOPIC: Final = "session"
_REMEMBERED: Final = timedelta(days=10)
"""Longer than any token and any initData lives, renewals too: seven days and a half."""


class EndedSessions:
    """Ids of ended sessions. Signals add to them; while the connection for signals is lost the database is asked."""

    def __init__(self, uow: UnitOfWork, signals: Signals, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._uow = uow
        self._signals = signals
        self._monotonic = monotonic
        self._ids: set[UUID] = set()
        self._fresh_until = 0.0
        self._changes = 0
        signals.on(SESSION_TOPIC, self._heard)
        signals.on_gap(self._forget)

    async def has(self, session_id: UUID) -> bool:
        """Whether this session was ended."""
        if session_id in self._ids:
            return True
        if not self._signals.connected:
            async with self._uow.read() as tx:
                return await sessions.is_ended(tx, session_id)
        if self._fresh_until <= self._monotonic():
            await self._load()
        return session_id in self._ids

    def add(self, session_id: UUID) -> None:
        """Know at once of a session that this process has ended."""
        self._ids.add(session_id)

    async def _load(self) -> None:
        changes = self._changes
        async with self._uow.read() as tx:
            ids = await sessions.list_ended(tx, tx.now - _REMEMBERED)
        self._ids |= ids
        if changes == self._changes:  # else what was read may miss what a gap has hidden
            self._fresh_until = self._monotonic() + MAX_AGE_SECONDS

    def _heard(self, key: str) -> None:
        try:
            self._ids.add(UUID(key))
        except ValueError:
            self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._fresh_until = 0.0
