"""Types of what admins see of people through all slices."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from backend.infra.timeline import Entry
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
