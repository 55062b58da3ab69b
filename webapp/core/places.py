"""Which places of the app there are: a shop without courses has no place to learn, one without spreads no readings."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

from sqlalchemy.exc import DBAPIError

from backend.catalog.types import CATALOGUE_TOPIC
from backend.infra.signals import Signals
from backend.kernel.errors import Unavailable

MAX_AGE_SECONDS: Final = 60.0
"""How long an answer stands when every signal was lost."""
_RETRY_SECONDS: Final = 1.0


Business = Literal["learn", "readings"]
"""A place that a shop may do without."""


class Places:
    """Knows without waiting which businesses the shop has; asks again once the catalogue has changed.

    ``changed`` is called when the answer is another one: pages that are stored show the old places.
    """

    def __init__(
        self,
        has: Mapping[Business, Callable[[], Awaitable[bool]]],
        signals: Signals,
        changed: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._has = has
        self._changed = changed
        self._monotonic = monotonic
        self._until = 0.0
        self.open: frozenset[Business] = frozenset()
        """The places that there are, as far as is known."""
        signals.on(CATALOGUE_TOPIC, lambda _: self._forget())
        signals.on_gap(self._forget)

    async def look(self) -> None:
        """Ask where what is known may be out of date; where nobody answers, it stands a while longer."""
        now = self._monotonic()
        if now < self._until:
            return
        # Before it is asked: others don't wait meanwhile, and a signal that comes then is not lost.
        self._until = now + MAX_AGE_SECONDS
        try:
            places = frozenset([place for place, asked in self._has.items() if await asked()])
        except (Unavailable, DBAPIError, OSError, TimeoutError):
            self._until = now + _RETRY_SECONDS
            return
        if places != self.open:
            self.open = places
            self._changed()

    def _forget(self) -> None:
        self._until = 0.0
