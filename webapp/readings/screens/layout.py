"""Where the cards of a spread lie on a page: as wide as they fit, mirrored with the page by its style."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.readings.types import Position

_SHAPE: Final = 118 / 70
"""A card's height by its width."""
_APART: Final = 0.06
_TALLEST: Final = 440
"""Pixels that a spread may be high."""
_WIDEST: Final = 104
_ALONE: Final = 168
_MINI: Final = (120.0, 92.0)
_MINI_CARD: Final = 20.0
_FAN: Final = 3


class Spot(msgspec.Struct, frozen=True):
    """A card's place: ``x`` from 0 at the start edge to 1 at the end, ``y`` in heights of a card from the top."""

    x: float
    y: float
    crossing: bool = False


class LayoutView(msgspec.Struct, frozen=True):
    """A spread's places; the page shows ``across`` cards side by side at most, ``most`` pixels wide, on ``rows``."""

    spots: tuple[Spot, ...]
    across: float
    rows: float
    most: int


class MiniView(msgspec.Struct, frozen=True):
    """A spread in small: so many ``backs`` of cards, or rectangles of a ``width`` and ``height`` at its places."""

    backs: int = 0
    spots: tuple[Spot, ...] = ()
    width: float = 0.0
    height: float = 0.0


def layout(positions: tuple[Position, ...]) -> LayoutView:
    """The places of a spread's cards. Raises ValueError without positions."""
    left, top = min(at.x for at in positions), min(at.y for at in positions)
    span = max(at.x for at in positions) - left
    rows = (max(at.y for at in positions) - top) / 100 + 1
    spots = tuple(
        Spot(round((at.x - left) / span, 4) if span else 0.5, round((at.y - top) / 100, 3), at.crossing)
        for at in positions
    )
    widest = _WIDEST if len(positions) > 1 else _ALONE
    most = min(widest, int(_TALLEST / (rows * _SHAPE)))
    return LayoutView(spots, round(_across(spots), 3), round(rows, 3), most)


def _across(spots: tuple[Spot, ...]) -> float:
    """How many cards wide the page must be at least, so that no card covers another in its row."""
    across = 1.0
    for number, one in enumerate(spots):
        for other in spots[:number]:
            apart = abs(one.x - other.x)
            if apart and abs(one.y - other.y) < 1:
                needed = (_half(one) + _half(other) + _APART) / apart + 1
                across = max(across, needed)
    return across


def _half(spot: Spot) -> float:
    return _SHAPE / 2 if spot.crossing else 0.5


def mini(positions: tuple[Position, ...]) -> MiniView:
    """The small picture by which a spread is chosen."""
    places = layout(positions)
    if len(positions) == 1 or (len(positions) == _FAN and places.rows == 1):
        return MiniView(backs=len(positions))
    width, height = _MINI
    card = round(min(_MINI_CARD, width / places.across, height / (places.rows * _SHAPE)), 2)
    tall = round(card * _SHAPE, 2)
    above = (height - tall * places.rows) / 2
    spots = tuple(
        Spot(round((width - card) * spot.x, 1), round(above + tall * spot.y, 1), spot.crossing) for spot in places.spots
    )
    return MiniView(spots=spots, width=card, height=tall)
