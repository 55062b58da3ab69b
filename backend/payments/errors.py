"""Errors of payments."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind, Unavailable


class BadWebhook(AppError):
    """A webhook call is not the provider's, or cannot be read."""

    code = "bad_webhook"
    kind = Kind.UNAUTHENTICATED


class PaymentConflict(AppError):
    """The idempotency key was used for another payment."""

    code = "idempotency_conflict"
    kind = Kind.CONFLICT


class ProviderDown(Unavailable):
    """The provider gives no answer that can be read; the same call may succeed later."""

    code = "provider_down"


class ProviderBusy(ProviderDown):
    """The provider was called too often; the same call succeeds later."""


class RefundRefused(AppError):
    """The provider will never send this refund."""

    code = "refund_refused"
    kind = Kind.CONFLICT


class RenewalRefused(AppError):
    """The provider will not change whether this subscription renews itself."""

    code = "renewal_refused"
    kind = Kind.CONFLICT


class RefundNotPossible(AppError):
    """The provider cannot refund this; the balance can be credited instead."""

    code = "refund_not_possible"
    kind = Kind.CONFLICT


class RefundTooMuch(AppError):
    """At most ``most`` can be refunded: the rest was not paid, or was refunded before."""

    code = "refund_too_much"
    kind = Kind.CONFLICT


class PaymentNotCredited(AppError):
    """The payment was never credited, so its refund cannot be recorded."""

    code = "payment_not_credited"
    kind = Kind.CONFLICT


class RefundCurrencyDiffers(AppError):
    """The provider reports a refund in another currency than that of the payment."""

    code = "refund_currency_differs"
    kind = Kind.CONFLICT


class PaymentClosed(AppError):
    """The payment is paid already, or has ended."""

    code = "payment_closed"
    kind = Kind.CONFLICT
