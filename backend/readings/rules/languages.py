"""Whether a text is in the language that was asked for, by its letters."""

from __future__ import annotations

import unicodedata
from typing import Final

LETTERS: Final = 200
"""So many letters decide."""
_GLANCE: Final = 12
_SCRIPTS: Final = {"en": "LATIN", "ar": "ARABIC", "ru": "CYRILLIC"}


def _share(text: str, language: str) -> tuple[int, float]:
    """How many of the first letters were looked at, and which share of them is of the language's script."""
    script = _SCRIPTS.get(language, _SCRIPTS["en"])
    letters = [char for char in text if unicodedata.category(char) in {"Lu", "Ll", "Lo", "Lt"}][:LETTERS]
    if not letters:
        return 0, 1.0
    own = sum(unicodedata.name(char, "").startswith(script) for char in letters)
    return len(letters), own / len(letters)


def fits(text: str, language: str) -> bool:
    """Whether the first letters of a text are mostly of the language's script."""
    return _share(text, language)[1] >= 0.5


class LanguageCheck:
    """Lets a text through as it comes; holds back what begins in another script until that is sure, or was a name."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._held = ""
        self._seen = ""
        self.wrong = False

    def feed(self, piece: str) -> str:
        """What may be shown now; nothing any more once the language is ``wrong``."""
        if len(self._seen) < LETTERS * 4:
            self._seen += piece
        count, share = _share(self._seen, self._language)
        self._held += piece
        if count >= LETTERS and share < 0.5:
            self.wrong = True
        if self.wrong or (share < 0.5 and count < LETTERS) or (not count and len(self._held) < _GLANCE):
            return ""
        held, self._held = self._held, ""
        return held

    def rest(self) -> str:
        """What was held back of a text that has ended; nothing if it is ``wrong``."""
        self.wrong = self.wrong or not fits(self._seen, self._language)
        held, self._held = self._held, ""
        return "" if self.wrong else held
