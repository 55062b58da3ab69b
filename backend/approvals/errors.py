"""What is refused to an admin."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class SecondAdminNeeded(AppError):
    """It is the admin's own wallet, order, deposit or request: another admin must do it."""

    code = "second_admin_needed"
    kind = Kind.FORBIDDEN
