"""Emblems of Justice to the World."""

from __future__ import annotations

from backend.readings.art.pen import (
    at,
    circle,
    dark,
    deep,
    dots,
    eyes,
    faint,
    lift,
    line,
    polar,
    rays,
    skin,
    soft,
    solid,
    spots,
    star,
)


def justice() -> str:
    """Scales that hang from a sword."""
    pan = "M0 0l-7 19h14zM-8 19h16c0 4-3.5 7-8 7s-8-3-8-7z"
    return (
        lift("M33 36h4v46l-2 9-2-9z")
        + line("M35 28v8", 2.4)
        + dots((35, 26.5, 2.4))
        + line("M14 42c8-4 14-4 21-4s13 0 21 4", 1.8)
        + at(15, 42, soft(pan, 0.2, 1.1))
        + at(55, 42, soft(pan, 0.2, 1.1))
        + line("M22 94c8-3 18-3 26 0")
        + faint("M27 78l-5 6M43 78l5 6M25 72l-7 4M45 72l7 4", 0.7, 0.9)
    )


def hanged_man() -> str:
    """A figure that hangs by one foot from a tree, with a halo."""
    return (
        lift("M10 24h50v5H10z")
        + line("M15 29v67M55 29v67", 2.2)
        + soft(
            "M15 45c4 0 6-2 6-5-4 0-6 2-6 5zM55 57c-4 0-6-2-6-5 4 0 6 2 6 5zM15 82c4 0 6-2 6-5-4 0-6 2-6 5z", 0.5, 0.9
        )
        + soft(circle(35, 83, 11), 0.2, 0.9)
        + line(rays(35, 83, 12.5, (15.5, 14.3), 20), 0.9)
        + line("M35 29v6", 1)
        + line("M37 57l9-7-11-7", 2.8)
        + lift("M33 35h4l1.5 23h-7z", 1.1)
        + line("M28 74l-7-8 9-5M42 74l7-8-9-5", 2.2)
        + lift("M31 57h8l4 19H27z")
        + skin(circle(35, 82.5, 6.2))
        + eyes((32.8, 83.5, 0.9), (37.2, 83.5, 0.9))
        + dark("M33.5 79.5h3", 0.9)
    )


def death() -> str:
    """A skull under a scythe, and a rose."""
    return (
        line("M53 96 40 24", 2)
        + soft("M41 28C32 20 18 21 10 35c10-6 22-6 32-1z", 0.45)
        + lift("M27 50c-10 0-15 7-15 15 0 5 2 8 5 10v7c0 2 1 3 3 3h14c2 0 3-1 3-3v-7c3-2 5-5 5-10 0-8-5-15-15-15z")
        + deep(circle(21.5, 66, 3.7))
        + deep(circle(32.5, 66, 3.7))
        + solid("M27 71l2.2 4.5h-4.4z")
        + line("M22.5 79v6M27 79v6M31.5 79v6", 0.9)
        + line("M15 96c10-3 22-3 34 0")
        + line("M56 96c-1-7 0-12 1-16M56.5 88l-4-3", 1)
        + soft("M57 80c-5-1-6-6-3-9 1 2 2 2 3 0 1 2 2 2 3 0 3 3 2 8-3 9z", 0.6, 1)
        + dots((57, 40, 1), (18, 46, 0.9), (60, 54, 0.8))
    )


def temperance() -> str:
    """Water poured from one cup to another."""
    cup = "M-9 0H9L6.5 10c-1 3.5-3 4.5-6.5 4.5s-5.5-1-6.5-4.5zM0 14.5v5M-4.5 20h9"
    return (
        line("M25 47c10 1 17 9 20 27M26 43c13 0 19 12 21.5 31M27 39c15 0 21 14 23 35", 0.9)
        + at(27, 38, lift(cup), turn=112)
        + at(48, 74, lift(cup))
        + soft(star(51, 36, 8, 3.4, 8), 0.4)
        + faint(rays(51, 36, 10.5, (13,), 8, 22.5), 0.9, 0.9)
        + line("M10 96c5-4 9-4 14 0s9 4 14 0")
        + faint("M10 89c5-4 9-4 14 0", 0.7, 1)
        + dots((14, 60, 1.1), (23, 68, 1), (15, 77, 0.9), (58, 58, 1))
    )


def devil() -> str:
    """A horned head with the star upside down, and a chain."""
    link = "M-3.2 0c0-4 6.4-4 6.4 0v4c0 4-6.4 4-6.4 0z"
    return (
        lift("M23 44C14 42 10 34 13 24c3 8 8 11 16 12zM47 44c9-2 13-10 10-20-3 8-8 11-16 12z")
        + lift("M35 34c-10 0-16 5-16 14 0 7 3 11 6 16 3 6 6 13 10 13s7-7 10-13c3-5 6-9 6-16 0-9-6-14-16-14z")
        + line("M19 49l-9-3c1 6 4 8 9 8M51 49l9-3c-1 6-4 8-9 8")
        + soft(star(35, 43.5, 7.5, 3, 5, 36), 0.5, 1)
        + line("M25 54l7 3M45 54l-7 3", 1.4)
        + dots((29.5, 58.8, 1.2), (40.5, 58.8, 1.2))
        + line("M33 66h4M32 70c2 1.5 4 1.5 6 0M35 77c-2 3 2 5 0 9", 1)
        + "".join(
            at(x, y, line(link, 1), turn=turn)
            for x, y, turn in ((14, 80, 20), (16, 88, -30), (22, 93, -70), (56, 80, -20), (54, 88, 30), (48, 93, 70))
        )
        + faint("M35 22v7M31 24l1.5 5M39 24l-1.5 5", 0.9, 1)
    )


def tower() -> str:
    """A tower that lightning has opened, and its falling crown."""
    return (
        solid("M55 20 42 37h7l-8 13 17-17h-7l8-13z")
        + lift("M22 97l2-45h20l2 45z")
        + lift("M20 52v-9h5v4h4v-4h4l3 5 2-3 3 4 2-6h4v9z")
        + deep("M31 61c0-4 6-4 6 0v7h-6zM31 78c0-4 6-4 6 0v7h-6z")
        + at(23, 32, soft("M-7 5v-9l4 4 3-6 3 6 4-4v9z", 0.5, 1.1), turn=-24)
        + solid(
            "M17 64c3 3 2 6 0 6s-3-3 0-6zM14 80c3 3 2 6 0 6s-3-3 0-6zM53 60c3 3 2 6 0 6s-3-3 0-6z"
            "M56 77c3 3 2 6 0 6s-3-3 0-6z"
        )
        + line("M10 97h50")
        + faint("M24 66h6M40 72h5M24 84h5M38 90h7", 0.7, 0.9)
    )


def the_star() -> str:
    """A star of eight points over water."""
    small = "".join(star(x, y, 3, 1, 4) for x, y in ((13, 34), (57, 34), (13, 66), (57, 66)))
    return (
        soft(star(35, 50, 21, 7.5, 8, 0), 0.22)
        + lift(star(35, 50, 9, 4, 8, 22.5), 1)
        + dots((35, 50, 2.2), (24, 27, 0.9), (46, 27, 0.9))
        + solid(small)
        + line("M11 82c6-4 10-4 16 0s10 4 16 0 10-4 16 0M11 89c6-4 10-4 16 0s10 4 16 0 10-4 16 0")
        + faint("M19 96c5-3 9-3 14 0s9 3 14 0", 0.7)
    )


def moon() -> str:
    """A crescent with a face over a path between two towers."""
    return (
        faint(circle(34, 46, 20), 0.5, 0.8)
        + faint(rays(34, 46, 21.5, (24,), 24), 0.8, 0.9)
        + soft("M43 31a17 17 0 1 0 0 30c-5-2-8-5-9-9l-3-2 3-3c0-6 3-12 9-16z", 0.4)
        + dots((27.5, 44, 1.2))
        + line("M28 53c2 1 3 1 4.5 0", 0.9)
        + lift("M10 97V77h2v-3h2v3h2v-3h2v3h2v20zM50 97V77h2v-3h2v3h2v-3h2v3h2v20z")
        + line("M15 84v4M55 84v4", 1.6)
        + line("M29 97c1-8 10-8 8-14s-6-5-3-10M41 97c2-8 3-10 0-15", 1)
        + solid("M23 73c2 2.5 1.5 4 0 4s-2-1.5 0-4zM47 73c2 2.5 1.5 4 0 4s-2-1.5 0-4z")
    )


def sun() -> str:
    """The sun with a face over a field of sunflowers."""
    beams = "".join(
        f"{spots(polar(35, 52, 16, a - 7), polar(35, 52, 25, a), polar(35, 52, 16, a + 7))}" for a in range(0, 360, 45)
    )
    return (
        soft(beams, 0.35, 1.1)
        + line(rays(35, 52, 16.5, (22,), 8, 22.5), 1.2)
        + lift(circle(35, 52, 13.5))
        + line("M29 50c1-1.5 3-1.5 4 0M37 50c1-1.5 3-1.5 4 0M35 51v4M31 58c2 2.4 6 2.4 8 0", 1.1)
        + line("M9 88c8-6 17-6 26 0s18 6 26 0M9 95c8-6 17-6 26 0s18 6 26 0")
        + dots((13, 30, 1.1), (57, 30, 1.1))
    )


def judgement() -> str:
    """A trumpet with a banner out of the clouds, and three who rise."""
    trumpet = (
        soft("M9 1h17v17l-8.5-5-8.5 5z", 0.35, 1.1)
        + line("M17.5 3v8M14 6.500h7", 1.3)
        + lift("M0-1.500H27C35-2 39-5 43-10V10C39 5 35 2 27 1.500H0z")
        + dots((-1, 0, 2))
    )
    riser = lift("M-6 0h12v17H-6z") + line("M0 0v-5M0-3l-5.5-6M0-3l5.5-6", 1.6) + dots((0, -8.5, 2.7))
    return (
        at(17, 33, trumpet, turn=30)
        + lift("M8 35c-2-5 1-8 5-8 1-5 9-5 11-1 4-1 7 3 4 7-1 3-4 3-6 3H12c-2 0-3 0-4-1z")
        + faint("M58 48l4-2M59 57h3M56 64l4 3", 0.9, 1)
        + at(17, 80, riser)
        + at(35, 80, riser)
        + at(53, 80, riser)
        + line("M8 97h54", 1)
    )


def world() -> str:
    """A wreath around a star, with four signs in the corners."""
    leaves = []
    for side in (-1, 1):
        for at_ in range(12):
            angle = side * (10 + at_ * 14.5)
            x, y = polar(0, 0, 1, angle)
            leaves.append(
                at(
                    35 + x * 18.5,
                    60 + y * 27,
                    soft("M0 4c-3-3-3-6 0-9 3 3 3 6 0 9z", 0.4, 0.9),
                    turn=angle + 90 * side + side * 28 - (90 * side),
                )
            )
    return (
        faint("M35 33a18.5 27 0 1 0 .1 0z", 0.8, 1)
        + "".join(leaves)
        + solid("M31 33l4-3 4 3-4 3zM31 87l4-3 4 3-4 3z")
        + soft(circle(35, 60, 10.5), 0.12, 1)
        + line("M24.5 60h21M35 49.5c-6 6-6 15 0 21 6-6 6-15 0-21M26.5 54h17M26.5 66h17", 0.9)
        + solid(star(13, 30, 4, 1.3, 4) + star(57, 30, 4, 1.3, 4) + star(13, 90, 4, 1.3, 4) + star(57, 90, 4, 1.3, 4))
    )
