"""The Structs of goods by hand: what admins have to prepare, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import OrderLineId, UserId

WORK_TOPIC: Final = "hand_work"
"""The signal that the queue of goods by hand changed."""
MOST_PROMISED_HOURS: Final = 2160
"""The longest promise: 90 days."""
MOST_RESULT: Final = 4000
"""Characters that a delivered text may have."""
MOST_REASON: Final = 200
"""Characters that the reason of a refusal may have."""


class WorkState(StrEnum):
    """How far the preparation of a line is."""

    RESERVED = "reserved"
    """Its order is not paid yet."""
    OPEN = "open"
    """Paid: an admin has to prepare it."""
    DELIVERED = "delivered"
    REFUSED = "refused"
    """An admin said that it will not be delivered; its money goes back."""
    CANCELLED = "cancelled"
    """All of it was refunded before it was delivered."""


class HandWork(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order that an admin prepares, or has; names by language.

    ``quantity`` is what is left to prepare. ``taken_by`` prepares it, ``ended_by`` delivered or refused it. ``due_at``
    is the promised time.
    """

    line_id: OrderLineId
    state: WorkState
    quantity: int
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    hue: str
    icon: str
    picture: str | None
    opened_at: datetime
    due_at: datetime
    taken_by: UserId | None
    taken_at: datetime | None
    ended_by: UserId | None
    ended_at: datetime | None
    reason: str | None
    file_name: str | None

    @property
    def is_open(self) -> bool:
        """Whether it still has to be prepared."""
        return self.state is WorkState.OPEN

    def is_overdue(self, now: datetime) -> bool:
        """Whether the promised time has passed without a delivery."""
        return self.is_open and self.due_at <= now


class WorkView(StrEnum):
    """Whose work of the queue is shown."""

    ALL = "all"
    MINE = "mine"
    FREE = "free"
    """Nobody has taken it."""


class WorkCount(msgspec.Struct, frozen=True):
    """How many lines are to be prepared, and since when the oldest waits.

    Of these so many are past their promised time, the reader's own, and nobody's.
    """

    open: int
    overdue: int
    oldest: datetime | None = None
    mine: int = 0
    free: int = 0


class HandWorkOpened(Event, frozen=True, kw_only=True):
    """A line was paid that an admin has to prepare."""

    line_id: OrderLineId


class HandWorkDue(Event, frozen=True, kw_only=True):
    """The promised time of a line is near and it is not delivered; emitted once. ``taken_by`` prepares it."""

    line_id: OrderLineId
    taken_by: UserId | None = None


class HandWorkGiven(Event, frozen=True, kw_only=True):
    """An admin was given a line to prepare by another one, or by the system."""

    line_id: OrderLineId
    to: UserId
    by: UserId | None = None
