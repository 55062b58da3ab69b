"""A reading: its cards, its text, what can be done with it; and how each of its states is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from backend.infra.i18n import Translator
from backend.readings.service.cards import gist_of, meaning_of, name_of
from backend.readings.service.watching import parts_of
from backend.readings.types import (
    AnswerId,
    AnswerSource,
    AnswerStatus,
    CreditState,
    DrawnCard,
    ReadingId,
    Unopenable,
)
from backend.readings.types.models import TextPart
from backend.readings.types.rooms import ReadingPage, ShownAnswer
from backend.readings.words import failure_text
from webapp.readings.cards import CardView, back_view
from webapp.readings.screens.layout import LayoutView, layout
from webapp.readings.screens.words import in_language, picture_of

_THREE = 3
State = Literal["live", "complete", "failed", "stopped", "unopenable"]


class LaidCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card in its place; ``label`` is what a screen reader says of it."""

    card: CardView
    name: str
    position: str
    label: str


class AboutCard(msgspec.Struct, frozen=True, kw_only=True):
    """readings/_about.html: what a card says in its place."""

    number: int
    position: str
    place: str
    name: str
    gist: str
    meaning: str


class CardsPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/cards.html. ``fresh``: they have just been dealt."""

    id: ReadingId
    spread: str
    question: str
    layout: LayoutView
    cards: tuple[LaidCard, ...]
    about: AboutCard
    back: CardView
    chosen: int = 1
    fresh: bool = False


class TextView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it is shown: to its question, in a ``state``, with what its credits became."""

    id: AnswerId
    number: int
    question: str
    state: State
    parts: tuple[TextPart, ...] = ()
    key: str = ""
    """Names the key without which the text or the question can't be opened."""
    built_in: bool = False
    instead: bool = False
    """The built-in interpreter wrote it in the model's place."""
    why: str = ""
    """Why it failed, in a sentence."""
    credits: int = 0
    money: CreditState = CreditState.FREE
    again: int | None = None
    may_be_plain: bool = False


class TextPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/reading.html. ``url`` is where the text of the live answer is read."""

    id: ReadingId
    spread: str
    question: str
    asked_at: datetime
    free: bool
    lang: str
    dir: str
    cards: tuple[LaidCard, ...]
    texts: tuple[TextView, ...]
    follow_ups_left: int
    follow_up_credits: int
    longest: int
    proof: str
    url: str
    picture: str
    """Where the picture of a complete reading is."""
    follow: str = ""
    """What was typed as a further question, and what is wrong with it."""
    error: str = ""

    @property
    def last(self) -> TextView:
        """The answer that something can be done about."""
        return self.texts[-1]

    @property
    def few(self) -> bool:
        """Whether the cards fit beside each other with their names."""
        return len(self.cards) <= _THREE


def laid_cards(reading: ReadingPage, language: str) -> tuple[LaidCard, ...]:
    """The cards in the order of their places."""
    return tuple(
        LaidCard(
            card=picture_of(drawn, language),
            name=name_of(drawn, language),
            position=in_language(at.name, language),
            label=f"{number}. {in_language(at.name, language)}: {name_of(drawn, language)}",
        )
        for number, (drawn, at) in enumerate(zip(reading.cards, reading.body.positions, strict=True), start=1)
    )


def about_card(reading: ReadingPage, number: int, language: str) -> AboutCard:
    """What the card at a place, counted from 1, says there. Raises IndexError for another number."""
    drawn: DrawnCard = reading.cards[number - 1]
    at = reading.body.positions[number - 1]
    return AboutCard(
        number=number,
        position=in_language(at.name, language),
        place=in_language(at.meaning, language),
        name=name_of(drawn, language),
        gist=gist_of(drawn, language),
        meaning=meaning_of(drawn, language),
    )


def cards_page(reading: ReadingPage, language: str, *, chosen: int = 1, fresh: bool = False) -> CardsPage:
    """The dealt cards, the one at a place explained."""
    return CardsPage(
        id=reading.id,
        spread=in_language(reading.body.name, language),
        question=_question(reading.answers[0]),
        layout=layout(reading.body.positions),
        cards=laid_cards(reading, language),
        about=about_card(reading, chosen, language),
        chosen=chosen,
        back=back_view(),
        fresh=fresh,
    )


def text_view(answer: ShownAnswer, positions: int, words: Translator) -> TextView:
    """An answer, in its paragraphs where it is complete."""
    closed = next((one.key for one in (answer.text, answer.question) if isinstance(one, Unopenable)), "")
    text = answer.text if isinstance(answer.text, str) else ""
    failed = answer.failure is not None and answer.status is AnswerStatus.FAILED
    return TextView(
        id=answer.id,
        number=answer.number,
        question=_question(answer),
        state=_state(answer),
        parts=parts_of(text, positions),
        key=closed,
        built_in=answer.source is AnswerSource.BUILT_IN,
        instead=answer.source is AnswerSource.BUILT_IN and answer.failure is not None,
        why=failure_text(answer.failure, words.locale) if failed and answer.failure else "",
        credits=answer.note.credits,
        money=answer.note.state,
        again=answer.again,
        may_be_plain=answer.may_be_plain,
    )


def _question(answer: ShownAnswer) -> str:
    return answer.question if isinstance(answer.question, str) else ""


def _state(answer: ShownAnswer) -> State:
    if isinstance(answer.text, Unopenable):
        return "unopenable"
    if answer.status in {AnswerStatus.WAITING, AnswerStatus.RUNNING}:
        return "live"
    return "complete" if answer.status is AnswerStatus.COMPLETE else answer.status.value  # type: ignore[return-value]


def text_page(
    reading: ReadingPage,
    language: str,
    words: Translator,
    *,
    proof: str,
    text_url: Callable[[AnswerId], str],
    picture: str,
    follow: str = "",
    error: str = "",
) -> TextPage:
    """The reading with all its answers; ``text_url`` makes the address at which a live one is read."""
    texts = tuple(text_view(answer, len(reading.cards), words) for answer in reading.answers)
    live = texts[-1].state == "live"
    return TextPage(
        id=reading.id,
        spread=in_language(reading.body.name, language),
        question=texts[0].question,
        asked_at=reading.asked_at,
        free=reading.free,
        lang=reading.language,
        dir="rtl" if reading.language == "ar" else "ltr",
        cards=laid_cards(reading, language),
        texts=texts,
        follow_ups_left=reading.follow_ups_left,
        follow_up_credits=reading.follow_up_credits,
        longest=reading.question_length,
        proof=proof,
        url=text_url(texts[-1].id) if live else "",
        picture=picture,
        follow=follow,
        error=error,
    )
