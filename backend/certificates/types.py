"""What certificates are to the outside."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.courses.types import CourseId, EnrolmentId
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

CertificateId = NewType("CertificateId", UUID)

LONGEST_NAME = 200
"""Letters of a printed name."""
LONGEST_REASON = 500


class FileKind(StrEnum):
    """A form in which a certificate is downloaded."""

    PDF = "pdf"
    PNG = "png"

    @property
    def mime(self) -> str:
        """Its content type."""
        return {"pdf": "application/pdf", "png": "image/png"}[self.value]


class PrintReason(StrEnum):
    """Why files were made."""

    ISSUED = "issued"
    CORRECTED = "corrected"
    """By the person, once."""
    REISSUED = "reissued"
    """By an admin, any number of times."""


class Status(StrEnum):
    """Whether a certificate is good."""

    VALID = "valid"
    REVOKED = "revoked"
    """By an admin, who can undo it."""
    ACCESS_ENDED = "access_ended"
    """The person has lost the plan that it came with, such as by a refund. It is good again once they have it again."""


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate says, or said before it was corrected."""

    revision: int
    """Counts from 1."""
    name: str
    course: str
    """In the certificate's language."""
    hours: int | None
    reason: PrintReason
    printed_at: datetime
    printed_by: UserId


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, with what it says now."""

    id: CertificateId
    code: str
    """Sixteen signs, without hyphens."""
    user_id: UserId
    course_id: CourseId
    enrolment_id: EnrolmentId
    locale: Locale
    issuer: str
    """The shop's name when it was issued."""
    completed_on: date
    """The day on which the course was completed, on the person's calendar."""
    issued_at: datetime
    corrected_at: datetime | None
    """When the person corrected the name."""
    revoked_at: datetime | None
    revoke_reason: str
    plan_rank: int
    """Of the plan that it came with."""
    printed: Print

    @property
    def number(self) -> str:
        """The code as people read it."""
        return grouped(self.code)


def grouped(code: str) -> str:
    """A code in groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate with its status now."""

    certificate: Certificate
    status: Status


class Verified(Held, frozen=True, kw_only=True):
    """What the public page says."""

    course_slug: str


class AskPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a student has and lacks for the certificate of a course."""

    slug: str
    course: dict[str, str]
    """Its title by language."""
    run_number: int | None
    """Which run of the course this is about; None for somebody who never took it."""
    name: str
    """The person's name as Telegram has it."""
    in_plan: bool
    """Their plan includes a certificate."""
    access: bool
    completed: bool
    missing: int
    """How many required lessons are left, until the course is completed."""
    held: Held | None
    earlier: tuple[int, ...] = ()
    """The other runs for which they have a certificate or may have one."""

    @property
    def may_ask(self) -> bool:
        """Whether a certificate would be issued now."""
        return self.held is None and self.completed and self.in_plan


class Content(msgspec.Struct, frozen=True):
    """A file of a certificate."""

    name: str
    mime: str
    data: bytes


class OfficeRow(Held, frozen=True, kw_only=True):
    """A certificate in the list of the back office; ``person`` is the holder's name in Telegram."""

    person: str


class OfficePage(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in the back office, with everything that was ever printed of it, the latest first."""

    held: Held
    prints: tuple[Print, ...]
    names: dict[UserId, str]
    """Of the holder and of those who printed it."""


class CertificateIssued(Event, frozen=True, kw_only=True):
    """Somebody has a certificate; its files are made next."""

    certificate_id: CertificateId
    user_id: UserId
    revision: int = 1


class CertificateReprinted(Event, frozen=True, kw_only=True):
    """A certificate says something else from now on; its new files are made next."""

    certificate_id: CertificateId
    user_id: UserId
    revision: int


class CertificatePrinted(Event, frozen=True, kw_only=True):
    """The files of a revision are there."""

    certificate_id: CertificateId
    user_id: UserId
    revision: int


class CertificateRevoked(Event, frozen=True, kw_only=True):
    """An admin has revoked a certificate."""

    certificate_id: CertificateId
    user_id: UserId
    revoked_at: datetime


class CertificateRestored(Event, frozen=True, kw_only=True):
    """An admin has undone a revocation."""

    certificate_id: CertificateId
    user_id: UserId
    restored_at: datetime
