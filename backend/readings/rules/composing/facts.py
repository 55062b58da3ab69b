"""What can be said of a spread that lies on the table: moods, elements, what repeats, what is rare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb
from typing import Final

import msgspec

from backend.kernel.text import Locale, pick
from backend.readings.deck.cards import Card, CardText, Element, Suit, card_text, cards, known
from backend.readings.rules.composing.phrases import inline
from backend.readings.types import DrawnCard, Position, SpreadBody

RARE: Final = 0.05
_FRIENDS: Final = ({Element.FIRE, Element.AIR}, {Element.WATER, Element.EARTH})
_FOES: Final = ({Element.FIRE, Element.WATER}, {Element.AIR, Element.EARTH})
# The position that each is read together with, where it is not the one before.
_PARTNERS: Final = {
    "crown": "heart", "root": "crown", "behind": "root", "ahead": "behind", "self": "heart", "around": "self",
    "hopes": "crown", "outcome": "ahead", "their-need": "your-need", "bond": "you", "apart": "bond", "together": "bond",
}  # fmt: skip
# What sort of place each is: light and heavy mean something else in an obstacle than in a goal.
_KINDS: Final = {
    "crossing": "obstacle", "apart": "obstacle", "your-need": "need", "their-need": "need", "crown": "aim",
    "ahead": "goal", "outcome": "goal", "together": "goal", "may-be": "goal", "was": "past", "root": "past",
    "behind": "past", "answer": "answer", "heart": "now", "is": "now", "self": "now", "you": "now",
    "bond": "bond", "month": "month",
}  # fmt: skip
MOODS: Final = {1: "light", 0: "even", -1: "heavy"}
_KEYS: Final = ("outcome", "together", "whole", "may-be")
_COURT: Final = 11


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A card in its place of a spread, in the language of the reading; ``number`` counts from 1."""

    number: int
    key: str
    place: str
    card: Card
    text: CardText
    reversed: bool
    name: str
    """The card's name as it stands within a sentence."""

    @property
    def gist(self) -> str:
        """What the card shows as it lies, as a noun phrase."""
        return self.text.gist_reversed if self.reversed else self.text.gist

    @property
    def meaning(self) -> str:
        """What the card says as it lies."""
        return self.text.reversed if self.reversed else self.text.upright

    @property
    def mood(self) -> int:
        """1 for light, -1 for heavy: upside down the light is dimmed, the heavy eased, the even one held up."""
        return {1: 0, 0: -1, -1: 0}[self.card.tone] if self.reversed else self.card.tone


def laid(spread: SpreadBody, drawn: Sequence[DrawnCard], language: str) -> tuple[Laid, ...]:
    """The cards in their places."""
    language = known(language)
    pairs = zip(spread.positions, drawn, strict=False)
    return tuple(_laid(number, place, card, language) for number, (place, card) in enumerate(pairs, 1))


def _laid(number: int, place: Position, drawn: DrawnCard, language: str) -> Laid:
    text = card_text(drawn.card, language)
    return Laid(
        number=number,
        key="month" if place.key.startswith("month-") else place.key,
        place=" ".join(pick(place.name, Locale(language)).split()),
        card=cards()[drawn.card],
        text=text,
        reversed=drawn.reversed,
        name=inline(text.name, language),
    )


def partner(item: Laid, table: Sequence[Laid]) -> Laid | None:
    """The card before it that a card is read together with."""
    before = table[: item.number - 1]
    named = _PARTNERS.get(item.key)
    return next((other for other in before if other.key == named), before[-1] if before else None)


def kind_of_place(item: Laid) -> str | None:
    """What sort of place a card lies in; None for one in which every card simply speaks."""
    return _KINDS.get(item.key)


def relation(one: Card, other: Card) -> str:
    """How the elements of two cards stand to each other: same, friendly, hostile or neutral."""
    pair = {one.element, other.element}
    return "same" if len(pair) == 1 else "friendly" if pair in _FRIENDS else "hostile" if pair in _FOES else "neutral"


def key_card(table: Sequence[Laid]) -> Laid:
    """The card that the others lead to; its advice ends the reading."""
    return next((item for key in _KEYS for item in table if item.key == key), table[-1])


def overall(table: Sequence[Laid]) -> str:
    """The mood of most cards: light, mixed or heavy."""
    mood = sum(item.mood for item in table) / len(table)
    return "light" if mood > 0.3 else "heavy" if mood < -0.3 else "mixed"


def flow(table: Sequence[Laid]) -> str:
    """Whether the second half is lighter than the first (rising), heavier (falling), or alike (level)."""
    half = len(table) // 2
    change = sum(item.mood for item in table[-half:]) - sum(item.mood for item in table[:half])
    return "rising" if change >= 2 else "falling" if change <= -2 else "level"


def suits(table: Sequence[Laid]) -> Counter[Suit]:
    """How many cards there are of each suit; the major arcana count as one."""
    return Counter(item.card.suit for item in table)


def dominant(table: Sequence[Laid]) -> Suit | None:
    """The suit that at least 40 percent of the cards belong to, and three of them, more than to any other."""
    counts = [(count, suit) for suit, count in suits(table).items() if suit is not Suit.MAJOR]
    most, suit = max(counts, default=(0, None))
    alone = sum(count == most for count, _ in counts) == 1
    return suit if alone and most >= max(3, 0.4 * len(table)) else None


def missing(table: Sequence[Laid]) -> Suit | None:
    """The one suit that a spread of seven or more cards has none of."""
    absent = [suit for suit in Suit if suit is not Suit.MAJOR and not suits(table)[suit]]
    return absent[0] if len(absent) == 1 and len(table) >= 7 else None


def repeated(table: Sequence[Laid]) -> dict[int, list[Laid]]:
    """The cards of the suits that share a rank, where two or more do; ranks that most cards share come first."""
    ranks: dict[int, list[Laid]] = {}
    for item in table:
        if item.card.suit is not Suit.MAJOR:
            ranks.setdefault(item.card.number, []).append(item)
    shared = [(rank, items) for rank, items in ranks.items() if len(items) > 1]
    return dict(sorted(shared, key=lambda pair: -len(pair[1])))


def is_numbered(card: Card) -> bool:
    """Whether a card is one of the suits' ace to ten."""
    return card.suit is not Suit.MAJOR and card.number < _COURT


def rarity(count: int, total: int) -> float:
    """How probable it is that chance alone turns ``count`` or more of ``total`` cards upside down."""
    return sum(comb(total, index) for index in range(count, total + 1)) / (1 << total)
