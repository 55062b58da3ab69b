"""Who has completed a course, and may have a certificate for it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.courses.types import CourseId, EnrolmentId, RunId
from backend.kernel.ids import UserId


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment as certificates see it."""

    enrolment_id: EnrolmentId
    course_id: CourseId
    user_id: UserId
    run_id: RunId
    run_number: int
    completed_at: datetime | None
    """Lessons that are added later don't undo it."""
    rank: int
    """Of the highest plan that the person has in this run now; 0 where their access has ended."""
    certificate_rank: int
    """Of the highest such plan that includes a certificate; 0 for none."""
    missing: int
    """How many of the required lessons that there are now are not completed."""

    @property
    def certifies(self) -> bool:
        """Whether the person may have a certificate for this run now."""
        return self.completed_at is not None and self.certificate_rank > 0
