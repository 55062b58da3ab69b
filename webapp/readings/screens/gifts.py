"""Gifts of credits in the back office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.readings.types.office import Gift
from webapp.core.fields import Fields


class GiftRow(msgspec.Struct, frozen=True, kw_only=True):
    """A gift; ``by`` is empty for the system."""

    person_id: str
    name: str
    credits: int
    reason: str
    by: str
    at: datetime


class GiftsPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/gifts.html; ``people``: whether the reader may open people."""

    rows: tuple[GiftRow, ...]
    people: bool


class GiftSheet(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/_gift.html: ``limit`` is what one admin may give away alone, None where that does not matter."""

    action: str
    name: str
    balance: int
    form: Fields
    limit: Money | None


def gift_rows(gifts: Sequence[Gift], names: Mapping[UserId, str]) -> tuple[GiftRow, ...]:
    """The gifts in their order."""
    return tuple(
        GiftRow(
            person_id=str(one.user_id),
            name=names.get(one.user_id, "—"),
            credits=one.credits,
            reason=one.reason,
            by=names.get(one.given_by, "") if one.given_by else "",
            at=one.given_at,
        )
        for one in gifts
    )
