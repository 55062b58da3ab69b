"""Errors of approvals."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class SecondAdminNeeded(AppError):
    """The wallet, order, deposit or request is the admin's own: another admin must act on it."""

    code = "second_admin_needed"
    kind = Kind.FORBIDDEN
