"""What admins see of the reading room: gifts of credits, and its figures by day."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from backend.kernel.ids import OrderLineId, UserId


class Gift(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that an admin gave to a person."""

    id: OrderLineId
    """It is a lot of credits as a line of an order is, so it has an id of that kind."""
    user_id: UserId
    credits: int
    reason: str
    given_by: UserId | None
    """None for the system."""
    given_at: datetime


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a day, from midnight to midnight in UTC."""

    day: date
    readings: int
    """Asked for; free cards are among them."""
    free: int
    credits: int
    """That were used."""


class CreditFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Where the credits of a period came from, and where they went."""

    used: int
    bought: int
    taken_back: int
    """Of the bought ones, with refunds, whenever they were made."""
    gifted: int
    free_cards: int
    """Readings that cost nothing."""
