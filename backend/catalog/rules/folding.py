"""The one fold of the search: documents and queries become the same plain words, whatever the script and the marks."""

from __future__ import annotations

import re
from typing import Final

from backend.kernel.folding import plain_letters, ungrouped

FOLD_VERSION: Final = 3
"""Counted up with every change of ``fold`` or of what a document has: stored documents are then made again."""
FLAG: Final = "@"
"""Before the letters of a country whose flag was written."""
_LONGEST_WORD: Final = 40
_REGIONAL_A: Final = 0x1F1E6

_FLAGS: Final = re.compile("([\U0001f1e6-\U0001f1ff])([\U0001f1e6-\U0001f1ff])")
# Letters apart from digits: "office2021" is two words.
_WORDS: Final = re.compile(rf"{FLAG}[a-z]{{2}}|[0-9]+|[^\W\d_]+")
_ARTICLE: Final = "ال"
_SHORTEST_STEM: Final = 3


def fold(text: str) -> list[str]:
    """The words of a text in their order, folded: small letters without marks, digits 0 to 9, a flag as ``@tr``."""
    if not text.isascii():
        text = _FLAGS.sub(_flag, ungrouped(text))
    return [word[:_LONGEST_WORD] for word in _WORDS.findall(ungrouped(plain_letters(text)))]


def without_article(word: str) -> str | None:
    """An Arabic word without its article; None for a word that has none."""
    bare = word.removeprefix(_ARTICLE)
    return bare if bare != word and len(bare) >= _SHORTEST_STEM else None


def flag(country: str) -> str:
    """The word that a country's flag is folded to."""
    return FLAG + country.lower()


def _flag(match: re.Match[str]) -> str:
    letters = "".join(chr(ord(sign) - _REGIONAL_A + ord("a")) for sign in match.groups())
    return f" {flag(letters)} "
