"""What pages of the reading room show: its spreads, a draw before and after its question, answers, proofs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from backend.catalog.types import VariantId
from backend.kernel.money import Money
from backend.readings.types import (
    AnswerId,
    AnswerSource,
    AnswerStatus,
    CreditNote,
    DrawnCard,
    Failure,
    ReadingId,
    ReadingState,
    Spread,
    SpreadBody,
    SpreadId,
    Unopenable,
)


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reading in its person's history."""

    id: ReadingId
    slug: str
    name: dict[str, str]
    """Of the spread, by language, as it was."""
    question: str | Unopenable
    """Empty where none was asked."""
    cards: tuple[DrawnCard, ...]
    asked_at: datetime
    status: AnswerStatus
    free: bool


class FreeCard(msgspec.Struct, frozen=True, kw_only=True):
    """The free card of the day; None in ``next_at`` where it can be turned over now."""

    next_at: datetime | None
    reading_id: ReadingId | None
    """The last one that was turned over and not deleted."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """The first page of the reading room."""

    spreads: tuple[Spread, ...]
    credits: int
    free_card: FreeCard | None
    """None where the shop gives none."""
    latest: tuple[ReadingRow, ...]


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """A draw before its question: shuffled, sealed, and not dealt."""

    reading_id: ReadingId
    slug: str
    body: SpreadBody
    """The spread in the version that the draw is committed to."""
    credits: int
    """What it costs, as it was shown first."""
    balance: int
    commitment: str
    """In hexadecimal digits."""
    committed_at: datetime
    free: bool
    question_length: int
    """How many characters a question may have."""


class ShownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on its reading's page; its text is here once it is complete."""

    id: AnswerId
    number: int
    attempt: int
    question: str | Unopenable
    text: str | Unopenable
    """Empty until it is complete."""
    status: AnswerStatus
    source: AnswerSource | None
    failure: Failure | None
    note: CreditNote
    asked_at: datetime
    again: int | None
    """What another attempt costs; None where there can't be one."""
    may_be_plain: bool
    """Whether the built-in interpreter can write it now, for nothing."""


class ReadingPage(msgspec.Struct, frozen=True, kw_only=True):
    """A reading of a person's."""

    id: ReadingId
    slug: str
    body: SpreadBody
    cards: tuple[DrawnCard, ...]
    reversed_cards: bool
    language: str
    free: bool
    asked_at: datetime
    answers: tuple[ShownAnswer, ...]
    follow_ups_left: int
    """How many more questions can be asked; 0 while an answer is not complete."""
    follow_up_credits: int
    question_length: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a draw follows from; nothing of its question. Bytes are in hexadecimal digits."""

    reading_id: ReadingId
    state: ReadingState
    name: dict[str, str]
    """Of the spread, by language."""
    spread_id: SpreadId
    spread_version: int
    deck_version: int
    algorithm: int
    commitment: str
    committed_at: datetime
    seed: str | None
    """None until it is revealed."""
    client_seed: str | None
    reversed_cards: bool
    order: tuple[int, ...]
    """All 78 cards as they lay; empty until they are dealt."""
    cards: tuple[DrawnCard, ...]
    asked_at: datetime | None
    revealed_at: datetime | None
    fits: bool
    """Whether the commitment fits the seed, and both seeds give the cards; True as long as nothing is revealed."""


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """How many draws were committed to for a person, and what became of them; with those that nobody asked."""

    committed: int
    drawn: int
    waiting: int
    abandoned: tuple[Proof, ...]
    """The latest first, at most 100."""
    abandoned_count: int


class SpreadFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a spread in a period."""

    spread: Spread
    drawn: int
    free: int
    """Free cards among them."""
    abandoned: int
    answers: int
    """Complete ones, with those of follow-ups."""
    built_in: int
    """Complete ones that the built-in interpreter wrote."""
    credits: int
    """That were used."""
    cost_micros: int
    failures: dict[Failure, int]


class Period(StrEnum):
    """The period of a credit package."""

    ONCE = "once"
    MONTHLY = "monthly"


class PackageFields(msgspec.Struct, frozen=True, kw_only=True):
    """What admins say of a package of credits."""

    name: dict[str, str]
    """By language, English always."""
    credits: int
    price: Money
    period: Period
    position: int = 0
    hidden: bool = False


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package of credits as it is stored: a variant of the shop's product for credits."""

    variant_id: VariantId
    code: str
    fields: PackageFields
