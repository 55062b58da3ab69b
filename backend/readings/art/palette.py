"""Colours of the deck by day and by night: gold on ten hues, those of the app's wheel under Telegram's own accent."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from backend.readings.types.pictures import Palette


class Hue(StrEnum):
    """The colour that a card's ground is mixed from."""

    BLUE = "blue"
    INDIGO = "indigo"
    VIOLET = "violet"
    PINK = "pink"
    RED = "red"
    ORANGE = "orange"
    AMBER = "amber"
    GREEN = "green"
    TEAL = "teal"
    GREY = "grey"


class Inks(NamedTuple):
    """What a card is drawn with: the ground from top to bottom, what lies in front and behind, and the gold."""

    top: str
    bottom: str
    lift: str
    deep: str
    gold: str


_GOLD: Final = {Palette.DAY: "#f6dfa3", Palette.NIGHT: "#e9ca89"}
# In OKLCH, lightness is the same for all hues. By day: top .45, bottom .26, lift .535, deep .2; by night: .335, .18,
# .43, .14; chroma is as large as sRGB has it, up to .17.
_GROUNDS: Final[dict[Hue, tuple[tuple[str, str, str, str], tuple[str, str, str, str]]]] = {
    Hue.BLUE: (("#0051ac", "#002056", "#1c6acd", "#00123f"), ("#003375", "#000e36", "#0a4d9d", "#000721")),
    Hue.INDIGO: (("#4f40aa", "#21115b", "#6559ca", "#14093e"), ("#322577", "#100635", "#4a3e9a", "#080420")),
    Hue.VIOLET: (("#6f3593", "#35094c", "#894db1", "#220433"), ("#4a1d65", "#1c032b", "#663586", "#10021a")),
    Hue.PINK: (("#8e2956", "#480025", "#ad406e", "#300017"), ("#611237", "#280012", "#832a51", "#180109")),
    Hue.RED: (("#982421", "#4e0000", "#b83d36", "#340000"), ("#690c0d", "#2c0000", "#8b2723", "#1b0001")),
    Hue.ORANGE: (("#8a3900", "#431200", "#ac4e11", "#2f0500"), ("#5d2200", "#280300", "#823600", "#180300")),
    Hue.AMBER: (("#744c00", "#351e00", "#926206", "#251000"), ("#4c3000", "#200c00", "#6d4700", "#120600")),
    Hue.GREEN: (("#01672d", "#002e0d", "#238142", "#001e04"), ("#004418", "#001902", "#10602d", "#000e02")),
    Hue.TEAL: (("#006266", "#002b2d", "#057d82", "#001b1d"), ("#003f42", "#001719", "#025b5f", "#000d0e")),
    Hue.GREY: (("#505561", "#20242c", "#676d7a", "#13161c"), ("#323740", "#0f1217", "#4b505a", "#08090c")),
}


def inks(hue: Hue, palette: Palette) -> Inks:
    """The colours of a hue in a palette."""
    day, night = _GROUNDS[hue]
    return Inks(*(day if palette is Palette.DAY else night), _GOLD[palette])
