"""What readings are to the outside: ids, cards that are drawn, spreads, answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import UserId

ReadingId = NewType("ReadingId", UUID)
AnswerId = NewType("AnswerId", UUID)
SpreadId = NewType("SpreadId", UUID)

CARDS: Final = 78
DECK_VERSION: Final = 1
"""Changes when a card's id means another card; part of each commitment."""


class DrawnCard(msgspec.Struct, frozen=True, array_like=True):
    """A card of the deck, 0 to 77, and whether it lies upside down."""

    card: int
    reversed: bool


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a spread. Names and meanings by language.

    ``x`` and ``y`` are the middle of the card in hundredths of a card's width and height from the start edge and the
    top of the spread; a ``crossing`` card lies on its side.
    """

    key: str
    name: dict[str, str]
    meaning: dict[str, str]
    x: int
    y: int
    crossing: bool = False


class SpreadBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a spread is in one of its versions; a reading keeps the version it was made with."""

    name: dict[str, str]
    summary: dict[str, str]
    """What it is good for, in a few words."""
    prompts: dict[str, tuple[str, ...]]
    """Questions to begin with, by language."""
    positions: tuple[Position, ...]


class AnswerStatus(StrEnum):
    """How far an answer to a question is; an answer is the interpretation of a reading, or of a follow-up question."""

    WAITING = "waiting"
    """For a worker."""
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    STOPPED = "stopped"
    """By the person."""


class AnswerSource(StrEnum):
    """Who wrote an answer."""

    MODEL = "model"
    BUILT_IN = "built_in"


class Failure(StrEnum):
    """Why an answer was not given; stored, and the label of the metrics."""

    UNREACHABLE = "api.unreachable"
    TIMEOUT_FIRST = "api.timeout.first"
    """No word within the deadline for the first."""
    TIMEOUT_GAP = "api.timeout.gap"
    TIMEOUT_TOTAL = "api.timeout.total"
    RATE_LIMITED = "api.rate_limited"
    QUOTA = "api.quota"
    AUTH = "api.auth"
    BAD_REQUEST = "api.bad_request"
    REFUSED = "api.refused"
    TRUNCATED = "api.truncated"
    GARBAGE = "api.garbage"
    EMPTY = "api.empty"
    WRONG_LANGUAGE = "api.wrong_language"
    WORKER_LOST = "worker_lost"
    """The worker died, and its lease ran out."""
    DATABASE = "database"


class ReadingState(StrEnum):
    """How far a draw is."""

    COMMITTED = "committed"
    """Shuffled and sealed; the question has not been asked."""
    DRAWN = "drawn"
    ABANDONED = "abandoned"
    """Never asked: the seed was revealed without a draw."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a text took: ``model`` and tokens where a model wrote it, ``cost_micros`` in millionths of a US dollar."""

    model: str = ""
    prompt_version: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    first_word_ms: int | None = None


class CreditState(StrEnum):
    """What the ledger says about the credits of an answer."""

    FREE = "free"
    """It costs nothing."""
    HELD = "held"
    USED = "used"
    RETURNED = "returned"
    """No credit was used: they are in the balance again."""


class CreditNote(msgspec.Struct, frozen=True):
    """What became of the ``credits`` of an answer's latest attempt, by the ledger."""

    state: CreditState
    credits: int


class Unopenable(msgspec.Struct, frozen=True):
    """A sealed text whose key is missing; ``key`` names the master key, or the data key where that is gone."""

    key: str


class ReadingAsked(Event, frozen=True, kw_only=True):
    """An answer waits for a worker: a reading was asked for, or a follow-up, or either once more."""

    answer_id: AnswerId


class ReadingReady(Event, frozen=True, kw_only=True):
    """A text is complete that its person has waited for so long that they may have left."""

    answer_id: AnswerId
    attempt: int
    reading_id: ReadingId
    user_id: UserId
    at: datetime


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A spread as it is offered now."""

    id: SpreadId
    slug: str
    built_in: bool
    hidden: bool
    position: int
    credits: int
    version: int
    body: SpreadBody
