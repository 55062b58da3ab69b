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


class ProviderBusy(ProviderDown):
    """The provider was asked too often; a moment later it answers."""


class RefundRefused(AppError):
    """The provider will never send this refund."""

    code = "refund_refused"
    kind = Kind.CONFLICT


class RefundNotPossible(AppError):
    """The provider cannot send money back; the wallet can have it."""

    code = "refund_not_possible"
    kind = Kind.CONFLICT


class RefundTooMuch(AppError):
    """More than ``most`` can't go back: it was not paid, or has gone back already."""

    code = "refund_too_much"
    kind = Kind.CONFLICT


class PaymentNotCredited(AppError):
    """The money of the payment is not in the books, so none of it can be booked as gone back."""

    code = "payment_not_credited"
    kind = Kind.CONFLICT


class RefundCurrencyDiffers(AppError):
    """The provider tells of a refund in another currency than the payment was made in."""

    code = "refund_currency_differs"
    kind = Kind.CONFLICT


class PaymentClosed(AppError):
    """The payment is paid already, or its time is over."""

    code = "payment_closed"
    kind = Kind.CONFLICT
