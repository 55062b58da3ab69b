"""The form of a reading's text, as the built-in interpreter writes it and as models do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.readings.rules.layout import Paragraph, ends_well, head, paragraphs, spoken_positions

FIRST = Paragraph(1, "The Hermit, where you stand", "You walk alone.")
SECOND = Paragraph(2, "Two of Swords, what crosses you", "Nothing is weighed: it is held.")
END = Paragraph(None, "", "Take one step.")


def test_a_head_is_written_in_the_language() -> None:
    assert head(1, "The Hermit", "where you stand", "en") == "1. The Hermit, where you stand"
    assert head(2, "النجمة، مقلوبة", "ما كان", "ar") == "2. النجمة، مقلوبة، ما كان"


@pytest.mark.parametrize(
    "text",
    [
        "1. {0}\n{1}\n\n2. {2}\n{3}\n\n{4}",
        "1. {0}\r\n{1}\r\n\r\n2. {2}\r\n{3}\r\n\r\n{4}\r\n",
        "**1. {0}**\n{1}\n\n**2. {2}**\n{3}\n\n{4}",
        "**1. {0}:** {1}\n\n**2. {2}:** {3}\n\n{4}",
        "1. **{0}** — {1}\n\n2. **{2}** — {3}\n\n{4}",
        "### 1) {0}\n\n{1}\n\n### 2) {2}\n\n{3}\n\n---\n\n{4}",
        "١. {0}\n{1}\n\n٢. {2}\n{3}\n\n{4}",
        "1 {0}\n{1}\n2 {2}\n{3}\n\n{4}",
        "- 1: {0}\n{1}\n\n- 2: {2}\n{3}\n\n{4}",
        "Card 1: {0}\n{1}\n\nCard 2: {2}\n{3}\n\n*{4}*",
        "#1. {0}\n{1}\n\n#2. {2}\n{3}\n\n> {4}",
        "1. *{0}*\n{1}\n\n2. *{2}*\n{3}\n\n__{4}__",
    ],
)
def test_models_write_heads_as_they_like(text: str) -> None:
    written = text.format(FIRST.head, FIRST.body, SECOND.head, SECOND.body, END.body)
    assert paragraphs(written, 2) == [FIRST, SECOND, END]
    assert spoken_positions(written, 2) == {1, 2}


def test_numbers_in_sentences_are_no_heads() -> None:
    text = "1. The Sun, the answer\n3 days later it was over.\n2. It can be said simply.\n\n10 is a full number."
    assert [part.position for part in paragraphs(text, 1)] == [1, None]
    assert paragraphs("10 days later it was over.", 10) == [Paragraph(None, "", "10 days later it was over.")]
    assert [part.position for part in paragraphs("2. The Sun, what is\nYes.\n\n1. The Moon, again\nNo.", 3)] == [
        2,
        None,
    ]


def test_a_position_may_have_several_paragraphs() -> None:
    text = "Hello.\n\n1. The Sun, the answer\nOne.\nTwo.\n\nThree."
    assert paragraphs(text, 1) == [
        Paragraph(None, "", "Hello."),
        Paragraph(1, "The Sun, the answer", "One. Two."),
        Paragraph(None, "", "Three."),
    ]


@pytest.mark.parametrize("begun", ["2", "2.", "2. ", "**2", "### 2)", "٢."])
def test_the_number_of_the_next_head_waits_for_its_words(begun: str) -> None:
    for between in ("\n", "\n\n"):
        text = f"1. {FIRST.head}\n{FIRST.body}{between}{begun}"
        assert paragraphs(text, 2) == [FIRST]
    # A number that is no next head is what was said.
    assert paragraphs("How many?\n\n42", 2)[-1] == Paragraph(None, "", "42")


def test_a_head_without_words_is_not_spoken_of() -> None:
    assert spoken_positions("1. The Sun, what was\nYes.\n\n2. The Moon, what is", 2) == {1}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="12. *#-\n:)١Aaبж،_>`", max_size=80))
def test_whatever_is_written_can_be_shown(text: str) -> None:
    parts = paragraphs(text, 3)
    numbers = [part.position for part in parts if part.position]
    assert numbers == sorted(set(numbers)) and all(1 <= number <= 3 for number in numbers)
    assert all((part.head or part.body) and "\n" not in part.head + part.body for part in parts)


@pytest.mark.parametrize("text", ["Yes.", "Is it?", "Так!", "نعم؟", "She said “go.”", "**Done.**\n", "Well… "])
def test_an_end_is_seen(text: str) -> None:
    assert ends_well(text)


@pytest.mark.parametrize("text", ["", "And then the", "1. The Sun, the answer", "because,"])
def test_a_text_that_breaks_off_is_seen(text: str) -> None:
    assert not ends_well(text)
