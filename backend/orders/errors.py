"""Refusals of orders."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class QuantityNotAllowed(AppError):
    """The quantity is outside ``minimum`` to ``maximum``."""

    code = "quantity_not_allowed"
    kind = Kind.INVALID


class PersonLimitReached(AppError):
    """The buyer has had ``limit`` of these already, or would have more."""

    code = "person_limit_reached"
    kind = Kind.CONFLICT


class PremiumOnly(AppError):
    """Only premium people may buy this."""

    code = "premium_only"
    kind = Kind.FORBIDDEN


class PriceChanged(AppError):
    """The purchase now costs ``total``, and not what the buyer has confirmed; nothing was charged."""

    code = "price_changed"
    kind = Kind.CONFLICT


class TooManyReservations(AppError):
    """``limit`` unpaid orders already hold goods for this buyer."""

    code = "too_many_reservations"
    kind = Kind.CONFLICT


class OrderNotPayable(AppError):
    """The order no longer waits for money: it lapsed or was cancelled."""

    code = "order_not_payable"
    kind = Kind.CONFLICT


class IdempotencyKeyReused(AppError):
    """The same idempotency key came with another purchase."""

    code = "idempotency_key_reused"
    kind = Kind.CONFLICT
