"""Trusted sellers, and what a check of a name says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.ids import UserId

LONGEST_ABOUT: Final = 300
"""Characters of the public text in one language."""
MOST_POSITION: Final = 999


class SellerMark(msgspec.Struct, frozen=True):
    """What the shop says of a trusted seller, by language, and where they stand in the list; the lowest comes first."""

    about: Mapping[str, str]
    position: int = 0


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """A trusted seller as everybody sees them."""

    id: UserId
    telegram_id: int
    name: str
    username: str | None = None
    about: Mapping[str, str] = {}


class Likeness(StrEnum):
    """What a check says."""

    OURS = "ours"
    SIMILAR = "similar"
    """Looks like a seller's name and is not theirs."""
    UNKNOWN = "unknown"
    NOTHING = "nothing"
    """Nothing was typed that could be a name."""


class Answer(msgspec.Struct, frozen=True):
    """What a check says, and of which seller."""

    likeness: Likeness
    seller: Seller | None = None
