"""What all cards share: ground, border, numeral above, cross below; and the back."""

from __future__ import annotations

from typing import Final

from backend.readings.art import pen
from backend.readings.art.palette import Hue, Inks, inks
from backend.readings.types.pictures import Palette

WIDTH: Final = 70
HEIGHT: Final = 118
_EDGE: Final = (
    "M7.7.4h54.6a7.3 7.3 0 0 1 7.3 7.3v102.6a7.3 7.3 0 0 1-7.3 7.3H7.7A7.3 7.3 0 0 1 .4 110.3V7.7A7.3 7.3 0 0 1 7.7.4z"
)
_STROKES: Final = {"I": (2.2, "M1.1 0v7"), "V": (5.4, "M0 0l2.7 7 2.7-7"), "X": (5.2, "M0 0l5.2 7M5.2 0l-5.2 7")}
_GAP: Final = 1.5
_BETWEEN: Final = 9.8
"""The numeral's top."""


def document(hue: Hue, palette: Palette, body: str) -> str:
    """A picture that needs nothing beside itself; ``body`` is drawn on the ground, inside of the border."""
    colours = inks(hue, palette)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH * 5}" height="{HEIGHT * 5}">'
        f"{_ground(colours)}"
        f'<g fill="none" stroke="{pen.GOLD}" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round">'
        f'<path d="{_EDGE}" stroke-width=".8" opacity=".4"/>'
        f'<rect x="4.5" y="4.5" width="61" height="109" rx="4.5" stroke-width=".8" opacity=".8"/>'
        f"{body}</g></svg>"
    )
    for mark, colour in ((pen.GOLD, colours.gold), (pen.LIFT, colours.lift), (pen.DEEP, colours.deep)):
        drawn = drawn.replace(mark, colour)
    return drawn


def face(head: str, emblem: str) -> str:
    """The body of a card's face."""
    return f'{emblem}{head}<path d="M29 106h12M35 103.5v5" stroke-width=".9"/>'


def numeral(value: int) -> str:
    """A Roman numeral, or 0, as strokes: no font is needed, and none can draw it otherwise."""
    if value == 0:
        return '<ellipse cx="35" cy="13.3" rx="2.6" ry="3.5" stroke-width="1.1"/>'
    signs = _roman(value)
    width = sum(_STROKES[sign][0] for sign in signs) + _GAP * (len(signs) - 1)
    x, parts = 35 - width / 2, []
    for sign in signs:
        advance, strokes = _STROKES[sign]
        parts.append(_moved(strokes, x))
        x += advance + _GAP
    return pen.line("".join(parts), 1.1)


def back(palette: Palette) -> str:
    """The back of all cards: an eight-pointed star on a lattice of such stars."""
    small = "l2.5 2.5h3.6v3.6l2.5 2.5-2.5 2.5v3.6h-3.6l-2.5 2.5-2.5-2.5h-3.6v-3.6l-2.5-2.5 2.5-2.5v-3.6h3.6z"
    lattice = "".join(
        f"M{x} {y}{small}" for x in (11, 27, 43, 59) for y in ("2.4", "18.4", "34.4", "50.4", "66.4", "82.4", "98.4")
    )
    body = (
        '<clipPath id="c"><path d="M9 4.5h52a4.5 4.5 0 0 1 4.5 4.5v100a4.5 4.5 0 0 1-4.5 4.5H9A4.5'
        ' 4.5 0 0 1 4.5 109V9A4.5 4.5 0 0 1 9 4.5z"/></clipPath>'
        + f'<g clip-path="url(#c)">{pen.faint(lattice, 0.42, 0.8)}</g>'
        + pen.deep(pen.circle(35, 59, 21), 0.8)
        + pen.line(pen.circle(35, 59, 18.6), 0.6)
        + pen.soft(_octagram(35, 59, 17), 0.16, 1.2)
        + pen.soft(_octagram(35, 59, 10), 0.22, 1)
        + pen.dots((35, 59, 2.6))
    )
    return document(Hue.INDIGO, palette, body)


def _octagram(x: float, y: float, radius: float) -> str:
    """Two squares over each other, as on tiles."""
    return pen.star(x, y, radius, radius * 0.765, 8)


def _roman(value: int) -> str:
    parts = []
    for worth, sign in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while value >= worth:
            parts.append(sign)
            value -= worth
    return "".join(parts)


def _moved(strokes: str, x: float) -> str:
    """Relative strokes, whose moves are absolute, begun at ``x``."""
    moved = []
    for part in strokes.split("M")[1:]:
        head, tail = part[: len(part) - len(part.lstrip("0123456789. "))], part.lstrip("0123456789. ")
        left, top = (float(one) for one in head.split())
        moved.append(f"M{pen.number(left + x)} {pen.number(top + _BETWEEN)}{tail}")
    return "".join(moved)


def _ground(colours: Inks) -> str:
    return (
        '<defs><linearGradient id="a" x1=".37" y1="0" x2=".63" y2="1">'
        f'<stop stop-color="{colours.top}"/><stop offset="1" stop-color="{colours.bottom}"/></linearGradient>'
        '<radialGradient id="b" cx=".5" cy=".46" r=".5">'
        f'<stop stop-color="{colours.lift}" stop-opacity=".55"/><stop offset="1"'
        f' stop-color="{colours.lift}" stop-opacity="0"/>'
        "</radialGradient></defs>"
        f'<path d="{_EDGE}" fill="url(#a)"/><path d="{_EDGE}" fill="url(#b)"/>'
    )
