"""The one fold of the search: documents and queries become the same plain words, whatever the script and the marks."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from backend.kernel.text import ascii_digits, visible

FOLD_VERSION: Final = 2
"""Counted up with every change of ``fold`` or of what a document has: stored documents are then made again."""
FLAG: Final = "@"
"""Before the letters of a country whose flag was written."""
_LONGEST_WORD: Final = 40
_REGIONAL_A: Final = 0x1F1E6
_REMEMBERED: Final = 0x3000

_GROUPED: Final = re.compile("(?<=[0-9])[,'\u00a0\u202f\u2009\u066c](?=[0-9]{3}(?![0-9]))")
_FLAGS: Final = re.compile("([\U0001f1e6-\U0001f1ff])([\U0001f1e6-\U0001f1ff])")
# Letters apart from digits: "office2021" is two words.
_WORDS: Final = re.compile(rf"{FLAG}[a-z]{{2}}|[0-9]+|[^\W\d_]+")
# Letters that are written for one another and that no decomposition joins.
_ALIKE: Final = {
    **dict.fromkeys("ىی", "ي"), **dict.fromkeys("ةہ", "ه"), **dict.fromkeys("کگ", "ك"), "ٱ": "ا", "ـ": "",
    "ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe",
}  # fmt: skip
_ARTICLE: Final = "ال"
_SHORTEST_STEM: Final = 3


class _Plain(dict[int, str]):
    """For str.translate: marks become nothing, digits of every script 0 to 9, letters that are alike one."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        plain = "" if unicodedata.category(sign) == "Mn" else ascii_digits(visible(_ALIKE.get(sign, sign)))
        if code < _REMEMBERED:
            self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def fold(text: str) -> list[str]:
    """The words of a text in their order, folded: small letters without marks, digits 0 to 9, a flag as ``@tr``."""
    if not text.isascii():
        text = _FLAGS.sub(_flag, _GROUPED.sub("", text))
        # Letters and their marks apart, so that أ is ا, ё is е and é is e however they were written.
        text = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN)
    return [word[:_LONGEST_WORD] for word in _WORDS.findall(_GROUPED.sub("", text.lower()))]


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
