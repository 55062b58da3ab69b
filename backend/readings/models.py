"""Tables of the reading room. Questions, texts and seeds are sealed with the person's data key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model

_LIVE = text("status IN ('waiting', 'running')")


class ReadingSpread(Model):
    """A spread as it is offered now; what it is stands in its ``version``."""

    __tablename__ = "reading_spreads"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(slug) <= 40", name="slug_of_its_signs"),
        CheckConstraint("credits BETWEEN 0 AND 1000", name="credits_in_range"),
        CheckConstraint("version >= 1", name="version_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    built_in: Mapped[bool]
    """It came with Souk."""
    hidden: Mapped[bool]
    position: Mapped[int]
    credits: Mapped[int]
    version: Mapped[int]
    changed_at: Mapped[datetime]


class ReadingSpreadVersion(Model):
    """What a spread is, or was, in one of its versions: never changed, because readings keep theirs."""

    __tablename__ = "reading_spread_versions"

    spread_id: Mapped[UUID] = mapped_column(ForeignKey("reading_spreads.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))


class ReadingKey(Model):
    """A data key of a person's readings; the newest one seals.

    No foreign key of ``data_key_id``: destroying the key is how everything in it is destroyed.
    """

    __tablename__ = "reading_keys"
    __table_args__ = (Index("ix_reading_keys_user_id", "user_id", "data_key_id"),)

    data_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]


class Reading(Model):
    """A draw: committed to before the question, dealt with it, or abandoned."""

    __tablename__ = "readings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["spread_id", "spread_version"], ["reading_spread_versions.spread_id", "reading_spread_versions.version"]
        ),
        CheckConstraint("octet_length(commitment) = 32", name="commitment_whole"),
        CheckConstraint("octet_length(seed) = 64", name="seed_whole"),
        CheckConstraint("state IN ('committed', 'drawn', 'abandoned')", name="state_known"),
        CheckConstraint("(seed IS NULL) = (revealed_at IS NULL)", name="revealed_with_its_seed"),
        CheckConstraint("state <> 'committed' OR seed IS NULL", name="sealed_until_drawn"),
        CheckConstraint(
            "(state = 'drawn') = (asked_at IS NOT NULL) AND (state = 'drawn') = (cards IS NOT NULL) "
            "AND (state = 'drawn') = (client_seed IS NOT NULL) AND (state <> 'drawn' OR seed IS NOT NULL)",
            name="drawn_whole",
        ),
        Index(
            "uq_readings_committed", "user_id", "spread_id", "free", unique=True,
            postgresql_where=text("state = 'committed'"),
        ),
        Index("ix_readings_committed_at", "committed_at", postgresql_where=text("state = 'committed'")),
        Index("ix_readings_asked_at", "asked_at", postgresql_where=text("asked_at IS NOT NULL")),
        Index("ix_readings_user_id", "user_id", "id"),
        Index("ix_readings_spread_id", "spread_id", "spread_version"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    spread_id: Mapped[UUID]
    spread_version: Mapped[int]
    deck_version: Mapped[int]
    algorithm: Mapped[int]
    credits: Mapped[int]
    """What it costs; the price that was shown beside the commitment."""
    free: Mapped[bool]
    """It is a free card of a day."""
    state: Mapped[str]
    commitment: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_seed: Mapped[bytes] = mapped_column(LargeBinary)
    seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The server's seed, once it is revealed."""
    client_seed: Mapped[str | None]
    reversed_cards: Mapped[bool] = mapped_column(server_default=text("true"))
    cards: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The dealt cards in the order of the positions, each with whether it is reversed."""
    language: Mapped[str | None]
    committed_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    """When the question was asked and the cards were dealt."""
    revealed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """By the person: nothing of its question and texts is left."""


class ReadingAnswer(Model):
    """The interpretation of a reading, numbered 0, or of a follow-up question; its latest attempt."""

    __tablename__ = "reading_answers"
    __table_args__ = (
        CheckConstraint(
            "status IN ('waiting', 'running', 'complete', 'failed', 'stopped')", name="status_known"
        ),
        CheckConstraint("(status IN ('waiting', 'running')) = (finished_at IS NULL)", name="finished_when_not_live"),
        CheckConstraint("(status = 'complete') = (source IS NOT NULL)", name="complete_by_somebody"),
        CheckConstraint("status <> 'failed' OR failure IS NOT NULL", name="failed_for_a_reason"),
        CheckConstraint("number >= 0 AND attempt >= 1 AND credits >= 0", name="numbers_positive"),
        Index("uq_reading_answers_number", "reading_id", "number", unique=True),
        Index("uq_reading_answers_live", "user_id", "spread_id", unique=True, postgresql_where=_LIVE),
        Index("ix_reading_answers_lease_until", "lease_until", postgresql_where=_LIVE),
        Index("ix_reading_answers_spread_id", "spread_id", "asked_at"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reading_id: Mapped[UUID] = mapped_column(ForeignKey("readings.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    spread_id: Mapped[UUID] = mapped_column(ForeignKey("reading_spreads.id"))
    number: Mapped[int]
    status: Mapped[str]
    attempt: Mapped[int]
    credits: Mapped[int]
    """What the latest attempt costs once it is complete."""
    charged: Mapped[int] = mapped_column(server_default=text("0"))
    """What it has cost, once it is complete: what was captured in the ledger."""
    built_in: Mapped[bool]
    """Only the built-in interpreter is to write it."""
    question: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The whole text, once it is complete."""
    asked_at: Mapped[datetime]
    """When the latest attempt was asked for."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_until: Mapped[datetime]
    """Until when a worker must have begun, or must show that it is alive."""
    worker: Mapped[str] = mapped_column(server_default=text("''"))
    source: Mapped[str | None]
    failure: Mapped[str | None]
    """Why it failed, or why the built-in interpreter wrote it instead of the model."""
    model: Mapped[str] = mapped_column(server_default=text("''"))
    prompt_version: Mapped[int | None]
    input_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    output_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    cost_micros: Mapped[int] = mapped_column(server_default=text("0"))
    first_word_ms: Mapped[int | None]
    seen_at: Mapped[datetime | None]
    """When the person first had the whole text on their page."""


class ReadingFailure(Model):
    """An attempt at an answer that failed; kept for the figures when the next attempt succeeds."""

    __tablename__ = "reading_failures"
    __table_args__ = (Index("ix_reading_failures_spread_id", "spread_id", "failed_at"),)

    answer_id: Mapped[UUID] = mapped_column(ForeignKey("reading_answers.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    spread_id: Mapped[UUID] = mapped_column(ForeignKey("reading_spreads.id"))
    failure: Mapped[str]
    failed_at: Mapped[datetime]


class FreeCard(Model):
    """A free card that was turned over: one a local date, and 20 hours apart."""

    __tablename__ = "free_cards"
    __table_args__ = (
        CheckConstraint("turned_at < next_at", name="apart"),
        Index("ix_free_cards_reading_id", "reading_id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    local_date: Mapped[date] = mapped_column(Date(), primary_key=True)
    reading_id: Mapped[UUID] = mapped_column(ForeignKey("readings.id"))
    turned_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """When the next one can be turned over at the earliest."""


class CreditPackage(Model):
    """How many credits one of a variant gives."""

    __tablename__ = "credit_packages"
    __table_args__ = (CheckConstraint("credits BETWEEN 1 AND 100000", name="credits_in_range"),)

    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    credits: Mapped[int]


class CreditGift(Model):
    """Credits that an admin gave to a person."""

    __tablename__ = "credit_gifts"
    __table_args__ = (
        CheckConstraint("credits BETWEEN 1 AND 1000", name="credits_in_range"),
        Index("uq_credit_gifts_key", "given_by", "idempotency_key", unique=True, postgresql_nulls_not_distinct=True),
        Index("ix_credit_gifts_given_at", "given_at"),
        Index("ix_credit_gifts_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    credits: Mapped[int]
    reason: Mapped[str]
    given_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    given_at: Mapped[datetime]
    idempotency_key: Mapped[str]


class CreditLot(Model):
    """The credits that a line of an order gives: reserved, then given, and taken back when it is refunded."""

    __tablename__ = "credit_lots"
    __table_args__ = (
        CheckConstraint("credits > 0 AND taken BETWEEN 0 AND credits", name="taken_of_what_was_given"),
        CheckConstraint("given_at IS NOT NULL OR taken = 0", name="taken_after_given"),
        Index("ix_credit_lots_user_id", "user_id", "given_at"),
    )

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Who gets them."""
    credits: Mapped[int]
    taken: Mapped[int] = mapped_column(server_default=text("0"))
    reserved_at: Mapped[datetime]
    given_at: Mapped[datetime | None]


class ReadingChunk(Model):
    """A piece of a text as it was written, sealed; kept until the whole text is stored, and a little longer."""

    __tablename__ = "reading_chunks"
    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq_positive"),
        Index("ix_reading_chunks_written_at", "written_at"),
    )

    answer_id: Mapped[UUID] = mapped_column(ForeignKey("reading_answers.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    fresh: Mapped[bool]
    """The text begins again with this piece."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    written_at: Mapped[datetime]


class ReadingPrompt(Model):
    """A version of the texts by which the model is asked in one language: never changed."""

    __tablename__ = "reading_prompts"
    __table_args__ = (CheckConstraint("version >= 1", name="version_positive"),)

    language: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """None: the texts that came with Souk."""
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))


class ReadingModelCall(Model):
    """A call of the model as it ended; without an answer it was a probe. Nothing of what was asked or written."""

    __tablename__ = "reading_model_calls"
    __table_args__ = (
        Index("ix_reading_model_calls_at", "at"),
        Index("ix_reading_model_calls_asked_model", "asked_model", "at"),
        Index("ix_reading_model_calls_answer_id", "answer_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    answer_id: Mapped[UUID | None] = mapped_column(ForeignKey("reading_answers.id"))
    at: Mapped[datetime]
    asked_model: Mapped[str]
    model: Mapped[str]
    failure: Mapped[str | None]
    seconds: Mapped[float]
    first_word: Mapped[float | None]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost_micros: Mapped[int]
