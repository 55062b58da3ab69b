"""The deck: which emblem, hue and head each of the 78 cards has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from backend.readings.art import courts, cups, frame, majors_first, majors_last, pentacles, swords, wands
from backend.readings.art.palette import Hue
from backend.readings.types import CARDS
from backend.readings.types.pictures import Palette

_MAJORS: Final[tuple[tuple[Callable[[], str], Hue], ...]] = (
    (majors_first.fool, Hue.TEAL),
    (majors_first.magician, Hue.AMBER),
    (majors_first.priestess, Hue.INDIGO),
    (majors_first.empress, Hue.GREEN),
    (majors_first.emperor, Hue.RED),
    (majors_first.hierophant, Hue.VIOLET),
    (majors_first.lovers, Hue.PINK),
    (majors_first.chariot, Hue.BLUE),
    (majors_first.strength, Hue.ORANGE),
    (majors_first.hermit, Hue.GREY),
    (majors_first.wheel, Hue.VIOLET),
    (majors_last.justice, Hue.TEAL),
    (majors_last.hanged_man, Hue.TEAL),
    (majors_last.death, Hue.GREY),
    (majors_last.temperance, Hue.VIOLET),
    (majors_last.devil, Hue.RED),
    (majors_last.tower, Hue.RED),
    (majors_last.the_star, Hue.INDIGO),
    (majors_last.moon, Hue.BLUE),
    (majors_last.sun, Hue.ORANGE),
    (majors_last.judgement, Hue.AMBER),
    (majors_last.world, Hue.INDIGO),
)
_SUITS: Final = (
    (wands.PIPS, courts.WANDS, Hue.ORANGE),
    (cups.PIPS, courts.CUPS, Hue.PINK),
    (swords.PIPS, courts.SWORDS, Hue.BLUE),
    (pentacles.PIPS, courts.PENTACLES, Hue.GREEN),
)
_IN_A_SUIT: Final = 14


def card_svg(card: int, palette: Palette) -> str:
    """The face of a card, 0 to 77, as an SVG document that needs nothing beside itself. Raises ValueError."""
    if not 0 <= card < CARDS:
        raise ValueError(f"no card {card}")
    if card < len(_MAJORS):
        emblem, hue = _MAJORS[card]
        return frame.document(hue, palette, frame.face(frame.numeral(card), emblem()))
    suit, rank = divmod(card - len(_MAJORS), _IN_A_SUIT)
    pips, court, hue = _SUITS[suit]
    if rank < len(pips):
        return frame.document(hue, palette, frame.face(frame.numeral(rank + 1), pips[rank]()))
    return frame.document(hue, palette, frame.face(courts.head(court), courts.FIGURES[rank - len(pips)](court)))


def back_svg(palette: Palette) -> str:
    """The back that all cards share, as an SVG document that needs nothing beside itself."""
    return frame.back(palette)
