"""Where the cards of a spread lie, as a drawing for the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.kernel.text import Locale
from backend.readings.types import DrawnCard, Position
from webapp.readings.cards import CardView, card_view

_WIDTH: Final = 70
_HEIGHT: Final = 118
_EDGE: Final = 10


class MapCard(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a spread in the drawing's units: its middle, its turn in degrees, and the card that lies there."""

    number: int
    x: int
    y: int
    turn: int
    card: CardView | None


class SpreadMap(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing of a spread, mirrored for languages that are read from the right."""

    width: int
    height: int
    cards: tuple[MapCard, ...]
    card_width: int = _WIDTH
    card_height: int = _HEIGHT


def spread_map(positions: Sequence[Position], locale: Locale, dealt: Sequence[DrawnCard] = ()) -> SpreadMap:
    """The drawing of ``positions``, with the cards that were ``dealt`` or with empty places."""
    if not positions:
        return SpreadMap(width=_WIDTH, height=_HEIGHT, cards=())
    boxes = [_box(place) for place in positions]
    left, top = min(box[0] for box in boxes) - _EDGE, min(box[1] for box in boxes) - _EDGE
    width, height = max(box[2] for box in boxes) + _EDGE - left, max(box[3] for box in boxes) + _EDGE - top
    cards = []
    for number, place in enumerate(positions, start=1):
        x, drawn = _middle(place)[0] - left, dealt[number - 1] if dealt else None
        cards.append(
            MapCard(
                number=number,
                x=width - x if locale is Locale.AR else x,
                y=_middle(place)[1] - top,
                turn=(90 if place.crossing else 0) + (180 if drawn and drawn.reversed else 0),
                card=card_view(drawn.card, "", is_reversed=drawn.reversed) if drawn else None,
            )
        )
    return SpreadMap(width=width, height=height, cards=tuple(cards))


def _middle(place: Position) -> tuple[int, int]:
    return place.x * _WIDTH // 100, place.y * _HEIGHT // 100


def _box(place: Position) -> tuple[int, int, int, int]:
    (x, y), (wide, high) = _middle(place), (_HEIGHT, _WIDTH) if place.crossing else (_WIDTH, _HEIGHT)
    return x - wide // 2, y - high // 2, x + wide // 2, y + high // 2
