"""Refusals of the identity slice."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class Blocked(AppError):
    """The person is shut out. The reason is for admins: it is not told to him."""

    code = "blacklisted"
    kind = Kind.UNAUTHENTICATED


class SessionRevoked(AppError):
    """The session was made before the person's rights changed, or the person is gone."""

    code = "session_expired"
    kind = Kind.UNAUTHENTICATED


class RootProtected(AppError):
    """The root admin cannot be removed, demoted or blacklisted."""

    code = "root_protected"
    kind = Kind.FORBIDDEN


class NotYourself(AppError):
    """An admin may not take his own rights away or blacklist himself."""

    code = "not_yourself"
    kind = Kind.FORBIDDEN
