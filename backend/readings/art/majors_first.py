"""Emblems of the Fool to the Wheel of Fortune."""

from __future__ import annotations

from backend.readings.art.pen import at, circle, deep, dots, eyes, faint, lift, line, rays, skin, soft, solid, star


def fool() -> str:
    """A traveller with a bundle and a rose, one step before the edge, under the sun."""
    return (
        soft(circle(54, 31, 6), 0.35)
        + line(rays(54, 31, 8.2, (11.5, 10.2), 12), 0.9)
        + lift("M5 100V85l11-3 12 2 12-3 3 5-3 5 3 6-4 4c-10-3-22 1-34-1z")
        + line("M14 82l2 8M29 84l1 8", 0.8)
        + line("M26 68l-5 14h-4M32 68l7 13h4", 2.3)
        + line("M36 60 11 37", 1.9)
        + lift("M24 50h10l6 20H19z")
        + line("M21.5 62h16", 0.9)
        + line("M32 54l12 1", 2.2)
        + skin(circle(30, 43.5, 5.5))
        + lift("M23.5 43c-1-7 5-10 9-9 3 1 5 4 4.5 7-4-2-9-1-13.5 2z")
        + soft("M26 36c-5-1-8-4-7-8 5 0 8 3 9 7z", 0.5, 1)
        + eyes((33, 44.5, 0.9))
        + lift("M11 36c-6 0-7 12-1 13 7 1 8-11 1-13z")
        + line("M11 36l-3-4M11 36l3-4", 1.1)
        + soft("M46 55c-3-3-2-6 0-7 1 1 1 1 2 0 2 1 3 4 0 7z", 0.8, 0.9)
        + line("M47 55l1 7M48 59l3-2", 0.9)
        + faint("M46 97c4-6 10-8 19-9", 0.5, 0.9)
        + dots((37, 25, 0.9), (58, 50, 0.9), (60, 70, 0.9))
    )


def magician() -> str:
    """Infinity above a raised wand, and the four tools on the table."""
    return (
        soft("M35 31c-4-6-13-6-13 0s9 6 13 0c4-6 13-6 13 0s-9 6-13 0z", 0.2)
        + line("M35 42v34", 2.4)
        + solid(star(35, 42, 6.5, 2, 4))
        + faint(rays(35, 42, 8, (12,), 8, 22.5), 0.8, 0.9)
        + lift("M10 76h50l-3 6H13z")
        + line("M16 82v15M54 82v15")
        + at(17, 62, soft("M-4.5 0h9c0 5-2 7-4.5 7s-4.5-2-4.5-7zM0 7v5M-3 13.5h6", 0.3))
        + line("M53 76V57M49.5 70h7M53 57l-1.5 4M53 57l1.5 4", 1.2)
        + soft(circle(35, 90, 6), 0.2)
        + line(star(35, 90, 4.6, 1.8, 5), 0.9)
        + dots((13, 44, 1.1), (57, 44, 1.1), (19, 51, 0.9), (51, 51, 0.9))
    )


def priestess() -> str:
    """The moon between two pillars, a veil and pomegranates."""
    return (
        lift("M12 33h9v58h-9zM49 33h9v58h-9z")
        + line("M15 33v58M18 33v58M52 33v58M55 33v58", 0.7)
        + lift("M10 29h13v4H10zM47 29h13v4H47zM10 91h13v4H10zM47 91h13v4H47z")
        + faint("M23 34c7 7 17 7 24 0M23 40c7 6 17 6 24 0", 0.7, 0.8)
        + soft("M40.5 50a11 11 0 1 0 0 18 9 9 0 0 1 0-18z", 0.35)
        + dots((35, 28, 1.5), (30, 76, 1.6), (40, 76, 1.6), (35, 82, 1.8), (30, 88, 1.6), (40, 88, 1.6))
        + solid(star(42, 59, 3.2, 1, 4))
    )


def empress() -> str:
    """A shield with the sign of Venus under a crown of stars, between ears of wheat."""
    stars = "".join(
        star(x, y, 2.2, 0.9, 5) for x, y in ((16, 37), (22, 30), (29.5, 26), (40.5, 26), (48, 30), (54, 37))
    )
    ear = "M0 0C-3-10-3-24 0-36" + "".join(
        f"M-1.5 {y}c-4-1-5-4-4.5-7 3 1 5 3 4.5 7zM-1.5 {y}c4-1 5.5-4 5-7-3 1-5 3-5 7z" for y in (-14, -21, -28)
    )
    return (
        solid(stars)
        + lift("M35 47c-5-8-19-6-19 6 0 12 11 18 19 26 8-8 19-14 19-26 0-12-14-14-19-6z")
        + soft(circle(35, 55, 5), 0.25)
        + line("M35 60v10M30.5 65h9")
        + at(13, 98, soft(ear, 0.3, 0.9))
        + at(57, 98, f'<g transform="scale(-1 1)">{soft(ear, 0.3, 0.9)}</g>')
        + line("M24 94c7-4 15-4 22 0M28 88c5-2 9-2 14 0", 1)
        + solid(star(35, 34, 3.5, 1.4, 5))
    )


def emperor() -> str:
    """A ram's head with curled horns under a crown."""
    horn = "M31 48C20 40 8 46 9 60c1 11 12 15 18 8 5-6 1-14-5-13-5 1-6 7-2 9"
    other = "M39 48c11-8 23-2 22 12-1 11-12 15-18 8-5-6-1-14 5-13 5 1 6 7 2 9"
    return (
        lift("M26 47c0 14 2 22 4 30 1 5 3 8 5 8s4-3 5-8c2-8 4-16 4-30-5-4-13-4-18 0z")
        + line(horn, 2.2)
        + line(other, 2.2)
        + line("M35 56v14M32 78l3 2 3-2M35 80v5", 1)
        + dots((30.5, 59, 1.5), (39.5, 59, 1.5))
        + soft("M25 41V27l5 6 5-9 5 9 5-6v14z", 0.35)
        + dots((25, 25.5, 1.3), (35, 22.5, 1.4), (45, 25.5, 1.3))
        + line("M14 94h42M19 89h32", 1)
        + faint("M12 78l4 6M58 78l-4 6", 0.8, 1)
    )


def hierophant() -> str:
    """A staff of three crossbars over two crossed keys."""
    key = f"M0 0v-35{circle(0, 5, 5)}M0-34h6M0-28.5h4.5"
    return (
        faint("M13 97V48a22 22 0 0 1 44 0v49", 0.6, 1)
        + faint("M17 97V48a18 18 0 0 1 36 0v49", 0.4, 0.8)
        + line("M35 28v68", 2.2)
        + line("M30 34h10M27 41h16M24 48h22", 2.2)
        + solid(star(35, 25.5, 3, 1.2, 4))
        + at(20, 87, soft(key, 0.25), turn=40)
        + at(50, 87, f'<g transform="scale(-1 1)">{soft(key, 0.25)}</g>', turn=-40)
        + dots((21, 58, 1), (49, 58, 1))
    )


def lovers() -> str:
    """Two rings that share a heart, under one light."""
    return (
        dots((35, 32, 4))
        + line(rays(35, 32, 6, (11, 8.5), 16), 1)
        + soft(circle(27, 63, 14), 0.16)
        + soft(circle(43, 63, 14), 0.16)
        + solid("M35 70c-3.5-3.5-6-5.5-6-8.5 0-3.5 4.5-4 6-1 1.5-3 6-2.5 6 1 0 3-2.5 5-6 8.5z")
        + line("M20 90c5-5 10-5 15 0 5-5 10-5 15 0")
        + dots((14, 44, 1), (56, 44, 1), (12, 82, 1), (58, 82, 1))
    )


def chariot() -> str:
    """A car on two wheels under a canopy of stars."""
    wheel = soft(circle(0, 0, 10), 0.14) + line(rays(0, 0, 2.5, (10,), 8), 0.9) + dots((0, 0, 2.2))
    return (
        lift(
            "M13 40c0-10 10-17 22-17s22 7 22 17c-3-3-6-3-8 0-2-3-5-3-7 0-2-3-5-3-7 0-2-3-5-3-7"
            " 0-2-3-5-3-7 0-2-3-5-3-8 0z"
        )
        + solid(star(35, 31, 4, 1.6, 5) + star(24.5, 34, 2.4, 1, 5) + star(45.5, 34, 2.4, 1, 5))
        + line("M16 40v18M54 40v18M24 41v15M46 41v15", 1)
        + lift("M13 57h44l-4 25H17z")
        + soft("M35 72c-7-5-10-9-16-9 3 5 7 9 16 9zM35 72c7-5 10-9 16-9-3 5-7 9-16 9z", 0.35, 1)
        + deep(circle(35, 70, 4.5))
        + dots((35, 70, 1.5))
        + deep(circle(16, 86, 10))
        + deep(circle(54, 86, 10))
        + at(16, 86, wheel)
        + at(54, 86, wheel)
        + line("M26 90h18", 1)
    )


def strength() -> str:
    """A lion's face, and infinity above it."""
    mane = star(35, 70, 23.5, 18, 16)
    return (
        soft("M35 32c-4-6-14-6-14 0s10 6 14 0c4-6 14-6 14 0s-10 6-14 0z", 0.2)
        + lift(mane)
        + deep("M35 55c-9 0-14 5-14 13 0 9 6 17 14 17s14-8 14-17c0-8-5-13-14-13z")
        + soft("M23 60c-3-4-1-7 3-6M47 60c3-4 1-7-3-6", 0.2)
        + soft("M32 76h6l-3 3.5z", 0.9)
        + line(
            "M35 79.5v2.5M35 82c-2 2-5 1.5-6-.5M35 82c2 2 5 1.5 6-.5M27 67c1.5-1.6 4-1.6 5.5.2"
            "M43 67c-1.5-1.6-4-1.6-5.5.2M32 76l-.5-8M38 76l.5-8",
            1,
        )
        + dots((30, 69, 1.3), (40, 69, 1.3))
        + solid(star(35, 44, 3, 1.1, 4))
    )


def hermit() -> str:
    """A hooded figure with a staff and a lantern that holds a star."""
    return (
        faint("M8 97c9-8 15-9 22-6M62 97c-8-6-13-7-19-6", 0.5, 0.9)
        + lift("M12 97c0-28 4-48 16-60 10 11 14 32 14 60z")
        + deep("M22 50c0-6 2-10 6-12 4 2 6 6 6 12-2 6-4 8-6 8s-4-2-6-8z")
        + line("M28 58v39M21 66c2 10 2 20 1 31M35 66c-2 10-2 20-1 31", 0.8)
        + line("M14 97V40", 1.8)
        + line("M37 66c6 0 10-3 12-8", 1.6)
        + line("M49 40c-4 0-4-6 0-6s4 6 0 6z", 1)
        + soft("M42 44l7-4 7 4v15l-7 4-7-4z", 0.2)
        + solid(star(49, 51.5, 5.8, 2, 8))
        + faint(rays(49, 51.5, 12.5, (15.5, 14), 12, 15), 0.9, 0.9)
        + dots((17, 28, 1), (27, 25, 1.3), (57, 28, 1), (55, 82, 0.9))
    )


def wheel() -> str:
    """A wheel of eight spokes, with four signs around it."""
    corners = "".join(star(x, y, 3.6, 1.2, 4) for x, y in ((14, 30), (56, 30), (14, 90), (56, 90)))
    return (
        soft(circle(35, 60, 23), 0.12)
        + deep(circle(35, 60, 17.5))
        + line(rays(35, 60, 4, (17.5,), 8), 1.2)
        + line(rays(35, 60, 18.8, (21.7,), 24), 1)
        + soft(circle(35, 60, 9.5), 0.16, 0.9)
        + dots((35, 60, 4))
        + solid(corners)
        + solid("M35 30l3.5 5h-7zM35 90l3.5-5h-7z")
    )
