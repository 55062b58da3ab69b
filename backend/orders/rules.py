"""Pure decisions about orders."""

from __future__ import annotations

from datetime import datetime

from backend.catalog.types import Offer
from backend.identity.types import Actor
from backend.kernel.errors import Invalid
from backend.kernel.ids import parse_short_number, short_number
from backend.kernel.money import Money
from backend.orders.errors import PremiumOnly, QuantityNotAllowed
from backend.orders.types import OrderStatus
from backend.payments.errors import RefundTooMuch

MAX_OPEN_RESERVATIONS = 3
_PREFIX = "S-"
_MAX_QUANTITY = 1000
_KEY_LENGTHS = range(8, 65)


def order_number(sequence: int) -> str:
    """The number people see, such as ``S-4K7Q2M``."""
    return _PREFIX + short_number(sequence)


def parse_order_number(number: str) -> int | None:
    """The sequence behind an order number, or None where it can't be one."""
    return parse_short_number(number.strip().upper().removeprefix(_PREFIX))


def check_idempotency_key(key: str) -> None:
    """Raises Invalid unless the key has 8 to 64 printable ASCII characters."""
    if len(key) not in _KEY_LENGTHS or not (key.isascii() and key.isprintable()):
        raise Invalid("bad idempotency key", fields={"key": "bad_key"})


def check_offer(offer: Offer, actor: Actor, quantity: int) -> None:
    """Whether ``actor`` may buy ``quantity`` of ``offer``. Raises PremiumOnly, QuantityNotAllowed."""
    if offer.premium_only and not actor.is_premium:
        raise PremiumOnly()
    maximum = min(offer.max_quantity or _MAX_QUANTITY, _MAX_QUANTITY)
    if not offer.min_quantity <= quantity <= maximum:
        raise QuantityNotAllowed(minimum=offer.min_quantity, maximum=maximum)


def is_payable(status: OrderStatus, expires_at: datetime | None, now: datetime) -> bool:
    """Whether the order still waits for money."""
    return status is OrderStatus.AWAITING_PAYMENT and (expires_at is None or now < expires_at)


def check_refund(total: Money, refunded: Money, amount: Money) -> Money:
    """What has gone back in all after ``amount``. Raises RefundTooMuch, also for nothing."""
    left = total - refunded
    if amount.currency != total.currency or not 0 < amount.amount <= left.amount:
        raise RefundTooMuch(most=left)
    return refunded + amount
