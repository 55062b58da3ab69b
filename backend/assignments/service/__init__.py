"""Use cases of assignments, grouped."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assignments.service.review import ReviewService
from backend.assignments.service.submitting import SubmittingService
from backend.infra.crypto import KeyRing
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork

__all__ = ["AssignmentsServices", "ReviewService", "SubmittingService"]


@dataclass(frozen=True, kw_only=True)
class AssignmentsServices:
    """The services of this slice, one for each side."""

    submitting: SubmittingService
    """What students submit and ask."""
    review: ReviewService
    """What teachers answer."""

    @classmethod
    def build(cls, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles) -> AssignmentsServices:
        """Both of them; ``files`` stores what is submitted, encrypted."""
        return cls(
            submitting=SubmittingService(uow=uow, ring=ring, files=files),
            review=ReviewService(uow=uow, ring=ring),
        )
