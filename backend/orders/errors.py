"""Errors of orders."""

from __future__ import annotations

from backend.kernel.errors import AppError, Invalid, Kind


class QuantityNotAllowed(AppError):
    """The quantity is outside ``minimum`` to ``maximum``."""

    code = "quantity_not_allowed"
    kind = Kind.INVALID


class WarrantyEnded(AppError):
    """There is no warranty for it: none was given, its time has ended, or it was refunded or claimed."""

    code = "warranty_ended"
    kind = Kind.CONFLICT


class ClaimDecided(AppError):
    """Another admin has decided the claim, or its line was refunded since."""

    code = "claim_decided"
    kind = Kind.CONFLICT


class NothingToReplaceWith(AppError):
    """No other key of the same goods is in stock."""

    code = "nothing_to_replace_with"
    kind = Kind.CONFLICT


class OrderTooLarge(AppError):
    """The order's price is more than an account can hold."""

    code = "order_too_large"
    kind = Kind.INVALID


class PersonLimitReached(AppError):
    """The buyer may have ``limit`` of these, and would have more."""

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
    """The buyer has ``limit`` unpaid orders, as many as are allowed; ``order`` is the number of the oldest."""

    code = "too_many_reservations"
    kind = Kind.CONFLICT


class ReservationTooLarge(AppError):
    """The buyer may reserve ``limit`` of these before paying; ``order`` is an unpaid order that has some, or empty."""

    code = "reservation_too_large"
    kind = Kind.CONFLICT


class ReservationsPaused(AppError):
    """Too many of the buyer's orders expired within a day: they can buy from the balance only."""

    code = "reservations_paused"
    kind = Kind.CONFLICT


class OrderNotPayable(AppError):
    """The order no longer awaits payment: it expired or was cancelled."""

    code = "order_not_payable"
    kind = Kind.CONFLICT


class PaymentTooLate(AppError):
    """The order's goods are not reserved for as long as a payment by this method takes at least."""

    code = "payment_too_late"
    kind = Kind.CONFLICT


class IdempotencyKeyReused(AppError):
    """The same idempotency key came with another purchase."""

    code = "idempotency_key_reused"
    kind = Kind.CONFLICT


class CartFull(AppError):
    """The cart has ``limit`` lines, as many as one order may have."""

    code = "cart_full"
    kind = Kind.CONFLICT


class CartChanged(AppError):
    """The cart is not what the buyer has confirmed: another device has changed or bought it."""

    code = "cart_changed"
    kind = Kind.CONFLICT


class SubscriptionNotOffered(AppError):
    """There is no subscription to these goods, or no enabled payment method can renew one at their price."""

    code = "subscription_not_offered"
    kind = Kind.CONFLICT


class AlreadySubscribed(AppError):
    """The person has a subscription to these goods that has not ended."""

    code = "already_subscribed"
    kind = Kind.CONFLICT


class SubscriptionHasEnded(AppError):
    """The subscription can't be cancelled or resumed any more."""

    code = "subscription_ended"
    kind = Kind.CONFLICT


class OwnOrder(AppError):
    """The order is of the admin who began the refund of many, or of the one who approved it."""

    code = "own_order"
    kind = Kind.FORBIDDEN


class TooManyOrders(AppError):
    """More than ``limit`` orders are acted on together."""

    code = "too_many_orders"
    kind = Kind.CONFLICT


class NoKeysToSend(AppError):
    """The order has no keys that can be sent to the chat."""

    code = "no_keys_to_send"
    kind = Kind.CONFLICT


class SentTooOften(AppError):
    """The keys were sent again ``limit`` times within 24 hours."""

    code = "sent_too_often"
    kind = Kind.CONFLICT


class NothingToHandOver(AppError):
    """Nothing of the order is still to be prepared."""

    code = "nothing_to_hand_over"
    kind = Kind.CONFLICT


class AnswersInvalid(Invalid):
    """A question of the seller is not answered, or not as it must be; nothing was charged.

    ``fields`` say what is wrong, by the variant's id, a dot and the question's id.
    """

    code = "answers_invalid"
