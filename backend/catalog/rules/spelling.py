"""Other readings of a word that finds too little: another keyboard, another script, a typing error."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Final

from backend.catalog.rules.folding import FLAG

# The same keys of the three keyboards: US, ЙЦУКЕН, Arabic 101. The key "b" of the last writes two letters.
_LATIN: Final = "`qwertyuiop[]asdfghjkl;'zxcvnm,."
_RUSSIAN: Final = "ёйцукенгшщзхъфывапролджэячсмтьбю"
_ARABIC: Final = "ذضصثقفغعهخحجدشسيبلاتنمكطئءؤرىةوز"
_LAM_ALEF: Final = "لا"
_TO_RUSSIAN: Final = str.maketrans(_LATIN + "b", _RUSSIAN + "и")
_TO_ARABIC: Final = str.maketrans({**dict(zip(_LATIN, _ARABIC, strict=True)), "b": _LAM_ALEF})
_FROM_RUSSIAN: Final = str.maketrans(_RUSSIAN + "и", _LATIN + "b")
_FROM_ARABIC: Final = str.maketrans(_ARABIC, _LATIN)


def other_keyboards(typed: str) -> list[str]:
    """What the same keys would have written on the keyboards of the other languages."""
    typed = typed.lower()
    if re.search("[a-z]", typed):
        return [typed.translate(_TO_RUSSIAN), typed.translate(_TO_ARABIC)]
    if re.search("[а-яё]", typed):
        return [typed.translate(_FROM_RUSSIAN)]
    if re.search("[\u0621-\u064a]", typed):
        return [typed.replace(_LAM_ALEF, "b").translate(_FROM_ARABIC)]
    return []


# How a word sounds, in capitals for consonants only: brands keep these in every script. Arabic has no p and no v, and
# writes g in three ways, so these sounds are one.
_SOUNDS: Final = {
    "tion": "SN", "sch": "S", "sh": "S", "ch": "S", "kh": "H", "zh": "K", "ph": "F", "th": "T", "ck": "K", "ts": "TS",
    "x": "KS", "b": "B", "p": "B", "v": "F", "f": "F", "w": "F", "g": "K", "k": "K", "q": "K", "c": "K", "j": "K",
    "z": "S", "s": "S", "d": "D", "t": "T", "l": "L", "m": "M", "n": "N", "r": "R", "h": "H",
    "дж": "K", "кс": "KS", "б": "B", "п": "B", "в": "F", "ф": "F", "г": "K", "к": "K", "х": "H", "ж": "K", "з": "S",
    "с": "S", "ш": "S", "щ": "S", "ч": "S", "ц": "TS", "д": "D", "т": "T", "л": "L", "м": "M", "н": "N", "р": "R",
    "تش": "S", "ب": "B", "پ": "B", "ف": "F", "ڤ": "F", "ك": "K", "ق": "K", "غ": "K", "ج": "K", "ز": "S", "س": "S",
    "ش": "S", "ص": "S", "ظ": "S", "ذ": "S", "ث": "S", "ض": "D", "د": "D", "ت": "T", "ط": "T", "ل": "L", "م": "M",
    "ن": "N", "ر": "R", "ه": "H", "ح": "H", "خ": "H",
}  # fmt: skip
_SOUND: Final = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_DOUBLED: Final = re.compile(r"(.)\1+")
_SHORTEST_SOUND: Final = 3
_SCRIPTS: Final = {"cyrillic": ("\u0400", "\u052f"), "arabic": ("\u0600", "\u06ff")}


def sound(word: str) -> str:
    """The consonants of a folded word as they sound in any of the three scripts; empty where they say too little."""
    heard = "".join(_SOUNDS[part] for part in _SOUND.findall(_DOUBLED.sub(r"\1", word)))
    return heard if len(heard) >= _SHORTEST_SOUND else ""


def errors_allowed(word: str) -> int:
    """How many typing errors a word may have: the longer, the more; a number has none."""
    if word.isdigit() or len(word) < 3:
        return 0
    return 1 if len(word) < 7 else 2


class Dictionary:
    """The catalogue's own words, by script and length, to which typing errors are mended.

    Numbers and flags are left out: no error makes a word of them. Words of two scripts have no letter in common, so
    that more errors than are forgiven lie between them.
    """

    def __init__(self) -> None:
        self._words: dict[tuple[str, int], list[str]] = {}
        self._beginnings: dict[tuple[str, int], dict[str, None]] = {}

    def add(self, words: Iterable[str]) -> None:
        """Learn new words."""
        for word in words:
            if not word.isdigit() and not word.startswith(FLAG):
                self._words.setdefault((_script(word), len(word)), []).append(word)
                self._begin(word)

    def mend(self, word: str, most: int) -> list[str]:
        """The known words that ``word`` may have been meant to be, the nearest first, at most ``most``."""
        allowed = errors_allowed(word)
        # Three letters are three quarters of a word: one may be missing, none may be wrong.
        shortest = len(word) + 1 if len(word) == 3 else len(word) - allowed
        keys = itertools.product(_comparable(word), range(shortest, len(word) + allowed + 1))
        return _nearest(word, [one for key in keys for one in self._words.get(key, ())], allowed, most)

    def mend_beginning(self, word: str, most: int) -> list[str]:
        """The beginnings of longer words that ``word``, which is still being typed, may have been meant to be."""
        length = len(word)
        if length < 4:
            return []
        choices: list[str] = []
        for script in _comparable(word):
            if (script, length) not in self._beginnings:
                longer = (words for (of, at), words in self._words.items() if of == script and at > length)
                begun = (one[:length] for words in longer for one in words)
                self._beginnings[script, length] = dict.fromkeys(begun)
            choices += self._beginnings[script, length]
        return _nearest(word, choices, errors_allowed(word), most)

    def _begin(self, word: str) -> None:
        """Put the beginnings of a new word to those that were asked for before."""
        for (script, length), begun in self._beginnings.items():
            if length < len(word) and script == _script(word):
                begun[word[:length]] = None


def _script(word: str) -> str:
    """The script of all letters of a folded word; empty where they are of several, or of another one."""
    if word.isascii():
        return "latin"
    first, last = min(word), max(word)
    return next((name for name, (begin, end) in _SCRIPTS.items() if begin <= first and last <= end), "")


def _comparable(word: str) -> tuple[str, ...]:
    """The scripts whose words may have a letter in common with ``word``."""
    script = _script(word)
    return (script, "") if script else ("latin", *_SCRIPTS, "")


def _nearest(word: str, choices: list[str], allowed: int, most: int) -> list[str]:
    from rapidfuzz import process  # noqa: PLC0415 - only a search that finds too little needs it
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    if not allowed or not choices:
        return []
    near = process.extract(word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=most * 4)
    near.sort(key=lambda candidate: (candidate[1], candidate[0][:1] != word[:1], candidate[0]))
    return [candidate for candidate, _, _ in near if candidate != word][:most]
