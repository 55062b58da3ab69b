"""Tables of certificates. Their files are encrypted."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class Certificate(Model):
    """A certificate of a person for a course, or for each run of it; what it says is the print of its ``revision``.

    No foreign key of ``data_key_id``: destroying the key is how its files are destroyed.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-HJKMNP-TV-Z]{16}$'", name="code_of_its_signs"),
        CheckConstraint("locale IN ('en', 'ar', 'ru')", name="locale_known"),
        CheckConstraint("revision >= 1", name="revision_positive"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason = '')", name="revoked_for_a_reason"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"),
        Index(
            "uq_certificates_course", "user_id", "course_id", unique=True, postgresql_where=text("NOT per_run"),
        ),
        Index("ix_certificates_course_id", "course_id", "id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id"))
    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("enrolments.id"), unique=True)
    per_run: Mapped[bool]
    """How the course was set when it was issued; a person has one without it for a course."""
    plan_rank: Mapped[int]
    locale: Mapped[str]
    issuer: Mapped[str]
    completed_on: Mapped[date] = mapped_column(Date())
    revision: Mapped[int]
    data_key_id: Mapped[UUID]
    issued_at: Mapped[datetime]
    corrected_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoke_reason: Mapped[str] = mapped_column(server_default=text("''"))


class CertificatePrint(Model):
    """What a certificate says, or said before; never changed."""

    __tablename__ = "certificate_prints"
    __table_args__ = (
        CheckConstraint("reason IN ('issued', 'corrected', 'reissued')", name="reason_known"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 200", name="name_fits"),
        CheckConstraint("(revision = 1) = (reason = 'issued')", name="issued_first"),
        Index(
            "uq_certificate_prints_corrected", "certificate_id", unique=True,
            postgresql_where=text("reason = 'corrected'"),
        ),
    )  # fmt: skip

    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    course: Mapped[str]
    hours: Mapped[int | None]
    reason: Mapped[str]
    printed_at: Mapped[datetime]
    printed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


class CertificateFile(Model):
    """A file of a print; ``stored`` names a private file."""

    __tablename__ = "certificate_files"
    __table_args__ = (
        CheckConstraint("kind IN ('pdf', 'png')", name="kind_known"),
        ForeignKeyConstraint(
            ["certificate_id", "revision"], ["certificate_prints.certificate_id", "certificate_prints.revision"]
        ),
    )

    certificate_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    stored: Mapped[str]
