"""What the database refused, for tests that break its rules on purpose."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def violated_constraint(error: DBAPIError) -> str:
    """The name of the constraint that the statement broke, or an empty text."""
    cause = getattr(error.orig, "__cause__", None) or error.orig
    return str(getattr(cause, "constraint_name", "") or "")
