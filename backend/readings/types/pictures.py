"""Cards and readings as pictures."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from backend.kernel.text import Locale
from backend.readings.types import DrawnCard


class Palette(StrEnum):
    """In which light a card is drawn: for a light page or for a dark one."""

    DAY = "day"
    NIGHT = "night"


class SharedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card of a reading that is shared, in the words of its language."""

    drawn: DrawnCard
    name: str
    """Of the card alone, such as "The Tower"."""
    orientation: str = ""
    """The word for reversed where the card is; it is printed below the name."""
    position: str = ""
    """Where it lay in the spread; printed where there are three cards or fewer."""


class SharedReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the picture of a reading shows, in the order of the spread's positions; all texts are plain.

    ``question`` is empty unless the person chose to show it. Longer texts are cut at a word.
    """

    locale: Locale
    spread: str
    cards: tuple[SharedCard, ...]
    shop: str
    link: str
    """Where the QR code leads."""
    address: str
    """The link as it is printed, short."""
    question: str = ""
    sentence: str = ""
    """One sentence of the reading."""
