"""Strokes of the deck: fragments of SVG in the colours of a palette, written short because 79 pictures repeat them.

Coordinates are those of a card of 70 × 118. Colours are marks that ``frame.document`` replaces.
"""

from __future__ import annotations

import math
from typing import Final

GOLD: Final = "@g"
LIFT: Final = "@l"
"""The suit's hue, lighter than the ground: what lies in front."""
DEEP: Final = "@d"
"""Darker than the ground: what lies behind."""

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate in as few signs as its tenth needs."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text.replace("0.", ".") if abs(value) < 1 else text


def spots(*points: Point) -> str:
    """Path data of a line through points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def polar(x: float, y: float, radius: float, degrees: float) -> Point:
    """A point on a circle; 0 degrees is straight up, and they go as a clock's hands."""
    angle = math.radians(degrees)
    return x + radius * math.sin(angle), y - radius * math.cos(angle)


def star(x: float, y: float, outer: float, inner: float, count: int, turn: float = 0) -> str:
    """Path data of a star, closed."""
    step = 180 / count
    return spots(*(polar(x, y, inner if at % 2 else outer, turn + step * at) for at in range(2 * count))) + "z"


def rays(x: float, y: float, start: float, ends: tuple[float, ...], count: int, turn: float = 0) -> str:
    """Path data of rays around a point, whose ends take turns."""
    angles = ((at, turn + 360 / count * at) for at in range(count))
    return "".join(spots(polar(x, y, start, a), polar(x, y, ends[at % len(ends)], a)) for at, a in angles)


def line(d: str, width: float = 0) -> str:
    """A stroke without a filling."""
    return f'<path d="{d}"{_width(width)}/>'


def soft(d: str, opacity: float = 0.16, width: float = 0) -> str:
    """A stroke around a breath of gold."""
    return f'<path d="{d}" fill="{GOLD}" fill-opacity="{number2(opacity)}"{_width(width)}/>'


def lift(d: str, width: float = 0) -> str:
    """A shape that covers what was drawn before, lighter than the ground."""
    return f'<path d="{d}" fill="{LIFT}"{_width(width)}/>'


def deep(d: str, width: float = 0) -> str:
    """A shape that covers what was drawn before, darker than the ground."""
    return f'<path d="{d}" fill="{DEEP}"{_width(width)}/>'


def skin(d: str, width: float = 0) -> str:
    """A face: nearly gold, over whatever lies behind."""
    return deep(d, width) + f'<path d="{d}" fill="{GOLD}" fill-opacity=".92" stroke="none"/>'


def eyes(*points: tuple[float, float, float]) -> str:
    """Dark discs on a face: x, y, radius."""
    return f'<path d="{"".join(circle(*one) for one in points)}" fill="{DEEP}" stroke="none"/>'


def dark(d: str, width: float) -> str:
    """A dark stroke, such as a mouth."""
    return f'<path d="{d}" stroke="{DEEP}" stroke-width="{number(width)}"/>'


def solid(d: str) -> str:
    """A shape of gold alone."""
    return f'<path d="{d}" fill="{GOLD}" stroke="none"/>'


def faint(d: str, opacity: float, width: float = 0) -> str:
    """A stroke that stays in the background."""
    return f'<path d="{d}" opacity="{number2(opacity)}"{_width(width)}/>'


def circle(x: float, y: float, radius: float) -> str:
    """Path data of a circle."""
    r = number(radius)
    return (
        f"M{number(x - radius)} {number(y)}a{r} {r} 0 1 0 {number(2 * radius)} 0a{r} {r} 0 1 0-{number(2 * radius)} 0z"
    )


def dots(*spots_: tuple[float, float, float]) -> str:
    """Small gold discs: x, y, radius."""
    return solid("".join(circle(*one) for one in spots_))


def at(x: float, y: float, body: str, *, turn: float = 0) -> str:
    """A fragment that was drawn around 0, 0, moved and turned."""
    turned = f" rotate({number(turn)})" if turn else ""
    return f'<g transform="translate({number(x)} {number(y)}){turned}">{body}</g>'


def number2(value: float) -> str:
    """An opacity."""
    return f"{value:.2f}".lstrip("0").rstrip("0")


def _width(width: float) -> str:
    return f' stroke-width="{number(width)}"' if width else ""
