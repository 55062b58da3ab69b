"""Questions as people type them: cleaned, harmless to a model, and looked at for what needs care."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import cache
from typing import Final

from backend.kernel.folding import plain_letters
from backend.kernel.text import fold, visible
from backend.readings.deck.cards import LANGUAGES, data

LONGEST_QUESTION: Final = 300
"""Signs that a person may ask in."""
_MOST_MARKS: Final = 2
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_PILED: Final = re.compile(r"([\u0300-\u036f\u0483-\u0489\u0610-\u061a\u064b-\u065f\u0670\u20d0-\u20ff])")
_TAGS: Final = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "`": "'"})
_MARKERS: Final = re.compile(r"\[\s*(/?\s*[A-Z_]{3,})\s*\]")


class Concern(StrEnum):
    """What a question needs care for. Distress comes first, whatever else it is about."""

    NONE = "none"
    HEALTH = "health"
    LAW = "law"
    MONEY = "money"
    DISTRESS = "distress"


_ORDER: Final = (Concern.DISTRESS, Concern.HEALTH, Concern.LAW, Concern.MONEY)


def clean(text: str) -> str:
    """The question in one line, without signs that show as nothing, turn the text or pile up on a letter.

    It isn't cut: whether it is longer than LONGEST_QUESTION is for the caller to say. Text that is absurdly long is
    read up to forty times that, so that cleaning it costs nothing.
    """
    shown = visible(text[: LONGEST_QUESTION * 40])
    plain = "".join(" " if unicodedata.category(sign) in _NO_TEXT else sign for sign in shown)
    return fold(_unpiled(unicodedata.normalize("NFC", plain)))


def _unpiled(text: str) -> str:
    signs: list[str] = []
    marks = 0
    for sign in text:
        marks = marks + 1 if _PILED.match(sign) else 0
        if marks <= _MOST_MARKS:
            signs.append(sign)
    return "".join(signs)


def for_model(question: str) -> str:
    """The question without signs that a model's server could take for a tag, a turn or a block of code."""
    return _MARKERS.sub(r"(\1)", question.translate(_TAGS).replace("|", "¦"))


def concern_of(question: str) -> Concern:
    """What a question needs care for, by word lists in all languages, whichever it is written in."""
    plain = plain_letters(fold(visible(question))).replace("’", "'")
    harmless = _patterns()["harmless"].sub(" ", plain)
    return next((concern for concern in _ORDER if _patterns()[concern].search(harmless)), Concern.NONE)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """The lists of all languages; each line is a regular expression on plain letters that begins at a word."""
    lists: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for name, lines in data(f"{language}/concerns.toml").items():
            lists.setdefault(name, []).extend(plain_letters(line) for line in lines)
    return {name: re.compile(r"(?<!\w)(?:" + "|".join(lines) + ")") for name, lines in lists.items()}
