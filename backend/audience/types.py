"""Types of what admins see of people through all slices."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.infra.timeline import Entry
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class TimelinePage(msgspec.Struct, frozen=True):
    """Entries of a person's history and the cursor of the next page; None on the last one."""

    entries: tuple[Entry, ...]
    next_cursor: str | None = None


class Bought(StrEnum):
    """What somebody has bought, and since when."""

    EVER = "ever"
    NEVER = "never"
    DAYS_30 = "30"
    DAYS_90 = "90"


class PeopleFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which people are meant; what is not given does not matter, and everything given must fit. Stored as JSON."""

    text: str = ""
    """The start of Telegram ID or @username, or a part of the name."""
    blocked: bool = False
    premium: bool = False
    reseller: bool = False
    bought: Bought | None = None
    over: int | None = None
    """The balance is more than this, in minor units of the shop's currency."""
    language: Locale | None = None
    source: str = ""
    """The start parameter by which they came first."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A filter under a name, with how many people it means now."""

    id: UUID
    name: str
    filter: PeopleFilter
    shared: bool
    owner_id: UserId
    people: int = 0


PeopleBulkId = NewType("PeopleBulkId", UUID)
MOST_PEOPLE: Final = 5000
"""How many people are acted on together."""
UNDO_LASTS: Final = timedelta(hours=24)
"""How long after its end an action can be undone."""


class PeopleAction(StrEnum):
    """What is done to each person."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    RESELLER_ON = "reseller_on"
    RESELLER_OFF = "reseller_off"


class PeopleBulkStatus(StrEnum):
    """How far an action on many people is."""

    DRAFT = "draft"
    """Only shown: nothing happens until it is confirmed."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """An admin stopped it, or the admin who started it may no longer act on people; the rest was left alone."""
    UNDOING = "undoing"
    UNDONE = "undone"


class PeopleTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is done, and for a block why and until when; None for without an end. Stored as JSON."""

    action: PeopleAction
    reason: str = ""
    until: datetime | None = None


class PeopleGroup(msgspec.Struct, frozen=True):
    """People to whom one thing happened, and the first of them; ``code`` is of an AppError or of a refusal."""

    code: str
    people: int
    first: tuple[UserId, ...]


class PeopleBulk(msgspec.Struct, frozen=True, kw_only=True):
    """An action on many people. ``able + refused == people``, and ``done + failed + stopped + left == able``;
    once it is undone ``undone + untouched == done``.
    """

    id: PeopleBulkId
    terms: PeopleTerms
    status: PeopleBulkStatus
    by: UserId
    undone_by: UserId | None
    at: datetime
    people: int
    able: int
    done: int
    failed: int
    stopped: int
    undone: int
    untouched: int
    """Those whom an undo left alone, because they had changed since."""
    undoable: bool
    """It can still be undone."""
    refusals: tuple[PeopleGroup, ...] = ()
    failures: tuple[PeopleGroup, ...] = ()
    keeps: tuple[PeopleGroup, ...] = ()

    @property
    def refused(self) -> int:
        """How many people the action was not for."""
        return self.people - self.able

    @property
    def left(self) -> int:
        """How many people are still to come."""
        return self.able - self.done - self.failed - self.stopped


class PeopleBulkStarted(Event, frozen=True, kw_only=True):
    """An action on many people, or its undo, is to go on."""

    bulk_id: PeopleBulkId
