"""What the picture of a shared reading says, as template/share.typ takes it."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.infra.typography import breakable, direction, printable, qr_code
from backend.readings.art import card_svg
from backend.readings.rules.questions import LONGEST_QUESTION
from backend.readings.types.pictures import Palette, SharedCard, SharedReading

_LONGEST_SENTENCE: Final = 240
_LONGEST_NAME: Final = 80
_LONGEST_LABEL: Final = 40
_LONGEST_ADDRESS: Final = 60


class Words(msgspec.Struct, frozen=True):
    """A text, and the direction of its own script."""

    text: str
    dir: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card; ``picture`` is an index of the picture among those of the page."""

    picture: int
    reversed: bool
    name: Words
    orientation: Words
    position: Words


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """The data of template/share.typ. ``pictures`` and ``qr`` are SVG."""

    lang: str
    dir: str
    title: str
    spread: Words
    question: Words
    sentence: Words
    cards: tuple[Card, ...]
    pictures: tuple[str, ...]
    shop: Words
    address: str
    qr: str


def shared(reading: SharedReading) -> Shared:
    """What is printed: without signs that no font has, cut where it is too long to read."""
    return Shared(
        lang=reading.locale.value,
        dir=reading.locale.direction,
        title=printable(reading.spread),
        spread=_words(reading.spread, _LONGEST_NAME),
        question=_words(reading.question, LONGEST_QUESTION),
        sentence=_words(reading.sentence, _LONGEST_SENTENCE),
        cards=tuple(_card(at, card) for at, card in enumerate(reading.cards)),
        # The ground of the picture is dark: the brighter palette stands out from it.
        pictures=tuple(card_svg(card.drawn.card, Palette.DAY) for card in reading.cards),
        shop=_words(reading.shop, _LONGEST_NAME),
        address=printable(reading.address)[:_LONGEST_ADDRESS],
        qr=qr_code(reading.link) if reading.link else "",
    )


def _card(at: int, card: SharedCard) -> Card:
    return Card(
        picture=at,
        reversed=card.drawn.reversed,
        name=_words(card.name, _LONGEST_LABEL),
        orientation=_words(card.orientation, _LONGEST_LABEL),
        position=_words(card.position, _LONGEST_LABEL),
    )


def _words(text: str, longest: int) -> Words:
    drawn = printable(text)
    if len(drawn) > longest:
        drawn = drawn[:longest].rsplit(" ", 1)[0].rstrip(" ,.;:،؛") + "…"
    return Words(breakable(drawn), direction(drawn))
