"""What a model is asked and what its calls took: prompts, messages, figures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.ids import UserId
from backend.readings.types import AnswerStatus, Failure

_LONGEST_PLACE: Final = 15


class Role(StrEnum):
    """Who says a message of a conversation with a model."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation with a model."""

    role: Role
    text: str


class PromptBody(msgspec.Struct, frozen=True, kw_only=True):
    """The texts by which a model is asked, in one language. Placeholders are names in braces.

    ``system`` has none, so that it is the same whatever is asked.
    """

    system: str
    cards: str
    """``{spread}``, ``{count}`` and, once, ``{cards}``: the cards in their positions, one a line."""
    question: str
    """``{question}``, once."""
    open_question: str
    """Instead of a question, where none was asked."""
    follow_up: str
    """``{question}``, once: a further question about the same cards."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a language's prompt; version 0, and one without a body, is what came with Souk."""

    language: str
    version: int
    body: PromptBody | None
    changed_at: datetime | None = None
    changed_by: UserId | None = None


class ModelCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the model as it ended; ``failure`` is None for a whole text, seconds are of the call."""

    at: datetime
    asked_model: str
    model: str
    """As the server named it."""
    failure: Failure | None
    seconds: float
    first_word: float | None
    prompt_tokens: int
    completion_tokens: int
    cost_micros: int
    """Millionths of a US dollar."""


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a period by how they ended: ``failure`` is None for whole texts."""

    failure: Failure | None
    calls: int
    seconds: float
    """In the middle, of a call."""
    first_word: float | None
    """In the middle, where a word came."""
    prompt_tokens: int
    completion_tokens: int
    cost_micros: int


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether readings are written by a model at the moment, and how its last calls went."""

    model: str
    """Empty where no model is set up: the built-in interpreter writes all readings."""
    server: str
    """The host of its server."""
    paused_until: datetime | None
    """It fails again and again, so that it is left alone until then."""
    last_call: ModelCall | None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered to a tiny request."""

    failure: Failure | None
    detail: str
    text: str
    asked_model: str
    model: str
    """The model that the server says it has used."""
    finish: str
    """Why the server says the text ended: ``stop`` for a good one, empty where it said nothing."""
    language_fits: bool
    seconds: float
    first_word: float | None
    prompt_tokens: int
    completion_tokens: int


class Place(msgspec.Struct, frozen=True):
    """How far a reader has read: the attempt, and the number of the last piece of its text."""

    attempt: int
    seq: int

    @property
    def id(self) -> str:
        """As the id of an event."""
        return f"{self.attempt}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """The place of an event's id; None for anything else."""
        attempt, _, seq = text.partition(".")
        digits = attempt + seq
        if not (attempt and seq and digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_PLACE):
            return None
        return cls(int(attempt), int(seq))


class TextPart(msgspec.Struct, frozen=True, array_like=True):
    """A paragraph of a text; ``position`` counts from 1 where it is about a position, else it is 0 without a head."""

    position: int
    head: str
    body: str


class TextStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader gets next: the paragraphs that stand from number ``at`` on, in place of those they have."""

    status: AnswerStatus
    failure: Failure | None
    place: Place
    at: int
    parts: tuple[TextPart, ...]
    whole: bool
    """The text from its beginning."""
    missing_key: str
    """The key without which a part of the text cannot be opened, else empty."""
    done: bool
    """Nobody writes any more."""
