"""Cups: the ace to the ten, and the sign."""

from __future__ import annotations

from typing import Final

from backend.readings.art.pen import at, dots, faint, lift, line, number, soft, solid, star


def cup(size: float, width: float = 0) -> str:
    """A cup ``size`` wide, the middle of its height at 0, 0."""
    bowl = (size / 2, size * 0.72, size * 0.3, size * 0.42)
    half, depth, foot, stem = (number(one) for one in bowl)
    top = number(-size * 0.66)
    curve = (
        f"c0 {number(size * 0.5)}-{number(size * 0.2)} {depth}-{half}"
        f" {depth}s-{half}-{number(size * 0.22)}-{half}-{depth}z"
    )
    return lift(f"M-{half} {top}h{number(size)}{curve}", width) + line(
        f"M0 {number(size * 0.06)}v{stem}M-{foot}"
        f" {number(size * 0.66)}c{number(size * 0.1)}-{number(size * 0.18)}"
        f" {number(size * 0.5)}-{number(size * 0.18)} {number(size * 0.6)} 0",
        width,
    )


def sign() -> str:
    """A drop, small, around 0, 0."""
    return soft("M0-5.5c3 4 4.4 6 4.4 7.8a4.4 4.4 0 0 1-8.8 0c0-1.8 1.4-3.8 4.4-7.8z", 0.5, 1)


def ace() -> str:
    """One that overflows, under a drop."""
    return (
        soft("M35 23c4.5 6 6 8 6 11a6 6 0 0 1-12 0c0-3 1.5-5 6-11z", 0.5)
        + lift("M17 48h36c0 17-7 25-18 25s-18-8-18-25z")
        + line("M17 53c6 4 12 4 18 0s12-4 18 0", 1)
        + line("M35 73v13M24 92c2-5 6-6 11-6s9 1 11 6z")
        + line("M13 55c-3 4-3 9-2 14M57 55c3 4 3 9 2 14", 1)
        + dots((11, 75, 1.3), (59, 75, 1.3), (19, 34, 1.2), (51, 34, 1.2), (13, 82, 0.9), (57, 82, 0.9))
    )


def two() -> str:
    """Two that face each other, and a heart."""
    return (
        solid("M35 47c-6-5-9-8-9-12 0-5 7-6 9-1 2-5 9-4 9 1 0 4-3 7-9 12z")
        + at(21, 76, cup(19))
        + at(49, 76, cup(19))
        + line("M21 62c0-9 5-13 11-14M49 62c0-9-5-13-11-14", 1)
        + line("M18 96c6-4 11-4 17 0 6-4 11-4 17 0", 1)
    )


def three() -> str:
    """Three, raised together."""
    return (
        at(35, 40, cup(17))
        + at(21, 76, cup(17))
        + at(49, 76, cup(17))
        + solid(star(35, 61, 4, 1.5, 8))
        + dots((18, 52, 1.1), (52, 52, 1.1))
        + line("M18 96c6-4 11-4 17 0 6-4 11-4 17 0", 1)
    )


def four() -> str:
    """Three in a row, and one that a cloud offers."""
    return (
        at(18, 80, cup(13))
        + at(35, 80, cup(13))
        + at(52, 80, cup(13))
        + line("M9 93h52", 1)
        + soft("M14 60c-4-1-4-7 1-8 1-5 9-5 11-1 3-4 13-4 15 1 3-3 10-2 11 3 6 0 6 6 1 6-10 2-28 2-39-1z", 0.25, 1)
        + at(35, 39, cup(16))
        + faint("M22 32l-4-3M48 32l4-3M20 40h-5M50 40h5", 0.9, 1)
    )


def five() -> str:
    """Three that are spilt, two that stand."""
    spilt = cup(12.5)
    return (
        at(16, 41, spilt, turn=-105)
        + at(35, 37, spilt, turn=180)
        + at(54, 41, spilt, turn=105)
        + dots((11, 54, 1), (13, 59, 1.3), (35, 52, 1.3), (33, 57, 1), (37.5, 58, 0.9), (59, 54, 1), (57, 59, 1.3))
        + at(24, 82, cup(16))
        + at(46, 82, cup(16))
        + line("M12 96h46", 1)
    )


def six() -> str:
    """Six, each with a flower."""
    flower = line("M0-8v-3", 1) + solid(star(0, -13.5, 4, 1.5, 5))
    return "".join(at(x, y, cup(13) + flower) for y in (49, 84) for x in (17, 35, 53)) + faint(
        "M9 60h52M9 95h52", 0.7, 0.9
    )


def seven() -> str:
    """Seven that float on a cloud."""
    return (
        "".join(at(x, y, cup(12.5)) for x, y in ((35, 31), (18, 44), (52, 44), (35, 54), (14, 68), (56, 68), (35, 77)))
        + soft("M9 90c-2-6 5-10 9-6 2-5 10-5 12 0 3-4 10-3 11 1 3-5 11-4 12 1 5-2 9 2 7 7-10 5-40 5-51-3z", 0.25, 1)
        + dots((26, 36, 0.9), (44, 36, 0.9), (25, 63, 0.9), (45, 63, 0.9))
    )


def eight() -> str:
    """Eight in a wall with a gap, under the moon."""
    return (
        "".join(at(x, 86, cup(11)) for x in (12.5, 24, 35.5, 47, 58))
        + "".join(at(x, 67, cup(11)) for x in (15, 27, 55))
        + soft("M41 26a11 11 0 1 0 0 19 9 9 0 0 1 0-19z", 0.45)
        + line("M9 95h52", 1)
        + faint("M41 74c0-6 4-8 2-14s3-8 7-12", 0.9, 1.1)
        + dots((55, 32, 1), (16, 38, 1.1), (18, 54, 0.8))
    )


def nine() -> str:
    """Nine on an arch."""
    return (
        line("M10 94V58a25 25 0 0 1 50 0v36", 0.9)
        + "".join(at(x, y, cup(11.5)) for x, y in ((14, 62), (20, 44), (35, 36), (50, 44), (56, 62)))
        + "".join(at(x, 82, cup(11.5)) for x in (14, 28, 42, 56))
        + soft(star(35, 60, 7.5, 3.2, 8), 0.5)
    )


def ten() -> str:
    """Ten on a rainbow."""
    cups = ((11, 58), (16.5, 45), (25, 35.5), (35, 32), (45, 35.5), (53.5, 45), (59, 58))
    return (
        line("M15 70a20 20 0 0 1 40 0M19 70a16 16 0 0 1 32 0M23 70a12 12 0 0 1 24 0", 1)
        + "".join(at(x, y, cup(10)) for x, y in cups)
        + "".join(at(x, 84, cup(12)) for x in (17, 35, 53))
        + solid("M35 72c-4-3.5-6-5.5-6-8 0-3 4.5-4 6-.6 1.5-3.4 6-2.4 6 .6 0 2.5-2 4.5-6 8z")
        + line("M9 95h52", 1)
    )


PIPS: Final = (ace, two, three, four, five, six, seven, eight, nine, ten)
__all__ = ["PIPS", "cup", "sign"]
