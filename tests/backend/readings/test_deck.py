"""The deck and the spreads that every shop has."""

from __future__ import annotations

import re

import pytest

from backend.readings.deck.cards import LANGUAGES, Element, Suit, card_name, card_text, cards, meaning
from backend.readings.deck.spreads import BUILT_IN_SPREADS
from backend.readings.types import CARDS

SCRIPTS = {"en": "A-Za-z", "ru": "А-Яа-яЁё", "ar": "\u0621-\u064a\u064b-\u0652"}


def of_one_script(text: str, language: str) -> bool:
    """Whether all letters of a text are of the language's script, its digits Latin."""
    return not re.search(rf"[^\W\d_{SCRIPTS[language]}]", text) and not re.search(r"[^\D0-9]", text)


def test_a_card_is_its_place() -> None:
    assert len(cards()) == CARDS and [card.id for card in cards()] == list(range(CARDS))
    ids = {card.slug: card.id for card in cards()}
    assert len(ids) == CARDS
    assert (ids["fool"], ids["strength"], ids["justice"], ids["world"]) == (0, 8, 11, 21)
    assert (ids["ace-of-wands"], ids["page-of-wands"], ids["king-of-wands"]) == (22, 32, 35)
    assert (ids["ace-of-cups"], ids["knight-of-cups"], ids["queen-of-swords"]) == (36, 47, 62)
    assert (ids["ace-of-swords"], ids["ace-of-pentacles"], ids["king-of-pentacles"]) == (50, 64, 77)
    for card in cards()[22:]:
        rank, suit = card.slug.split("-of-")
        assert card.suit == suit and card.number == (card.id - 22) % 14 + 1, rank
    assert {card.suit for card in cards()[:22]} == {Suit.MAJOR}
    assert {card.element for card in cards()} == set(Element)
    assert all(len(set(card.keywords)) == 3 and card.tone in {-1, 0, 1} for card in cards())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_has_its_own_name(language: str) -> None:
    names = [card_name(card, language, upside_down=side) for card in range(CARDS) for side in (False, True)]
    assert len(set(names)) == 2 * CARDS
    assert all(name.strip() == name and of_one_script(name, language) for name in names)
    for upright, lying in zip(names[::2], names[1::2], strict=True):
        assert lying.startswith(upright)


def test_a_language_without_a_deck_has_english_names() -> None:
    assert card_name(0, "de") == card_name(0, "en") == "The Fool"
    assert card_name(47, "ru", upside_down=True) == "Рыцарь Кубков, перевёрнутый"
    assert card_name(17, "ar", upside_down=True) == "النجمة، مقلوبة"


def test_the_spreads_that_every_shop_has() -> None:
    assert [(slug, credits, len(body.positions)) for slug, credits, body in BUILT_IN_SPREADS] == [
        ("one", 1, 1),
        ("three", 1, 3),
        ("celtic-cross", 3, 10),
        ("relationship", 2, 7),
        ("year", 4, 13),
    ]
    for _, _, body in BUILT_IN_SPREADS:
        assert len({place.key for place in body.positions}) == len(body.positions)
        places = {(place.x, place.y) for place in body.positions if not place.crossing}
        assert len(places) == sum(not place.crossing for place in body.positions)
        assert min(x for x, _ in places) == 50 == min(y for _, y in places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_spreads_speak_each_language(language: str) -> None:
    for _, _, body in BUILT_IN_SPREADS:
        texts = [body.name, body.summary, *(place.name for place in body.positions)]
        texts += [place.meaning for place in body.positions]
        said = [text[language] for text in texts] + list(body.prompts[language])
        assert len(set(said)) == len(said)
        assert all(text.strip() == text and of_one_script(text, language) for text in said), said
        assert len(body.prompts[language]) >= 3
        assert {*body.prompts} == {*LANGUAGES} and all({*text} == {*LANGUAGES} for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_says_something_of_its_own(language: str) -> None:
    texts = [card_text(card, language) for card in range(CARDS)]
    for kind in ("upright", "gist", "advice"):
        both = [getattr(text, kind) for text in texts]
        if kind != "advice":
            both += [getattr(text, "reversed" if kind == "upright" else "gist_reversed") for text in texts]
        assert len(set(both)) == len(both)
        assert all(text.strip() == text and of_one_script(text, language) for text in both), kind
    sentences = [
        part for text in texts for said in (text.upright, text.reversed) for part in re.split(r"(?<=[.?])\s", said)
    ]
    assert len(set(sentences)) == len(sentences)
    for card, text in enumerate(texts):
        assert meaning(card, False, language) == text.upright and meaning(card, True, language) == text.reversed
        assert 40 <= len(text.upright) <= 260 and 40 <= len(text.reversed) <= 260
        assert text.upright[-1] in ".?؟" and text.reversed[-1] in "." and text.advice[-1] in "."
        assert text.gist[-1] not in ".,:" and len(text.gist.split()) <= 9
    assert texts == [card_text(card, language) for card in range(CARDS)]
