"""Tables of what students submit and ask, and what teachers answer. Texts and files are encrypted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model

_WAITS = text("state = 'in_review'")


class Submission(Model):
    """An assignment of a student, once a lesson, or a question; its texts and files are in ``SubmissionVersion``.

    No foreign key of ``data_key_id``: destroying the key is how everything in it is destroyed.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        CheckConstraint("kind IN ('assignment', 'question')", name="kind_known"),
        CheckConstraint("state IN ('received', 'in_review', 'returned', 'accepted')", name="state_known"),
        CheckConstraint("versions >= 1", name="versions_positive"),
        CheckConstraint("state <> 'in_review' OR due_at IS NOT NULL", name="promised_while_in_review"),
        Index(
            "uq_submissions_assignment", "enrolment_id", "lesson_id", unique=True,
            postgresql_where=text("kind = 'assignment'"),
        ),
        Index("ix_submissions_lesson", "user_id", "lesson_id"),
        Index("ix_submissions_waiting", "due_at", "id", postgresql_where=_WAITS),
        Index("ix_submissions_answered_at", "answered_at", "id", postgresql_where=text("answered_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"))
    data_key_id: Mapped[UUID]
    state: Mapped[str]
    versions: Mapped[int]
    reviewer_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Who is to answer, or has answered last."""
    submitted_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    """When the latest version was first answered."""
    escalated_at: Mapped[datetime | None]
    """When all teachers were told that the latest version is overdue."""


class SubmissionVersion(Model):
    """What a student sent at a time; ``intent`` makes a second tap of the same button the same version."""

    __tablename__ = "submission_versions"
    __table_args__ = (
        UniqueConstraint("submission_id", "intent"),
        CheckConstraint("number >= 1", name="number_positive"),
    )

    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    """Its text, which may be empty."""
    intent: Mapped[str]
    submitted_at: Mapped[datetime]
    due_at: Mapped[datetime | None]


class SubmissionFile(Model):
    """A file of a version; ``stored`` is the name of an encrypted private file."""

    __tablename__ = "submission_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["submission_id", "version"], ["submission_versions.submission_id", "submission_versions.number"]
        ),
        UniqueConstraint("submission_id", "version", "position"),
        CheckConstraint("size > 0", name="size_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID]
    version: Mapped[int]
    position: Mapped[int]
    name: Mapped[str]
    mime: Mapped[str]
    size: Mapped[int]
    """In bytes, before it is encrypted."""
    stored: Mapped[str]


class Feedback(Model):
    """What a teacher says of a version: a draft until it is sent. Earlier texts are in ``FeedbackRevision``."""

    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(
            ["submission_id", "version"], ["submission_versions.submission_id", "submission_versions.number"]
        ),
        CheckConstraint("verdict IN ('accept', 'again')", name="verdict_known"),
        CheckConstraint("revision >= 1", name="revision_positive"),
        CheckConstraint("corrected_at IS NULL OR sent_at IS NOT NULL", name="corrected_after_sent"),
        Index(
            "uq_feedback_draft", "submission_id", "author_id", unique=True, postgresql_where=text("sent_at IS NULL")
        ),
        Index("ix_feedback_submission_id", "submission_id", "created_at"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID]
    version: Mapped[int]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    verdict: Mapped[str]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    corrected_at: Mapped[datetime | None]


class FeedbackRevision(Model):
    """A text that feedback had after it was sent, and before it was corrected."""

    __tablename__ = "feedback_revisions"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    written_at: Mapped[datetime]
