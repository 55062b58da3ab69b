"""Tables of lessons, their texts and media, and how far each student is."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, column, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model

_LIVE = text("deleted_at IS NULL")


class Lesson(Model):
    """A lesson of a course; the order is that of ``position``. A deleted one stays for those who have had it."""

    __tablename__ = "lessons"
    __table_args__ = (
        CheckConstraint("slug ~ '^[A-Za-z0-9_-]{1,60}$'", name="slug_fits_a_path"),
        CheckConstraint("position >= 1", name="position_positive"),
        CheckConstraint("minutes > 0", name="minutes_positive"),
        CheckConstraint("version >= 1", name="version_positive"),
        Index("uq_lessons_slug", "course_id", "slug", unique=True, postgresql_where=_LIVE),
        # Deferred: a change of the order writes one lesson after another.
        ExcludeConstraint(
            (column("course_id"), "="), (column("position"), "="), using="btree", where=_LIVE,
            name="ex_lessons_position", deferrable=True, initially="DEFERRED",
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    slug: Mapped[str]
    position: Mapped[int]
    required: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether progress and completion count it."""
    minutes: Mapped[int | None]
    """About how long it takes."""
    has_assignment: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it has an assignment in any language."""
    assignment_required: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the lesson is completed only by submitting its assignment."""
    quiz_version: Mapped[int | None]
    """The version of its quiz that attempts begin with; None for no quiz."""
    quiz_required: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the lesson is completed only by being done with its quiz."""
    publish_at: Mapped[datetime | None]
    """Nobody but teachers sees it before; None for at once."""
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Grows with every change of its text."""
    updated_at: Mapped[datetime]


class LessonText(Model):
    """A lesson in one language; ``body`` is Markdown."""

    __tablename__ = "lesson_texts"

    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    assignment: Mapped[str] = mapped_column(server_default=text("''"))
    """What students are to submit, as plain text; empty for no assignment."""


class LessonQuiz(Model):
    """A version of a lesson's quiz, which never changes: attempts keep the one that they began with."""

    __tablename__ = "lesson_quizzes"
    __table_args__ = (CheckConstraint("version >= 1", name="version_positive"),)

    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """A Quiz of ``types/quiz.py``, with its right answers."""
    created_at: Mapped[datetime]


class LessonMedia(Model):
    """A picture, video, sound or file of a course; ``path`` is its name in the course's folder, for the texts."""

    __tablename__ = "lesson_media"
    __table_args__ = (
        UniqueConstraint("course_id", "path"),
        CheckConstraint("kind IN ('picture', 'video', 'audio', 'file')", name="kind_known"),
        CheckConstraint("size >= 0", name="size_not_negative"),
        CheckConstraint("width > 0 AND height > 0 AND duration >= 0", name="measures_positive"),
        CheckConstraint("(shown IS NULL) = (shown_size IS NULL)", name="shown_with_its_size"),
        CheckConstraint("(telegram_file_id IS NULL) = (telegram_bot_id IS NULL)", name="file_of_a_bot"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    path: Mapped[str]
    mime: Mapped[str]
    size: Mapped[int]
    """In bytes."""
    sha256: Mapped[str]
    stored: Mapped[str]
    """The name of a private file: what the author gave us."""
    shown: Mapped[str | None]
    """The name of the private file that students get instead, without metadata; see decisions/0082."""
    shown_size: Mapped[int | None]
    kind: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration: Mapped[int | None]
    """In seconds."""
    telegram_file_id: Mapped[str | None]
    telegram_bot_id: Mapped[int | None]
    """The bot that the ``telegram_file_id`` is good for; with another token it is uploaded again."""


class LessonDelivery(Model):
    """A lesson that is open to a student since ``due_at``, and what became of its message in the chat."""

    __tablename__ = "lesson_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'claimed', 'sent', 'failed', 'skipped')", name="state_known"),
        CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="claimed_for_a_time"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at_a_time"),
        CheckConstraint("parts_sent >= 0", name="parts_not_negative"),
        CheckConstraint("state NOT IN ('failed', 'skipped') OR reason IS NOT NULL", name="not_sent_for_a_reason"),
        Index("ix_lesson_deliveries_lesson_id", "lesson_id", "enrolment_id"),
        Index("ix_lesson_deliveries_retry_at", "retry_at", postgresql_where=text("retry_at IS NOT NULL")),
    )

    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"), primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    due_at: Mapped[datetime]
    state: Mapped[str]
    lease_until: Mapped[datetime | None]
    chat_id: Mapped[int | None]
    message_id: Mapped[int | None]
    lesson_version: Mapped[int | None]
    """The version of the text that was sent, whole or in part."""
    parts_sent: Mapped[int] = mapped_column(server_default=text("0"))
    """How many of its messages but the last have arrived: the next try goes on after these."""
    part_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """The ids of these messages: what is replied to one of them is about the lesson."""
    reason: Mapped[str | None]
    retry_at: Mapped[datetime | None]
    """When its message is to be sent, or sent again; None where none is to be. Of a claimed one its lease's end."""
    sent_at: Mapped[datetime | None]


class LessonProgress(Model):
    """What a student has done in a lesson; ``place`` is where they left it: seconds of a video, or a block's number."""

    __tablename__ = "lesson_progress"
    __table_args__ = (
        CheckConstraint("place >= 0", name="place_not_negative"),
        Index("ix_lesson_progress_lesson_id", "lesson_id"),
    )

    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"), primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    opened_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    """When they first submitted the lesson's assignment."""
    quiz_done_at: Mapped[datetime | None]
    """When they passed the lesson's quiz, or had no attempt left."""
    place: Mapped[int] = mapped_column(server_default=text("0"))
