"""Tables of attempts at quizzes; the questions are courses' ``lesson_quizzes``."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class QuizAttempt(Model):
    """A student's attempt, with the version of the quiz that it began with; one at a time runs."""

    __tablename__ = "quiz_attempts"
    __table_args__ = (
        ForeignKeyConstraint(["lesson_id", "quiz_version"], ["lesson_quizzes.lesson_id", "lesson_quizzes.version"]),
        UniqueConstraint("enrolment_id", "lesson_id", "number"),
        CheckConstraint("number >= 1 AND place >= 1", name="number_positive"),
        CheckConstraint("points BETWEEN 0 AND total", name="points_of_total"),
        CheckConstraint(
            "(finished_at IS NULL) = (points IS NULL) AND (finished_at IS NULL) = (passed IS NULL)",
            name="finished_with_a_result",
        ),
        CheckConstraint("finished_at <= deadline_at", name="finished_in_time"),
        Index(
            "uq_quiz_attempts_running", "enrolment_id", "lesson_id", unique=True,
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index(
            "ix_quiz_attempts_deadline", "deadline_at",
            postgresql_where=text("finished_at IS NULL AND deadline_at IS NOT NULL"),
        ),
        Index("ix_quiz_attempts_lesson", "lesson_id", "started_at", "id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    lesson_id: Mapped[UUID]
    quiz_version: Mapped[int]
    number: Mapped[int]
    """From 1, of the enrolment's attempts at the lesson's quiz."""
    place: Mapped[int]
    """The number of the question that the student is at."""
    started_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    timed_out: Mapped[bool] = mapped_column(server_default=text("false"))
    """Finished by its deadline, not by the student."""
    points: Mapped[int | None]
    total: Mapped[int]
    passed: Mapped[bool | None]


class QuizAnswer(Model):
    """What was last answered to a question; of a finished attempt there is a row for every question."""

    __tablename__ = "quiz_answers"

    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("quiz_attempts.id"), primary_key=True)
    question_id: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """The numbers of the chosen options, from 1."""
    text: Mapped[str] = mapped_column(server_default=text("''"))
    answered_at: Mapped[datetime | None]
    """None for a question that was not answered."""
    is_right: Mapped[bool | None]
    """None while the attempt runs."""
