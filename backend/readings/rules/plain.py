"""A model's words as plain text: no marks of a markup language, no signs that turn or hide text."""

from __future__ import annotations

import unicodedata
from typing import Final

_MARKS: Final = frozenset("*`#")
_JOINERS: Final = frozenset("\n\u200c\u200d")  # joiners belong to words of some scripts
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(piece: str) -> str:
    """The piece without what is no text. Works piece by piece: no mark is longer than a sign."""
    return "".join(
        char for char in piece if char in _JOINERS or (char not in _MARKS and unicodedata.category(char) not in _HIDDEN)
    )
