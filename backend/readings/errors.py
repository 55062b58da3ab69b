"""Refusals of the reading room."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class NotEnoughCredits(AppError):
    """The person has fewer credits than the spread costs; ``params`` are ``needed`` and ``balance``."""

    code = "not_enough_credits"
    kind = Kind.PAYMENT_REQUIRED
