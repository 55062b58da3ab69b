"""Whether a certificate is good, and for which enrolment one is given. See decisions/0087."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.certificates.types import Certificate, Status
from backend.courses.types.certifying import Completion


def status(certificate: Certificate, enrolments: Iterable[Completion], *, per_run: bool) -> Status:
    """Its status now; ``enrolments`` are those of its holder in its course.

    It stands as long as its holder has its plan, a higher one, or one that includes a certificate: in its run where
    each run has its own, else in any.
    """
    if certificate.revoked_at is not None:
        return Status.REVOKED
    for one in enrolments:
        counts = one.enrolment_id == certificate.enrolment_id or not per_run
        if counts and (one.certificate_rank > 0 or one.rank >= certificate.plan_rank):
            return Status.VALID
    return Status.ACCESS_ENDED


def chosen(enrolments: Sequence[Completion], run: int | None, *, per_run: bool) -> Completion | None:
    """The enrolment that somebody asks with: that of ``run``, else the present one.

    Where a course has one certificate for all runs, an earlier run that was completed counts as well.
    """
    if run is not None:
        return next((one for one in enrolments if one.run_number == run), None)
    if not per_run:
        completed = next((one for one in enrolments if one.certifies), None)
        if completed is not None:
            return completed
    return next(iter(enrolments), None)
