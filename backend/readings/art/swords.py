"""Swords: the ace to the ten, and the sign."""

from __future__ import annotations

import math
from typing import Final

from backend.readings.art.pen import at, dots, faint, lift, line, number, rays, soft, solid


def sword(length: float, width: float = 1.1, guard: float = 0) -> str:
    """A sword whose guard is at 0, 0 and whose point is ``length`` above it."""
    half, across = number(length * 0.02 + 0.8), number(guard or length * 0.07 + 2.6)
    blade = f"M-{half} 0V-{number(length - 4)}L0-{number(length)}L{half}-{number(length - 4)}V0z"
    return (
        lift(blade, width)
        + line(f"M-{across} 0H{across}M0 0v{number(length * 0.1 + 1.5)}", 1.7)
        + dots((0, length * 0.1 + 2.4, 1.3))
    )


def needle(length: float, guard: float) -> str:
    """A sword in a crowd: gold alone, so that it stays one at the smallest size."""
    return (
        solid(f"M-1.2 0V{number(4 - length)}L0-{number(length)}L1.2 {number(4 - length)}V0z")
        + line(f"M-{number(guard)} 0H{number(guard)}M0 0v4", 1.3)
        + dots((0, 5, 1.1))
    )


def sign() -> str:
    """A sword, small, around 0, 0."""
    return solid("M0-6.5 1.3-4.5V1H3.5v1.5H.8V6H-.8V2.5H-3.5V1H-1.3v-5.5z")


def ace() -> str:
    """One, through a crown."""
    return (
        faint(rays(35, 42, 20, (24.5, 23), 20, 9), 0.85, 1)
        + soft("M20 46V34l7 6 8-12 8 12 7-6v12c-9 4-21 4-30 0z", 0.3)
        + lift("M31.5 80V32l3.5-8 3.5 8v48z")
        + line("M35 34v42", 0.8)
        + lift("M20 46c9 4 21 4 30 0v6c-9 4-21 4-30 0z")
        + line("M23 80h24M35 80v12", 2.6)
        + dots((35, 95, 2.6), (22, 80, 1.6), (48, 80, 1.6), (20, 32, 1.4), (50, 32, 1.4), (13, 66, 1.1), (57, 66, 1.1))
        + dots((27, 50.8, 0.9), (35, 51.8, 1.1), (43, 50.8, 0.9))
    )


def two() -> str:
    """Two that cross under the moon."""
    return (
        soft("M40 25a9 9 0 1 0 0 14 7.5 7.5 0 0 1 0-14z", 0.5)
        + at(17, 86, sword(54), turn=33)
        + at(53, 86, sword(54), turn=-33)
        + faint("M14 97c7-4 14-4 21 0 7-4 14-4 21 0", 0.9, 1)
        + dots((14, 50, 1), (56, 50, 1))
    )


def three() -> str:
    """A heart that three have pierced."""
    return (
        at(35, 30, sword(62), turn=180)
        + at(14, 38, sword(58), turn=142)
        + at(56, 38, sword(58), turn=218)
        + lift("M35 83c-14-11-21-18-21-27 0-12 16-14 21-3 5-11 21-9 21 3 0 9-7 16-21 27z")
        + line("M35 53v12M25 52l8 11M45 52l-8 11", 1.1)
        + dots((35, 71, 1.1))
    )


def four() -> str:
    """Three on the wall, and one that rests below."""
    return (
        at(20, 33, sword(33), turn=180)
        + at(35, 33, sword(33), turn=180)
        + at(50, 33, sword(33), turn=180)
        + lift("M10 76h50v16H10z")
        + at(18, 84, sword(36), turn=90)
        + line("M7 96h56")
    )


def five() -> str:
    """Three upright, two thrown down."""
    return (
        at(22, 62, sword(36), turn=-14)
        + at(35, 64, sword(40))
        + at(48, 62, sword(36), turn=14)
        + at(14, 92, sword(34), turn=68)
        + at(56, 92, sword(34), turn=-68)
        + faint("M12 34c3-3 6-3 9 0M49 34c3-3 6-3 9 0", 0.8, 1)
    )


def six() -> str:
    """Six in a boat."""
    return (
        "".join(at(13.5 + step * 8.6, 34, needle(46, 3), turn=180) for step in range(6))
        + lift("M8 70c10 5 44 5 54 0-2 12-8 17-15 17H23c-7 0-13-5-15-17z")
        + line("M15 78c10 3 30 3 40 0", 0.8)
        + line("M9 96c4-4 9-4 13 0s9 4 13 0 9-4 13 0 9 4 13 0", 1)
    )


def seven() -> str:
    """A lattice of six, and one upright."""
    return (
        "".join(at(x, 88, sword(56, 1, 3.4), turn=27) for x in (11, 22, 33))
        + "".join(at(x, 88, sword(56, 1, 3.4), turn=-27) for x in (37, 48, 59))
        + at(35, 78, sword(54, 1.3, 5))
    )


def eight() -> str:
    """A fence of eight, and a knot."""
    return (
        "".join(
            at(x, 86, needle(42 + abs(35 - x) * 0.5, 2.4)) for x in (10.5, 17.5, 24.5, 31.5, 38.5, 45.5, 52.5, 59.5)
        )
        + lift("M8 60c12 6 42 6 54 0v8c-12 6-42 6-54 0z")
        + lift("M35 68c-8-6-12-4-12 0s5 6 12 0zM35 68c8-6 12-4 12 0s-5 6-12 0z")
        + dots((35, 68, 2))
    )


def nine() -> str:
    """Nine, one over another, in the night."""
    return "".join(
        at(16 if row % 2 else 54, 28 + row * 8, sword(38, 1), turn=90 if row % 2 else -90) for row in range(9)
    )


def ten() -> str:
    """Ten driven into the ground before a dawn."""
    blades = []
    for step in range(10):
        aside = (step - 4.5) * 5.3
        hilt, point = (35 + aside, 37 + abs(aside) * 0.45), (35 + aside * 0.42, 88)
        turn = math.degrees(math.atan2(hilt[0] - point[0], point[1] - hilt[1]))
        blades.append(at(*hilt, needle(math.dist(hilt, point), 2), turn=180 + turn))
    return faint("M9 82h52M19 82a16 16 0 0 1 32 0", 0.7, 0.9) + "".join(blades) + lift("M9 84c9-5 43-5 52 0v11H9z")


PIPS: Final = (ace, two, three, four, five, six, seven, eight, nine, ten)
