"""The built-in interpreter: whole, coherent, in one script, never twice the same sentence, whatever is drawn."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.readings.deck.cards import LANGUAGES, card_name, cards
from backend.readings.deck.spreads import BUILT_IN_SPREADS
from backend.readings.gateways.built_in import BuiltInInterpreter, closing
from backend.readings.ports import Exchange, Interpretation
from backend.readings.rules.composing import facts
from backend.readings.rules.composing.phrases import phrases
from backend.readings.rules.composing.reading import compose
from backend.readings.rules.layout import ends_well, paragraphs, spoken_positions
from backend.readings.types import AnswerSource, DrawnCard, Position, SpreadBody
from tests.backend.readings.test_deck import of_one_script

SPREADS = {slug: body for slug, _, body in BUILT_IN_SPREADS}
WORDS = {
    "one": (60, 320),
    "three": (160, 650),
    "celtic-cross": (350, 1250),
    "relationship": (280, 1050),
    "year": (420, 1400),
}
QUESTIONS = [
    "",
    "Will he come back to me?",
    "Стоит ли мне менять работу?",
    "متى يتحسن دخلي؟",
    "Is my mother's illness serious?",
    "{name} {0} %s <b>None</b>",
    "Кто я?",
    "كيف أنجح في الامتحان؟",
    "house or flat, which one",
    "🙂" * 50,
]


def hand(number: int) -> st.SearchStrategy[tuple[DrawnCard, ...]]:
    ids = st.lists(st.integers(0, 77), min_size=number, max_size=number, unique=True)
    sides = st.lists(st.booleans(), min_size=number, max_size=number)
    return st.tuples(ids, sides).map(lambda both: tuple(map(DrawnCard, *both)))


@st.composite
def tasks(draw: st.DrawFn) -> tuple[str, Interpretation]:
    slug = draw(st.sampled_from(sorted(SPREADS)))
    drawn = draw(hand(len(SPREADS[slug].positions)))
    language = draw(st.sampled_from(LANGUAGES))
    question = draw(st.sampled_from(QUESTIONS) | st.text(max_size=40))
    return slug, Interpretation(language=language, question=question, spread=SPREADS[slug], cards=drawn)


def sentences(text: str) -> list[str]:
    body = re.sub(r"(?m)^\d+\. .*$", "", text)
    return [part.strip() for part in re.split(r"(?<=[.!?؟])\s+", body) if part.strip()]


def check(text: str, language: str) -> None:
    assert not re.search(r"None|[{}\[\]<>]|%[^\s.,)]|\.\.| ,| \.|  ", text), text
    assert of_one_script(text, language), text
    said = sentences(text)
    assert len(said) == len(set(said)), [one for one in said if said.count(one) > 1]
    assert ends_well(text) and all(block.strip() == block for block in text.split("\n\n"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tasks())
def test_any_reading_is_whole(drawn: tuple[str, Interpretation]) -> None:
    slug, task = drawn
    text = compose(task)
    check(text, task.language)
    least, most = WORDS[slug]
    assert least <= len(text.split()) <= most, (slug, len(text.split()))
    parts = paragraphs(text, len(task.cards))
    positions = [part for part in parts if part.position]
    assert [part.position for part in positions] == list(range(1, len(task.cards) + 1))
    for part, place, card in zip(positions, task.spread.positions, task.cards, strict=True):
        assert part.head.startswith(card_name(card.card, task.language, upside_down=card.reversed))
        assert part.head.endswith(place.name[task.language]) and len(part.body.split()) >= 15
    assert spoken_positions(text, len(task.cards)) == frozenset(range(1, len(task.cards) + 1))
    assert parts[0].position is None and parts[-1].position is None
    assert compose(task) == text


@settings(max_examples=40, deadline=None)
@given(tasks(), st.sampled_from(QUESTIONS[1:]), st.integers(1, 4))
def test_any_further_question_is_answered_from_the_table(
    drawn: tuple[str, Interpretation], question: str, asked: int
) -> None:
    import asyncio

    _, first = drawn
    before = tuple(Exchange(first.question, "…") for _ in range(asked))
    task = Interpretation(
        language=first.language, question=question, spread=first.spread, cards=first.cards, before=before
    )
    interpreter = BuiltInInterpreter()

    async def written() -> str:
        return "".join([piece async for piece in interpreter.interpret(task)])

    text = asyncio.run(written())
    check(text, task.language)
    assert 60 <= len(text.split()) <= 260
    names = {card_name(card.card, task.language).removeprefix("The ") for card in task.cards}
    assert any(name in text for name in names)
    others = {card_name(card.id, task.language) for card in cards()} - {
        card_name(card.card, task.language) for card in task.cards
    }
    quoted = set(re.findall("«([^»]+)»", text))
    assert not quoted & others
    assert interpreter.source is AnswerSource.BUILT_IN


@settings(max_examples=20, deadline=None)
@given(tasks(), st.text(max_size=30))
def test_a_text_that_broke_off_gets_an_end(drawn: tuple[str, Interpretation], text: str) -> None:
    _, task = drawn
    paragraph = closing(task, text)
    check(paragraph, task.language)
    assert 20 <= len(paragraph.split()) <= 80 and "\n" not in paragraph


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_cards_other_questions_other_texts(language: str) -> None:
    spread = SPREADS["three"]
    drawn = tuple(DrawnCard(card, False) for card in (3, 30, 60))
    texts = {
        compose(Interpretation(language=language, question=question, spread=spread, cards=cards_of))
        for question in ("Will I find love?", "What about my work?")
        for cards_of in (drawn, drawn[::-1], tuple(DrawnCard(card.card, True) for card in drawn))
    }
    assert len(texts) == 6
    openings = {text.split("\n")[0] for text in texts}
    assert len(openings) > 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", [1, 2, 5, 20, 78])
def test_a_spread_of_an_admin_is_read_too(language: str, number: int) -> None:
    positions = tuple(
        Position(key=f"p{index}", name={"en": f"place {index}"}, meaning={"en": "Something."}, x=50, y=50)
        for index in range(number)
    )
    spread = SpreadBody(name={"en": "Mine"}, summary={"en": "x"}, prompts={"en": ()}, positions=positions)
    drawn = tuple(DrawnCard((index * 7) % 78, index % 3 == 0) for index in range(number))
    text = compose(Interpretation(language=language, question="", spread=spread, cards=drawn))
    said = sentences(text)
    assert len(said) == len(set(said))
    assert [part.position for part in paragraphs(text) if part.position] == list(range(1, number + 1))


def test_rarity_is_computed() -> None:
    assert f"{facts.rarity(24, 36) * 100:.1f}" == "3.3"
    assert facts.rarity(0, 10) == 1 and facts.rarity(10, 10) == 1 / 1024


@pytest.mark.parametrize(("language", "said"), [("en", "1.1%"), ("ru", "1,1\u00a0%"), ("ar", "1.1%")])
def test_many_reversed_cards_are_spoken_of_with_their_odds(language: str, said: str) -> None:
    spread = SPREADS["celtic-cross"]
    turned = tuple(DrawnCard(index * 7, index != 4) for index in range(10))
    assert said in compose(Interpretation(language=language, question="", spread=spread, cards=turned))
    upright = tuple(DrawnCard(index * 7, False) for index in range(10))
    assert "%" not in compose(Interpretation(language=language, question="", spread=spread, cards=upright))


def test_elements_and_suits() -> None:
    deck = cards()
    ace = {suit: deck[22 + 14 * index] for index, suit in enumerate(("wands", "cups", "swords", "pentacles"))}
    assert facts.relation(ace["wands"], ace["cups"]) == facts.relation(ace["swords"], ace["pentacles"]) == "hostile"
    assert facts.relation(ace["wands"], ace["swords"]) == facts.relation(ace["cups"], ace["pentacles"]) == "friendly"
    assert facts.relation(ace["wands"], ace["pentacles"]) == "neutral"
    assert facts.relation(ace["wands"], ace["wands"]) == "same"
    table = facts.laid(SPREADS["relationship"], [DrawnCard(card, False) for card in (22, 23, 24, 25, 36, 37, 64)], "en")
    assert facts.dominant(table) == "wands" and facts.missing(table) == "swords"
    assert {rank: len(items) for rank, items in facts.repeated(table).items()} == {1: 3, 2: 2}


def shape(value: object) -> object:
    return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize("language", ["ar", "ru"])
def test_all_languages_have_the_same_phrases(language: str) -> None:
    assert shape(phrases(language)) == shape(phrases("en"))
    own, english = list(_texts(phrases(language))), list(_texts(phrases("en")))
    assert {key for key, _ in own} == {key for key, _ in english}
    assert len({text for _, text in own}) == len(own), "a phrase stands twice"
    for key, text in own + english:
        fields = set(re.findall(r"\{(\w+)\}", text))
        assert fields == set(re.findall(r"\{(\w+)\}", dict(english)[key])), (key, text)


def _texts(value: object, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in _texts(item, f"{key}/{name}")]
    if isinstance(value, list):
        return [(key, text) for text in value]
    return [(key, str(value))]
