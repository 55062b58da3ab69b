"""Tiles for products and people without a picture: an initial on a colour."""

from __future__ import annotations

import zlib
from typing import Final, get_args

from webapp.core.parts import Hue

_HUES: Final[tuple[Hue, ...]] = tuple(hue for hue in get_args(Hue) if hue != "grey")


def hue_of(subject: str) -> Hue:
    """A colour that stays the same for the same id."""
    return _HUES[zlib.crc32(subject.encode()) % len(_HUES)]


def initial_of(name: str) -> str:
    """The first letter or digit, upper case; a dot where there is none."""
    return next((letter.upper() for letter in name if letter.isalnum()), "·")
