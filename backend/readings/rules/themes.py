"""What a question is about, and what kind of question it is: by word lists in all languages, on plain letters."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from backend.kernel.folding import plain_letters
from backend.kernel.text import fold
from backend.readings.deck.cards import LANGUAGES, data


class Theme(StrEnum):
    """What a question is about; the values name phrases."""

    LOVE = "love"
    WORK = "work"
    MONEY = "money"
    HEALTH = "health"
    HOME = "home"
    STUDY = "study"
    DECISION = "decision"
    SELF = "self"
    NONE = "none"


class Kind(StrEnum):
    """What a question wants to hear."""

    YES_NO = "yes-no"
    WHEN = "when"
    WHO = "who"
    WHY = "why"
    HOW = "how"
    WHAT = "what"


# A theme of life outweighs the form of the question: "Should I quit my job?" is about work.
_WEIGHTS = {Theme.DECISION: 2, Theme.SELF: 2}
_WEIGHT = 3
# Arabic writes "and", "in", "for" and "the" as one with the word.
_BEFORE = "(?<!\\w)(?:[وف]?(?:ال|لل|بال|كال|[بلك])?)"


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    words: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for name, stems in data(f"{language}/themes.toml").items():
            words.setdefault(name, []).extend(stems)
    return {name: re.compile(_BEFORE + "(?:" + "|".join(map(_stem, stems)) + ")") for name, stems in words.items()}


def _stem(stem: str) -> str:
    """A beginning of words; a whole one if it ends with a space."""
    plain = re.escape(plain_letters(stem.strip()))
    return rf"{plain}(?!\w)" if stem.endswith(" ") else plain


def theme_of(question: str) -> Theme:
    """What a question is about; none if it does not show."""
    plain = plain_letters(fold(question))
    scores = {
        theme: len({match.group() for match in _patterns()[theme].finditer(plain)}) * _WEIGHTS.get(theme, _WEIGHT)
        for theme in Theme
        if theme is not Theme.NONE
    }
    best = max(scores, key=lambda theme: scores[theme])
    return best if scores[best] else Theme.NONE


def kind_of(question: str) -> Kind:
    """What kind of question it is, by how the sentences that ask begin."""
    asked = [part.strip() for part in re.split(r"(?<=[.!?\u061f])\s+", plain_letters(fold(question)))]
    asked = [part for part in asked if part.endswith(("?", "\u061f"))] or asked[-1:]
    for kind in (Kind.WHEN, Kind.WHO, Kind.WHY, Kind.HOW, Kind.YES_NO):
        if any(_patterns()[kind].match(part) for part in asked):
            return kind
    # Russian and spoken Arabic ask for a yes or a no without any word for it.
    is_bare = all(part.endswith(("?", "\u061f")) and not _patterns()[Kind.WHAT].search(part) for part in asked)
    return Kind.YES_NO if asked and is_bare else Kind.WHAT
