"""Certificates of a course in the back office."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal

import msgspec

from backend.certificates.types import LONGEST_NAME, OfficePage, OfficeRow, PrintReason, Status
from webapp.core.fields import Fields


class CertificateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in the list; ``person`` is the holder's name in Telegram."""

    id: str
    number: str
    name: str
    person: str
    issued_at: datetime
    status: Status


class CertificatesPage(msgspec.Struct, frozen=True, kw_only=True):
    """certificates/admin/certificates.html"""

    course_id: str
    title: str
    query: str
    rows: tuple[CertificateRow, ...]
    next_url: str | None
    more: bool
    hours: int | None
    per_run: bool
    plans: bool
    """A plan of the course includes a certificate."""


class TermsPage(msgspec.Struct, frozen=True):
    """certificates/admin/terms.html"""

    course_id: str
    form: Fields


class PrintRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a certificate says or said."""

    revision: int
    name: str
    course: str
    hours: int | None
    reason: PrintReason
    at: datetime
    by: str
    url: str
    """The address of its PDF."""


class OneCertificatePage(msgspec.Struct, frozen=True, kw_only=True):
    """certificates/admin/certificate.html"""

    course_id: str
    row: CertificateRow
    completed_on: date
    corrected_at: datetime | None
    revoked_at: datetime | None
    reason: str
    verify: str
    prints: tuple[PrintRow, ...]

    @property
    def path(self) -> str:
        """The address of the page."""
        return f"/admin/courses/{self.course_id}/certificates/{self.row.id}"


class AskSheet(msgspec.Struct, frozen=True, kw_only=True):
    """certificates/admin/_ask.html: why, or with which name, before something is done."""

    action: str
    verb: Literal["revoke", "restore", "reissue"]
    value: str = ""
    error: str = ""
    signs: str = ""
    longest: int = LONGEST_NAME


def certificate_row(row: OfficeRow) -> CertificateRow:
    """A certificate in the list."""
    one = row.certificate
    return CertificateRow(
        id=str(one.id),
        number=one.number,
        name=one.printed.name,
        person=row.person,
        issued_at=one.issued_at,
        status=row.status,
    )


def one_page(shown: OfficePage, public_url: str, address: Callable[[int], str]) -> OneCertificatePage:
    """A certificate; ``address`` makes that of a revision's PDF."""
    one, names = shown.held.certificate, shown.names
    row = OfficeRow(certificate=one, status=shown.held.status, person=names.get(one.user_id, ""))
    return OneCertificatePage(
        course_id=str(one.course_id),
        row=certificate_row(row),
        completed_on=one.completed_on,
        corrected_at=one.corrected_at,
        revoked_at=one.revoked_at,
        reason=one.revoke_reason,
        verify=f"{public_url}/verify/{one.number}",
        prints=tuple(
            PrintRow(
                revision=item.revision,
                name=item.name,
                course=item.course,
                hours=item.hours,
                reason=item.reason,
                at=item.printed_at,
                by=names.get(item.printed_by, ""),
                url=address(item.revision),
            )
            for item in shown.prints
        ),
    )
