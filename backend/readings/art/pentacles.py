"""Pentacles: the ace to the ten, and the sign."""

from __future__ import annotations

from typing import Final

from backend.readings.art.pen import at, circle, dots, faint, lift, line, rays, soft, solid, star

_LEAF: Final = "c5 0 8-3 9-8-5 0-8 3-9 8z"
_LEAF_BACK: Final = "c-5 0-8-3-9-8 5 0 8 3 9 8z"


def coin(radius: float, width: float = 0) -> str:
    """A coin with a star of five points, around 0, 0."""
    return lift(circle(0, 0, radius), width) + soft(
        star(0, 0, radius * 0.72, radius * 0.3, 5), 0.35, max(0.8, width - 0.2) if width else 1
    )


def sign() -> str:
    """A coin, small, around 0, 0."""
    return soft(circle(0, 0, 4.6), 0.2, 1) + solid(star(0, 0, 3.4, 1.4, 5))


def ace() -> str:
    """One, in a wreath."""
    return (
        faint(rays(35, 56, 24, (27.5,), 32), 0.8, 0.9)
        + lift(circle(35, 56, 20.5))
        + line(circle(35, 56, 17), 0.9)
        + soft(star(35, 56, 16.5, 6.5, 5), 0.35)
        + line("M16 92c8-4 30-4 38 0", 1)
        + soft(f"M22 91{_LEAF}M48 91{_LEAF_BACK}M34 89{_LEAF_BACK}M36 89{_LEAF}", 0.4, 0.9)
    )


def two() -> str:
    """Two in an endless ribbon."""
    return (
        line("M35 60c-22-6-24-36 0-36s22 30 0 36-24 36 0 36 22-30 0-36z", 3.2)
        + at(35, 42, coin(11.5))
        + at(35, 78, coin(11.5))
        + dots((14, 60, 1.2), (56, 60, 1.2))
    )


def three() -> str:
    """Three in a pointed arch."""
    return (
        lift("M12 97V56c0-16 10-26 23-33 13 7 23 17 23 33v41h-7V58c0-12-6-20-16-26-10 6-16 14-16 26v39z")
        + at(35, 48, coin(8.5))
        + at(27.5, 69, coin(7.5))
        + at(42.5, 69, coin(7.5))
        + line("M35 81v16M22 84h26", 1)
    )


def four() -> str:
    """Four, kept in the corners of a square."""
    return (
        line("M22 42h26v36H22z", 1)
        + "".join(at(x, y, coin(10.5)) for x in (21, 49) for y in (41, 79))
        + soft("M30 57h10v9H30zM32 57v-2.5c0-4 6-4 6 0V57", 0.4, 1.1)
        + dots((35, 61, 1.1))
    )


def five() -> str:
    """Five in a window, and snow."""
    return (
        faint("M12 97V52a23 23 0 0 1 46 0v45", 0.9, 1)
        + at(35, 41, coin(8.5))
        + at(22, 57, coin(8))
        + at(48, 57, coin(8))
        + at(26, 78, coin(8))
        + at(44, 78, coin(8))
        + line("M8 97h54", 1)
        + dots((35, 60, 1.2), (35, 67, 1.2), (14, 30, 1.1), (56, 30, 1.1), (20, 91, 0.9), (35, 92, 0.9), (50, 91, 0.9))
    )


def six() -> str:
    """Scales over six."""
    return (
        line("M35 24v24M17 31c6-3 30-3 36 0", 1.4)
        + soft("M17 31l-6 14h12zM53 31l-6 14h12z", 0.15, 1)
        + soft("M11 45c1 5 11 5 12 0zM47 45c1 5 11 5 12 0z", 0.6, 1)
        + "".join(at(x, y, coin(7.5)) for x in (17, 35, 53) for y in (65, 86))
    )


def seven() -> str:
    """Seven on a vine."""
    return (
        line(
            "M35 97C34 80 36 60 35 30M35 84c-8-2-13-5-16-9M35 78c8-2 13-6 16-10M35 62c-7-2-12-5-15-9"
            "M35 56c7-2 12-5 15-9",
            1.2,
        )
        + soft(f"M35 92{_LEAF}M35 90{_LEAF_BACK}M35 70{_LEAF}M35 72{_LEAF_BACK}", 0.4, 0.9)
        + "".join(at(x, y, coin(7)) for x, y in ((35, 30), (19, 50), (51, 44), (17, 73), (53, 66), (20, 92), (50, 89)))
    )


def eight() -> str:
    """Eight in two columns, one of them at work."""
    return (
        "".join(at(x, y, coin(7.5)) for x in (24, 46) for y in (32, 51, 70, 89))
        + faint("M12 24v73M58 24v73", 0.8, 1)
        + line("M12 24c4 0 4 4 0 4M12 97c4 0 4-4 0-4M58 24c-4 0-4 4 0 4M58 97c-4 0-4-4 0-4", 1)
    )


def nine() -> str:
    """Nine in a garden."""
    flowers = "".join(star(x, y, 4, 1.3, 4) for x in (26, 44) for y in (45, 69))
    return (
        "".join(at(x, y, coin(7.5)) for x in (17, 35, 53) for y in (33, 57, 81))
        + solid(flowers)
        + line("M9 96c4-4 8-4 13 0 4-4 9-4 13 0 4-4 9-4 13 0 4-4 9-4 13 0", 1)
    )


def ten() -> str:
    """Ten on the tree of life."""
    places = ((35, 27), (20, 36), (50, 36), (20, 52), (50, 52), (35, 59), (20, 69), (50, 69), (35, 77), (35, 93))
    paths = (
        "M35 27L20 36V69L35 77L50 69V36L35 27V93M20 36h30M20 52h30M20 36l15 23L50 36"
        "M20 52l15 7 15-7M20 69l15-10 15 10M20 69L35 93 50 69"
    )
    return faint(paths, 0.7, 0.9) + "".join(at(x, y, coin(6, 1)) for x, y in places)


PIPS: Final = (ace, two, three, four, five, six, seven, eight, nine, ten)
