"""The 78 cards: what each is, and its names and meanings in each language. Data beside this file, read once."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources
from itertools import chain, repeat
from typing import Any, Final

import msgspec

from backend.kernel.text import Locale

LANGUAGES: Final = tuple(item.value for item in Locale)


class Suit(StrEnum):
    """The major arcana, and the four suits of the minor."""

    MAJOR = "major"
    WANDS = "wands"
    CUPS = "cups"
    SWORDS = "swords"
    PENTACLES = "pentacles"


class Element(StrEnum):
    """Which element a card belongs to."""

    FIRE = "fire"
    WATER = "water"
    AIR = "air"
    EARTH = "earth"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card of the deck, in every language the same.

    ``number`` is 0 to 21 in the major arcana, 1 (ace) to 14 (king) in a suit; ``tone`` is 1 for a light card, -1 for a
    heavy one, else 0; ``keywords`` are English, for prompts.
    """

    id: int
    slug: str
    suit: Suit
    number: int
    element: Element
    keywords: tuple[str, ...]
    tone: int


class CardText(msgspec.Struct, frozen=True):
    """What a card says in one language.

    A gist is a noun phrase that can follow a colon; an advice is one sentence.
    """

    name: str
    gist: str
    gist_reversed: str
    upright: str
    reversed: str
    advice: str


_SUITS: Final = tuple(Suit)
_FIRE, _WATER, _AIR, _EARTH = Element
_BY_SUIT: Final = {Suit.WANDS: _FIRE, Suit.CUPS: _WATER, Suit.SWORDS: _AIR, Suit.PENTACLES: _EARTH}
# By the planet or the sign that each of the major arcana has in the Golden Dawn's system.
_OF_MAJORS: Final = (
    _AIR, _AIR, _WATER, _EARTH, _FIRE, _EARTH, _AIR, _WATER, _FIRE, _EARTH, _FIRE,
    _AIR, _WATER, _WATER, _FIRE, _EARTH, _FIRE, _AIR, _WATER, _FIRE, _FIRE, _EARTH,
)  # fmt: skip
_MAJORS: Final = len(_OF_MAJORS)
_RANKS: Final = 14


def data(name: str) -> dict[str, Any]:
    """A data file of the deck, by its path below this folder."""
    return tomllib.loads(resources.files(__package__).joinpath(*name.split("/")).read_text(encoding="utf-8"))


@cache
def cards() -> tuple[Card, ...]:
    """All 78 cards; a card's id is its place."""
    return tuple(_card(index, slug, about) for index, (slug, about) in enumerate(data("cards.toml").items()))


def _card(index: int, slug: str, about: dict[str, Any]) -> Card:
    suit = Suit.MAJOR if index < _MAJORS else _SUITS[1 + (index - _MAJORS) // _RANKS]
    return Card(
        id=index,
        slug=slug,
        suit=suit,
        number=index if index < _MAJORS else (index - _MAJORS) % _RANKS + 1,
        element=_OF_MAJORS[index] if index < _MAJORS else _BY_SUIT[suit],
        keywords=tuple(about["keywords"]),
        tone=about["tone"],
    )


def known(language: str) -> str:
    """The language itself if the deck speaks it, else English."""
    return Locale.closest(language).value


@cache
def _names(language: str) -> tuple[tuple[str, str], ...]:
    """The name of each card, and its name when it lies upside down."""
    words = data(f"{language}/names.toml")
    patterns: dict[str, str] = words["reversed"]
    majors = zip(words["majors"], words.get("genders_of_majors", repeat("any")), strict=False)
    ranks = list(zip(words["ranks"], words.get("genders_of_ranks", repeat("any")), strict=False))
    minors = ((f"{rank} {words[suit]}", gender) for suit in _SUITS[1:] for rank, gender in ranks)
    return tuple((name, patterns[gender].format(name=name)) for name, gender in chain(majors, minors))


def card_name(card: int, language: str, *, upside_down: bool = False) -> str:
    """A card's name, marked as reversed if it lies ``upside_down``; English for languages the deck does not speak."""
    return _names(known(language))[card][upside_down]


@cache
def _texts(language: str) -> tuple[CardText, ...]:
    names = _names(language)
    texts = [text for suit in _SUITS for text in data(f"{language}/{suit}.toml").items()]
    by_slug = {slug: CardText(name=names[index][0], **text) for index, (slug, text) in enumerate(texts)}
    return tuple(by_slug[card.slug] for card in cards())


def card_text(card: int, language: str) -> CardText:
    """What a card says in a language; in English for languages the deck does not speak."""
    return _texts(known(language))[card]


def meaning(card: int, upside_down: bool, language: str) -> str:
    """What a card says as it lies."""
    text = card_text(card, language)
    return text.reversed if upside_down else text.upright
