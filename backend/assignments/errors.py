"""Refusals of assignments."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class NoAssignment(AppError):
    """The lesson has no assignment, or not any more."""

    code = "no_assignment"
    kind = Kind.CONFLICT


class NoFeedbackInPlan(AppError):
    """The student's plan has no feedback: there is no teacher to ask."""

    code = "no_feedback_in_plan"
    kind = Kind.FORBIDDEN


class AlreadyAnswered(AppError):
    """Somebody else has answered, or the student has sent another version, since the page was read."""

    code = "already_answered"
    kind = Kind.CONFLICT
