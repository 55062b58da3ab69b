"""When a lesson counts as completed. See decisions/0083."""

from __future__ import annotations

from datetime import datetime

from backend.courses.types.access import AssignmentNeed


def needs_submission(need: AssignmentNeed, submitted_at: datetime | None) -> bool:
    """Whether the assignment must be submitted before the lesson can be completed."""
    return need is AssignmentNeed.REQUIRED and submitted_at is None


def completes(need: AssignmentNeed) -> bool:
    """Whether submitting the assignment completes the lesson; nobody waits for its feedback."""
    return need is AssignmentNeed.REQUIRED
