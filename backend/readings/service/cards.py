"""Cards as they are shown: their names, and what they say as they lie."""

from __future__ import annotations

from backend.readings.deck.cards import card_name, card_text
from backend.readings.types import DrawnCard


def name_of(drawn: DrawnCard, language: str) -> str:
    """A card's name, marked as reversed where it is."""
    return card_name(drawn.card, language, upside_down=drawn.reversed)


def gist_of(drawn: DrawnCard, language: str) -> str:
    """A few words on what a card says as it lies."""
    text = card_text(drawn.card, language)
    return text.gist_reversed if drawn.reversed else text.gist


def meaning_of(drawn: DrawnCard, language: str) -> str:
    """What a card says as it lies."""
    text = card_text(drawn.card, language)
    return text.reversed if drawn.reversed else text.upright
