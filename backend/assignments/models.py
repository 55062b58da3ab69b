"""Tables of what students submit and ask, and what teachers answer. Texts and files are encrypted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
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
        Index("ix_submissions_course_id", "course_id", "lesson_id"),
        Index("ix_submissions_waiting", "due_at", "id", postgresql_where=_WAITS),
        Index("ix_submissions_answered_at", "answered_at", "id", postgresql_where=text("answered_at IS NOT NULL")),
        CheckConstraint("archived IS NULL OR state <> 'in_review'", name="archived_after_review"),
        CheckConstraint("(archived IS NULL) = (archived_at IS NULL)", name="archived_with_moment"),
        Index(
            "ix_submissions_touched", text("GREATEST(submitted_at, answered_at, restored_at)"),
            postgresql_where=text("archived IS NULL AND state <> 'in_review'"),
        ),
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
    archived: Mapped[str | None]
    """The private file that has its versions, files and feedback, which are in no table then."""
    archived_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    """When it was last moved back out of the archive, because somebody opened it."""


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
    """A file of a version; ``stored`` names an encrypted private file, None for one that is only in the chat."""

    __tablename__ = "submission_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["submission_id", "version"], ["submission_versions.submission_id", "submission_versions.number"]
        ),
        UniqueConstraint("submission_id", "version", "position"),
        UniqueConstraint("chat_id", "message_id"),
        CheckConstraint("size >= 0", name="size_not_negative"),
        CheckConstraint("stored IS NOT NULL OR message_id IS NOT NULL", name="somewhere"),
        CheckConstraint("(chat_id IS NULL) = (message_id IS NULL)", name="message_of_a_chat"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID]
    version: Mapped[int]
    position: Mapped[int]
    name: Mapped[str]
    mime: Mapped[str]
    size: Mapped[int]
    """In bytes, before it is encrypted."""
    stored: Mapped[str | None]
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """The student's message with it, which is copied to the teacher."""


class Feedback(Model):
    """What a teacher says of a version: a draft until it is sent. Earlier texts are in ``FeedbackRevision``."""

    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(
            ["submission_id", "version"], ["submission_versions.submission_id", "submission_versions.number"]
        ),
        UniqueConstraint("chat_id", "message_id"),
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
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """The teacher's message in the chat that it was made of."""
    copied: Mapped[bool] = mapped_column(server_default=text("false"))
    """That message is copied to the student, since it is more than a short text."""


class FeedbackRevision(Model):
    """A text that feedback had after it was sent, and before it was corrected."""

    __tablename__ = "feedback_revisions"

    feedback_id: Mapped[UUID] = mapped_column(ForeignKey("feedback.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    written_at: Mapped[datetime]


class SubmissionPart(Model):
    """A message of a student in the chat that becomes a version, alone or with the others of its album.

    ``text`` is encrypted with a key of its own, which is destroyed once the version has it.
    """

    __tablename__ = "submission_parts"
    __table_args__ = (
        CheckConstraint("kind IN ('assignment', 'question')", name="kind_known"),
        Index(
            "ix_submission_parts_album", "chat_id", "media_group_id",
            postgresql_where=text("media_group_id IS NOT NULL"),
        ),
    )  # fmt: skip

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"))
    about_id: Mapped[UUID | None] = mapped_column(ForeignKey("submissions.id"))
    """The question that it goes on with."""
    media_group_id: Mapped[str | None]
    data_key_id: Mapped[UUID | None]
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Its text or caption; None where there is none, and once it is in a version."""
    has_file: Mapped[bool]
    file_id: Mapped[str | None]
    """Telegram's id, for downloading it; None for what can only be copied, such as a place on the map."""
    file_name: Mapped[str | None]
    file_size: Mapped[int | None]
    """In bytes, as far as Telegram says it."""
    received_at: Mapped[datetime]
    submission_id: Mapped[UUID | None] = mapped_column(ForeignKey("submissions.id"))
    version: Mapped[int | None]
    """The version that it is in; None while it waits."""
    refused: Mapped[str | None]
    """Why it is in none."""


class SubmissionOpening(Model):
    """What a student writes next belongs to this lesson: they have pressed its button."""

    __tablename__ = "submission_openings"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id"))
    opened_at: Mapped[datetime]
