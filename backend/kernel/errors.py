"""One family of errors: a code for the reader's words, a kind for the answer, details for the log."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of refusal it is; delivery maps each to one status and one page."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    CONFLICT = "conflict"
    INVALID = "invalid"
    PAYMENT_REQUIRED = "payment_required"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


RETRYABLE: frozenset[Kind] = frozenset({Kind.RATE_LIMITED, Kind.UNAVAILABLE})
LOG_LEVEL: dict[Kind, str] = {
    Kind.NOT_FOUND: "info",
    Kind.FORBIDDEN: "warning",
    Kind.UNAUTHENTICATED: "info",
    Kind.CONFLICT: "info",
    Kind.INVALID: "info",
    Kind.PAYMENT_REQUIRED: "info",
    Kind.RATE_LIMITED: "warning",
    Kind.UNAVAILABLE: "error",
}


class AppError(Exception):
    """An expected refusal.

    Subclasses set ``code`` (snake_case, looked up in the reader's language) and ``kind``. ``params`` fill the
    words; ``detail`` goes to the log only.
    """

    code: ClassVar[str]
    kind: ClassVar[Kind]

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.params = params

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change."""
        return self.kind in RETRYABLE


class Invalid(AppError):
    """A form or a payload is wrong; ``fields`` maps a field's name to an error code for the words beside it."""

    code = "invalid_input"
    kind = Kind.INVALID

    def __init__(self, detail: str = "", *, fields: dict[str, str] | None = None, **params: object) -> None:
        super().__init__(detail, **params)
        self.fields = fields or {}


class NotFound(AppError):
    """There is nothing at this address, or the actor may not see it."""

    code = "not_found"
    kind = Kind.NOT_FOUND


class Forbidden(AppError):
    """The actor may not do this."""

    code = "forbidden"
    kind = Kind.FORBIDDEN


class Unavailable(AppError):
    """A component that is needed does not respond now."""

    code = "unavailable"
    kind = Kind.UNAVAILABLE


class RateLimited(AppError):
    """Too many tries; ``retry_after`` is the wait in seconds."""

    code = "rate_limited"
    kind = Kind.RATE_LIMITED

    def __init__(self, retry_after: int, detail: str = "") -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after
