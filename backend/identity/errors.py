"""Errors of the identity slice."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class Blocked(AppError):
    """The person is blocked. Only admins see the reason.

    ``language`` is theirs, for the page that says so: without a session nobody else knows it.
    """

    code = "blacklisted"
    kind = Kind.UNAUTHENTICATED

    def __init__(self, user_id: UserId, language: Locale | None = None) -> None:
        super().__init__(f"user {user_id}")
        self.user_id = user_id
        self.language = language


class SessionRevoked(AppError):
    """The session was created before the person's rights changed, or the person no longer exists."""

    code = "session_expired"
    kind = Kind.UNAUTHENTICATED


class SessionEnded(AppError):
    """Somebody has ended this session: Telegram must be asked again, by opening the shop from the bot."""

    code = "init_data_expired"
    kind = Kind.UNAUTHENTICATED


class InvitationClosed(AppError):
    """This link makes nobody an admin: it is unknown, used, revoked or expired, or its author lost the right."""

    code = "invitation_closed"
    kind = Kind.CONFLICT


class RoleNameTaken(AppError):
    """The shop has a role of this name already."""

    code = "role_name_taken"
    kind = Kind.CONFLICT


class TooManyRoles(AppError):
    """The shop has as many roles of its own as it may have."""

    code = "too_many_roles"
    kind = Kind.CONFLICT


class RootProtected(AppError):
    """The root admin cannot be removed, demoted or blocked."""

    code = "root_protected"
    kind = Kind.FORBIDDEN


class NotYourself(AppError):
    """An admin cannot remove their own rights or block themselves."""

    code = "not_yourself"
    kind = Kind.FORBIDDEN
