"""When a lesson counts as completed. See decisions/0083 and 0086."""

from __future__ import annotations

from datetime import datetime

from backend.courses.types.access import AssignmentNeed, QuizNeed


def needs_submission(need: AssignmentNeed, submitted_at: datetime | None) -> bool:
    """Whether the assignment must be submitted before the lesson can be completed."""
    return need is AssignmentNeed.REQUIRED and submitted_at is None


def completes(need: AssignmentNeed) -> bool:
    """Whether submitting the assignment completes the lesson; nobody waits for its feedback."""
    return need is AssignmentNeed.REQUIRED


def needs_quiz(need: QuizNeed, done_at: datetime | None) -> bool:
    """Whether the student must be done with the quiz before the lesson can be completed."""
    return need is QuizNeed.REQUIRED and done_at is None
