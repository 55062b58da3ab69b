"""The phrases that readings are composed of, and the choice among them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from backend.readings.deck.cards import data

_FILES: Final = ("places", "turns", "openings", "suits", "links", "numbers", "together", "closings", "followups", "cut")


@cache
def phrases(language: str) -> dict[str, dict[str, Any]]:
    """All phrases of a language that the deck speaks, by the file they are in."""
    return {name: data(f"{language}/{name}.toml") for name in _FILES}


class Chooser:
    """Chooses among phrasings: the same ones for the same seed, and none of them twice."""

    def __init__(self, *seed: object) -> None:
        self._seed = repr(seed).encode()
        self._turn = 0
        self._said: set[str] = set()

    def number(self, below: int) -> int:
        """A number from 0 up to ``below``, without it."""
        self._turn += 1
        digest = hashlib.sha256(self._seed + self._turn.to_bytes(4, "big")).digest()
        return int.from_bytes(digest[:8], "big") % below

    def pick(self, options: Sequence[str]) -> str:
        """One of the options that was not picked before; empty if there is none left."""
        free = [option for option in options if option not in self._said]
        if not free:
            return ""
        choice = free[self.number(len(free))]
        self._said.add(choice)
        return choice

    def ordered(self, items: Iterable[str]) -> list[str]:
        """The items in an order of the seed's."""
        left = list(items)
        return [left.pop(self.number(len(left))) for _ in range(len(left))]


_AND: Final = {"en": (", ", " and "), "ru": (", ", " и "), "ar": ("، ", " و")}
_BARE: Final = frozenset({"Strength", "Justice", "Death", "Temperance", "Judgement"})


def inline(name: str, language: str) -> str:
    """A card's name within a sentence, where it is never inflected."""
    if language != "en":
        return f"«{name}»"
    return name if name in _BARE else f"the {name.removeprefix('The ')}"


def listed(names: Sequence[str], language: str) -> str:
    """Several names as a list within a sentence."""
    comma, last = _AND[language]
    return last.join([comma.join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def percent(share: float, language: str) -> str:
    """A share as percent, with one decimal, as the language writes it."""
    text = f"{share * 100:.1f}"
    return f"{text.replace('.', ',')}\u00a0%" if language == "ru" else f"{text}%"
