"""What the payments refuse."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind, Unavailable


class BadWebhook(AppError):
    """The call does not come from the provider, or cannot be read."""

    code = "bad_webhook"
    kind = Kind.UNAUTHENTICATED


class PaymentConflict(AppError):
    """The idempotency key was used before, for another payment."""

    code = "idempotency_conflict"
    kind = Kind.CONFLICT


class ProviderDown(Unavailable):
    """The provider does not answer, or not sensibly; the same call may succeed later."""

    code = "provider_down"
