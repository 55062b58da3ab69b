"""Types of premium membership."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import UserId

PremiumGrantId = NewType("PremiumGrantId", UUID)


class PremiumState(StrEnum):
    """Whether somebody is a premium member, and whether that is about to change."""

    NONE = "none"
    ENDLESS = "endless"
    """Given by an admin without an end."""
    ACTIVE = "active"
    GRACE = "grace"
    """It has ended, and what is for members stays open for some days."""
    ENDED = "ended"


class Membership(msgspec.Struct, frozen=True):
    """Somebody's premium: ``until`` is its end, and ``open_until`` that of the days of grace; None where none comes."""

    state: PremiumState
    until: datetime | None = None
    open_until: datetime | None = None


class PremiumGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Months that were bought, or given or taken (negative) by an admin, who said a ``reason``."""

    months: int
    at: datetime
    bought: bool
    by: UserId | None
    reason: str


class PremiumRecord(msgspec.Struct, frozen=True):
    """Somebody's premium as an admin sees it, with the latest grants first."""

    membership: Membership
    grants: tuple[PremiumGrant, ...]


class PremiumEnding(Event, frozen=True, kw_only=True):
    """Somebody's premium ends soon, at ``until``; told once for each end."""

    user_id: UserId
    until: datetime


class PremiumEnded(Event, frozen=True, kw_only=True):
    """Somebody's premium has ended at ``until``; what is for members stays open until ``open_until``."""

    user_id: UserId
    until: datetime
    open_until: datetime
