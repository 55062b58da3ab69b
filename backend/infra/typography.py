"""What documents print of texts that people typed: what falls away, what fonts can draw, where lines may break."""

from __future__ import annotations

import io
import unicodedata
from typing import Final

from backend.infra.fonts import faces
from backend.kernel.text import visible

_NON_JOINER: Final = "\u200c"
_JOINER: Final = "\u200d"
_BREAK: Final = "\u200b"
_JOINERS: Final = frozenset(_NON_JOINER + _JOINER)
"""Invisible, but letters look otherwise with them: علی‌رضا."""
_MOST_MARKS: Final = 3
"""On one letter: Arabic has two, Vietnamese two, and more would cover the lines above."""
_LONGEST_WORD: Final = 32
_PART: Final = 20
"""So many letters of a longer word stay together on a line."""
_ARABIC: Final = "ARABIC"


def clean(typed: str) -> str:
    """One line without controls, marks of direction and more than three accents on a letter, with single spaces."""
    signs: list[str] = []
    marks = 0
    for sign in unicodedata.normalize("NFC", typed):
        if sign.isspace():
            signs.append(" ")
        elif sign in _JOINERS or (unicodedata.category(sign)[0] != "C" and visible(sign)):
            marks = marks + 1 if unicodedata.category(sign)[0] == "M" else 0
            if marks <= _MOST_MARKS:
                signs.append(sign)
    return " ".join(
        word.strip(_NON_JOINER + _JOINER) for word in "".join(signs).split() if word.strip(_NON_JOINER + _JOINER)
    )


def unprintable(text: str) -> str:
    """The signs of a text that the fonts can't draw, each once, in their order; empty for none."""
    return "".join(dict.fromkeys(sign for cluster in _clusters(text) if not _is_drawn(cluster) for sign in cluster))


def printable(text: str) -> str:
    """A text without what the fonts can't draw, such as the emoji of a course's title."""
    cleaned = clean(text)
    return " ".join("".join(cluster for cluster in _clusters(cleaned) if _is_drawn(cluster)).split())


def breakable(text: str) -> str:
    """A text in which words of more than 32 letters may go on in the next line, Arabic ones still joined."""
    return " ".join(_broken(word) if len(word) > _LONGEST_WORD else word for word in text.split(" "))


def direction(text: str) -> str:
    """``rtl`` or ``ltr``, by the first letter that has one."""
    for sign in text:
        kind = unicodedata.bidirectional(sign)
        if kind in {"L", "R", "AL"}:
            return "ltr" if kind == "L" else "rtl"
    return "ltr"


def qr_code(text: str) -> str:
    """A QR code as SVG, black on nothing."""
    import segno  # noqa: PLC0415 - only who prints needs it

    drawn = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(
        drawn, kind="svg", border=0, xmldecl=False, omitsize=True, nl=False
    )
    return drawn.getvalue().decode()


def _clusters(text: str) -> list[str]:
    """Letters, each with its marks: one font must have both."""
    clusters: list[str] = []
    for sign in text:
        if clusters and unicodedata.category(sign)[0] == "M":
            clusters[-1] += sign
        else:
            clusters.append(sign)
    return clusters


def _is_drawn(cluster: str) -> bool:
    return any(all(ord(sign) in face for sign in cluster) for face in faces())


def _broken(word: str) -> str:
    parts: list[str] = []
    for number, cluster in enumerate(_clusters(word)):
        if number and number % _PART == 0:
            joined = unicodedata.name(cluster[0], "").startswith(_ARABIC)
            parts.append(_JOINER + _BREAK + _JOINER if joined else _BREAK)
        parts.append(cluster)
    return "".join(parts)
