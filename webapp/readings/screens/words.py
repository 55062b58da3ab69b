"""Words of the deck and its spreads for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from backend.readings.service.cards import name_of
from backend.readings.types import DrawnCard
from webapp.readings.cards import CardView, card_view

T = TypeVar("T")


def in_language(texts: Mapping[str, T], language: str) -> T:
    """What a text is in a language, or else in English, which every one has."""
    return texts[language] if language in texts else texts["en"]


def picture_of(drawn: DrawnCard, language: str) -> CardView:
    """A card's face as it lies, with its name for who cannot see it."""
    return card_view(drawn.card, name_of(drawn, language), is_reversed=drawn.reversed)
