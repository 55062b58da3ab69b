"""Courts: a page on foot, a knight's horse, a queen under an arch, a king on a square throne; each suit has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from backend.readings.art import cups, pentacles, swords, wands
from backend.readings.art.pen import at, circle, dark, deep, dots, eyes, faint, lift, line, skin, soft, solid, star


class Court(NamedTuple):
    """What a suit lends its four figures. Fragments are drawn around 0, 0 unless they say otherwise."""

    sign: str
    held: str
    """By the page: at the hand, 53, 46."""
    sceptre: str
    """By the king: at the hand, 51, 70."""
    lap: str
    """By the queen: at 35, 76."""
    mane: str
    """Of the horse, on the card."""
    banner: str
    """Over the horse, on the card."""
    ground: str
    """Under the page, on the card."""
    throne: str
    """On the arch of the queen, on the card."""
    finial: str
    """On the king's throne."""
    lean: float
    """How the horse carries its head, in degrees."""


def page(court: Court) -> str:
    """A youth in a feathered cap, who holds the suit's object up."""
    return (
        court.ground
        + line("M30 72v21h-5M38 72v21h5", 2.2)
        + line("M44 53 53 47", 2.4)
        + line("M24 54l-7 8 5 7", 2.4)
        + lift("M34 45c-7 0-10 3-11 8l-4 22h30l-4-22c-1-5-4-8-11-8z")
        + line("M22 62h24M34 46v16", 0.9)
        + skin(circle(34, 38, 6))
        + lift("M26.5 37c0-7 4-10 9-9 4 1 6 4 6 8-4-2-10-2-15 1z")
        + soft("M28 30c-6-1-9-4-9-8 5 0 9 2 11 6z", 0.5, 1)
        + eyes((31.8, 39.5, 0.9), (36.2, 39.5, 0.9))
        + at(53, 46, court.held)
    )


def knight(court: Court) -> str:
    """The head of a horse in its bridle, with a plume."""
    horse = (
        court.mane
        + lift(
            "M22 97c-1-12 5-19 9-27-3 2-6 4-10 5-4 1-8-1-8-5 0-4 5-9 8-14 3-6 6-10 10-13l0-9 6 6c13 4"
            " 20 18 20 34 0 10-1 17-3 23z"
        )
        + line("M40 44c8 6 12 16 12 28M35 47c6 6 9 14 9 24", 0.9)
        + line("M21 54l10 9M17 62l6 9M31 63l-9 8M31 63l8-19M22 71c8 8 18 12 31 11", 1)
        + dots((28, 53, 1.6), (15.8, 68, 1), (31, 63, 1.5))
        + soft("M31 36c-4-4-4-9-1-13 4 2 6 6 5 11z", 0.6, 1)
    )
    return court.banner + f'<g transform="rotate({court.lean:g} 40 80)">{horse}</g>'


def queen(court: Court) -> str:
    """A crowned figure in a wide gown under a round arch, the suit's object in her lap."""
    return (
        soft("M11 97V54a24 24 0 0 1 48 0v43z", 0.1)
        + court.throne
        + deep("M35 34c-9 0-11 6-11.5 13L21 66h28l-2.5-19C46 40 44 34 35 34z")
        + lift("M35 56c-8 0-11 4-12 9l-9 32h42l-9-32c-1-5-4-9-12-9z")
        + skin("M29 42c0-9 12-9 12 0 0 6-2 11-6 12-4-1-6-6-6-12z")
        + soft("M27 37l-2.5-9 5.5 3.5 5-8 5 8 5.5-3.5L43 37c-5-2-11-2-16 0z", 0.55)
        + eyes((32.5, 44.5, 0.9), (37.5, 44.5, 0.9))
        + dark("M33 49c1.5 1 2.5 1 4 0", 0.9)
        + at(35, 77, court.lap)
        + line("M24 66c0 8 3 12 7 14M46 66c0 8-3 12-7 14", 1.6)
    )


def king(court: Court) -> str:
    """A bearded figure in a heavy cloak on a square throne, the suit's object upright in one hand."""
    return (
        soft("M14 97V33h42v64z", 0.1)
        + line("M14 40h42", 0.9)
        + at(14, 33, court.finial)
        + at(56, 33, court.finial)
        + lift("M35 55c-13 0-18 4-19 11l-3 31h44l-3-31c-1-7-6-11-19-11z")
        + line("M29 60l2 37M41 60l-2 37", 1)
        + skin("M28.5 40h13v5c0 8-3 13-6.5 16-3.5-3-6.5-8-6.5-16z")
        + lift("M28.5 46c0 9 3 13 6.5 16 3.5-3 6.5-7 6.5-16-3 3-10 3-13 0z", 1)
        + soft("M27 39V25l4 5 4-8 4 8 4-5v14z", 0.55)
        + eyes((32.5, 43.3, 0.9), (37.5, 43.3, 0.9))
        + deep(circle(20, 77, 5.5))
        + line("M14.5 77h11M20 71.5v-4M18 69h4", 0.9)
        + at(51, 72, court.sceptre)
        + skin(circle(51, 78.5, 2.7), 0.9)
        + skin(circle(20, 84, 2.7), 0.9)
    )


_WAVES: Final = "M9 95c5-4 9-4 13 0s9 4 13 0 9-4 13 0 9 4 13 0"
_HILLS: Final = "M8 97c9-6 18-6 27-1 9-6 18-6 27 1"

WANDS: Final = Court(
    sign=wands.sign(),
    held=at(0, 50, wands.wand(72, True, 2.4)),
    sceptre=at(0, 22, wands.wand(48, True, 2.4)),
    lap=soft("M0-9c5 5 7 8 7 11a7 7 0 0 1-14 0c0-3 1-5 3-7 .6 2 1.6 3 3 3.6C-1-4-1-7 0-9z", 0.7),
    mane=soft(
        "M35 35c2-7 7-8 8-13 3 5 2 8 1 11 4-2 6-2 9-5 1 6-1 9-4 12 3-1 5 0 7-1 0 6-3 8-6 10 2 1 3"
        " 1 5 2-1 6-4 7-7 8l-8-16z",
        0.4,
    ),
    banner=at(12, 97, wands.wand(62), turn=-3) + solid(star(20, 27, 3, 1, 4)),
    ground=faint("M8 97l10-9 7 6 9-8 10 9 8-6 10 8", 0.7, 1),
    throne=solid(
        "".join(f"M{x} {y}c2.4 3 2.4 5 0 7-2.4-2-2.4-4 0-7z" for x, y in ((16, 34), (54, 34), (24, 25.5), (46, 25.5)))
    ),
    finial=soft("M0-9c3.5 4 3.5 7 0 9-3.5-2-3.5-5 0-9z", 0.6, 1),
    lean=9,
)
CUPS: Final = Court(
    sign=cups.sign(),
    held=at(0, -7, cups.cup(14)) + soft("M-4-20c2-5 8-5 10-1l3-2v5l-3-1c-3 4-8 3-10-1z", 0.6, 1),
    sceptre=at(0, -6, cups.cup(14)),
    lap=at(0, 0, deep(circle(0, -1, 11)) + cups.cup(13)),
    mane=soft("M36 35c6-6 12-5 13 0 6-1 8 4 6 8 5 2 5 8 1 11 4 4 2 9-1 11 2 5 0 8-3 9l-8-20z", 0.3),
    banner=at(16, 36, cups.cup(13)) + dots((11.5, 24, 1), (20.5, 24, 1), (16, 21.5, 1.2)),
    ground=line(_WAVES, 1),
    throne=line("M15 37c3-3 6-3 8 0M55 37c-3-3-6-3-8 0M29 30.5c2-3 4-3 6 0 2-3 4-3 6 0", 1)
    + dots((17, 29, 1.2), (53, 29, 1.2)),
    finial=soft("M0-9c3 4 4 5 4 7a4 4 0 0 1-8 0c0-2 1-3 4-7z", 0.6, 1),
    lean=4,
)
SWORDS: Final = Court(
    sign=swords.sign(),
    held=at(0, 2, swords.sword(26, 1.2), turn=10),
    sceptre=at(0, 4, swords.sword(40, 1.2)),
    lap=at(0, 9, swords.sword(32, 1.2)),
    mane=soft(
        "M35 37c6-6 12-8 20-8-3 3-5 5-7 6 4 0 7 1 10 4-4 1-6 1-8 2 4 2 6 4 8 9-4-1-6-2-8-2 3 4 4 7 4 12l-9-10z", 0.3
    ),
    banner=at(13, 54, swords.sword(29, 1.2), turn=10) + faint("M42 25h15M46 30h12", 0.8, 1),
    ground=faint("M8 96h54M12 89h10M48 90h12", 0.8, 1),
    throne=soft(
        "M17 36c-4-4-7-1-4 3 1 2 3 1 4-3 4-4 7-1 4 3-1 2-3 1-4-3z"
        "M53 36c-4-4-7-1-4 3 1 2 3 1 4-3 4-4 7-1 4 3-1 2-3 1-4-3z",
        0.6,
        0.9,
    ),
    finial=line("M0 0v-9M-3-5.5h6", 1.4),
    lean=8,
)
PENTACLES: Final = Court(
    sign=pentacles.sign(),
    held=at(0, -9, pentacles.coin(8.5)),
    sceptre=at(0, -6, pentacles.coin(8.5)),
    lap=pentacles.coin(9.5),
    mane=line("M37 36c4-4 8-4 9 1 5-2 9 1 8 6 5 0 7 5 5 9 4 2 4 7 1 10 3 3 2 8-1 10 2 4 1 7-1 9", 3.2)
    + dots((46, 37, 1.4), (54, 43, 1.4), (59, 52, 1.4), (60, 62, 1.4)),
    banner=at(17, 35, pentacles.coin(9)),
    ground=faint(_HILLS, 0.9, 1) + soft("M13 92c-4-1-5-4-4-7 3 1 5 3 4 7zM58 92c4-1 5-4 4-7-3 1-5 3-4 7z", 0.5, 0.9),
    throne=soft(
        "M15 38c-4-1-5-5-4-8 4 1 5 4 4 8zM55 38c4-1 5-5 4-8-4 1-5 4-4 8z"
        "M22 30c-3-2-3-6-1-9 3 2 4 6 1 9zM48 30c3-2 3-6 1-9-3 2-4 6-1 9z",
        0.5,
        0.9,
    ),
    finial=soft("M0 0c-5-3-5-7-1-9 1 2 1 2 1 3 0-1 0-1 1-3 4 2 4 6-1 9z", 0.6, 1),
    lean=0,
)

FIGURES: Final[tuple[Callable[[Court], str], ...]] = (page, knight, queen, king)


def head(court: Court) -> str:
    """In the place of a numeral."""
    return at(35, 13.5, court.sign)
