"""Wands: the ace to the ten, and the sign."""

from __future__ import annotations

from typing import Final

from backend.readings.art.pen import at, circle, deep, dots, faint, lift, line, number, rays, soft, solid, star

_LEAF: Final = "c3-1 5-3 5-7-4 1-6 3-5 7z"


def wand(length: float, leaves: bool = True, width: float = 2.2) -> str:
    """A staff that stands on 0, 0, with a bud at its top."""
    top = -length
    leaf = f"M0 {number(top * 0.62)}{_LEAF}M0 {number(top * 0.4)}c-3-1-5-3-5-7 4 1 6 3 5 7z" if leaves else ""
    return (
        line(f"M0 0V{number(top)}", width)
        + solid(f"M0 {number(top - 4.5)}c2.4 2.6 2.4 5 0 6.5-2.4-1.5-2.4-3.9 0-6.5z")
        + (solid(leaf) if leaf else "")
    )


def sign() -> str:
    """A flame, small, around 0, 0."""
    return soft(
        "M0-5.5c3 3 4.4 5 4.4 7.4a4.4 4.4 0 0 1-8.8 0c0-1.6.8-2.8 2-4.2.4 1.4 1 2 1.8 2.3C-.2-2-.4-3.6 0-5.5z", 0.5, 1
    )


def ace() -> str:
    """One staff in leaf, with rays."""
    leaves = (
        "M38.5 60c8 1 13-3 14-11-8 0-13 4-14 11zM31.5 70c-8 1-13-3-14-11 8 0 13 4 14 11z"
        "M38.5 84c7 1 11-2 12-9-7 0-11 3-12 9zM31.5 92c-6 1-9-2-10-8 6 0 9 3 10 8z"
    )
    return (
        faint(rays(35, 36, 10, (17, 14), 16, 11.25), 0.9, 1)
        + lift("M31.5 97V45c0-6 7-6 7 0v52c0 2-7 2-7 0z")
        + line("M35 51v8M35 66v10M35 82v8", 0.9)
        + soft("M35 40c-6-5-5-10 0-13 5 3 6 8 0 13z", 0.6)
        + soft(leaves, 0.4)
        + dots((14, 40, 1.1), (56, 40, 1.1), (13, 84, 0.9), (57, 66, 0.9))
    )


def two() -> str:
    """Two that cross over a globe."""
    return (
        at(15, 94, wand(66), turn=36.5)
        + at(55, 94, wand(66), turn=-36.5)
        + deep(circle(35, 67, 10.5))
        + soft(circle(35, 67, 10.5), 0.2)
        + line("M24.5 67h21M35 56.5c-6 6-6 15 0 21M35 56.5c6 6 6 15 0 21", 0.9)
    )


def three() -> str:
    """Three that cross in one point, with a star."""
    return (
        at(13, 91, wand(60), turn=36)
        + at(57, 91, wand(60), turn=-36)
        + at(35, 96, wand(62))
        + deep(circle(35, 61, 7))
        + soft(star(35, 61, 7, 3, 8), 0.6, 1)
    )


def four() -> str:
    """Four that stand, with a garland hung between them."""
    return (
        "".join(at(x, 96, wand(h, False)) for x, h in ((13, 58), (57, 58), (27, 46), (43, 46)))
        + lift("M13 44c8 14 36 14 44 0v7c-8 14-36 14-44 0z")
        + dots((18, 51, 1.6), (26, 56.5, 1.8), (35, 58, 2), (44, 56.5, 1.8), (52, 51, 1.6))
        + line("M13 51l-3 9M57 51l3 9", 1)
        + soft(star(35, 34, 7, 3, 8), 0.5)
        + line("M19 97h32", 1)
    )


def five() -> str:
    """Five in disarray."""
    return "".join(
        at(x, y, wand(h, False), turn=turn)
        for x, y, h, turn in ((12, 88, 56, 40), (20, 96, 62, 6), (58, 84, 52, -52), (51, 96, 62, -14), (34, 97, 54, 22))
    ) + dots((12, 40, 1.2), (60, 66, 1.2), (35, 27, 1.2))


def six() -> str:
    """A lattice of six, with a wreath in its middle."""
    return (
        "".join(at(15 + aside, 82 + aside, wand(53, False, 2), turn=45) for aside in (-8.5, 0, 8.5))
        + "".join(at(55 - aside, 82 + aside, wand(53, False, 2), turn=-45) for aside in (-8.5, 0, 8.5))
        + deep(circle(35, 62, 10.5), 1)
        + soft(star(35, 62, 9, 6, 14), 0.5, 0.9)
        + solid(star(35, 62, 3.8, 1.4, 8))
    )


def seven() -> str:
    """One across, held against six."""
    return (
        "".join(
            at(x, 97, wand(30, False, 1.8), turn=turn)
            for x, turn in ((12, -8), (21, -4), (30, -1), (40, 1), (49, 4), (58, 8))
        )
        + at(13, 62, wand(54), turn=58)
        + faint("M12 76h46", 0.8, 0.9)
        + soft(star(19, 33, 6, 2.6, 8), 0.4)
    )


def eight() -> str:
    """Eight in flight, side by side."""
    return "".join(
        at(12 + column * 11.5 + row * 3, 60 + row * 33 - column * 1.5, wand(27, False, 1.9), turn=24)
        for row in (0, 1)
        for column in range(4)
    ) + faint("M10 96c14 3 34 3 50 0", 0.8, 1)


def nine() -> str:
    """A palisade of eight, and one that leans on it."""
    return (
        "".join(at(11.5 + step * 6.7, 92, wand(46 + (4 if step % 2 else 0), False, 1.7)) for step in range(8))
        + lift("M8 62h54v5H8zM8 80h54v5H8z", 0.9)
        + at(18, 97, wand(68, True, 2.6), turn=30)
    )


def ten() -> str:
    """A sheaf of ten, bound in the middle."""
    return (
        "".join(
            at(35 + turn * 0.55, 96 - abs(turn) * 0.1, wand(66 - abs(turn) * 0.2, False, 1.6), turn=-turn * 1.0)
            for turn in (-41, -32, -23, -14, -5, 5, 14, 23, 32, 41)
        )
        + lift("M26 61h18c1.5 3 1.5 6 0 9H26c-1.5-3-1.5-6 0-9z")
        + line("M29 64h12M29 67h12", 0.8)
    )


PIPS: Final = (ace, two, three, four, five, six, seven, eight, nine, ten)
