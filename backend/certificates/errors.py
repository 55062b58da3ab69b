"""Refusals of certificates."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class CourseNotCompleted(AppError):
    """Required lessons are left."""

    code = "course_not_completed"
    kind = Kind.CONFLICT


class NoCertificateInPlan(AppError):
    """The person's plan includes no certificate, or they have none any more."""

    code = "no_certificate_in_plan"
    kind = Kind.FORBIDDEN


class AlreadyCorrected(AppError):
    """The person has used their one correction."""

    code = "certificate_corrected"
    kind = Kind.CONFLICT


class CertificateNotValid(AppError):
    """The certificate was revoked, or the person's access has ended."""

    code = "certificate_not_valid"
    kind = Kind.CONFLICT
