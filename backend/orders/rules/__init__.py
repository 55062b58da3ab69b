"""Pure decisions about orders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from backend.catalog.types import Offer
from backend.growth.types.promos import PromoCodeId
from backend.kernel.errors import Invalid
from backend.kernel.ids import NumberPart, number_signs, parse_number_part, parse_short_number, short_number
from backend.kernel.money import Money
from backend.kernel.text import plain_signs
from backend.orders.errors import (
    PaymentTooLate,
    PremiumOnly,
    PriceChanged,
    QuantityNotAllowed,
    ReservationsPaused,
    ReservationTooLarge,
    TooManyReservations,
)
from backend.orders.types import (
    MOST_LINES,
    AmountDue,
    MethodCharge,
    OpenReservation,
    OrderStatus,
    PlacedOrder,
    RequestedLine,
    ReservationLimits,
    Reserved,
)
from backend.payments.types import PaymentMethod

LAPSES_COUNT_FOR = timedelta(hours=24)
"""How long an order that ended unpaid lowers what its buyer may reserve."""
_PAUSED_AFTER = 4
_LETTER = "S"
_PREFIX = f"{_LETTER}-"
# Without its hyphen it has to have a digit: "sending" is a word.
_NUMBER = re.compile(r"(?<![0-9A-Z])S(?: ?- ?|(?=[A-Z]{0,5}[0-9]))[0-9A-Z]{6}(?![0-9A-Z])")
_KEY_LENGTHS = range(8, 65)


def order_number(sequence: int) -> str:
    """The number people see, such as ``S-4K7Q2M``."""
    return _PREFIX + short_number(sequence)


def numbers_in(text: str) -> list[int]:
    """The sequences of all order numbers that stand in a text."""
    sequences = (parse_order_number(number) for number in _NUMBER.findall(plain_signs(text)))
    return [sequence for sequence in sequences if sequence is not None]


def parse_order_number(number: str) -> int | None:
    """The sequence behind an order number as typed or pasted, or None where it can't be one."""
    return parse_short_number(number_signs(number, _LETTER))


def parse_order_part(text: str) -> NumberPart | None:
    """The signs of an order number in ``text``: any of them, or the first ones after ``S-``; None where it has none."""
    plain = plain_signs(text)
    return parse_number_part(plain.removeprefix(_PREFIX), first=plain.startswith(_PREFIX))


def check_idempotency_key(key: str) -> None:
    """Raises Invalid unless the key has 8 to 64 printable ASCII characters."""
    if len(key) not in _KEY_LENGTHS or not (key.isascii() and key.isprintable()):
        raise Invalid("bad idempotency key", fields={"key": "bad_key"})


def check_requested(requested: Sequence[RequestedLine]) -> None:
    """Raises Invalid for nothing, for too many lines, and for one variant twice: its limits hold for a line."""
    if not 1 <= len(requested) <= MOST_LINES or len({item.variant_id for item in requested}) < len(requested):
        raise Invalid("no lines, too many, or one variant twice")


def request_hash(requested: Sequence[RequestedLine], *, use_balance: bool, codes: Sequence[PromoCodeId] = ()) -> bytes:
    """What tells one request for an order from another one; the order of its lines does not matter.

    The price that was confirmed is no part of it: it is a condition, which a purchase that went through has met. See
    decisions/0069. Stored with the order: a change here makes every replay of an older order a conflict.
    """
    lines = sorted((item.variant_id.hex, item.quantity) for item in requested)
    used = (sorted(code.hex for code in codes),) if codes else ()
    typed = sorted((item.variant_id.hex, *answer) for item in requested for answer in item.answers)
    answers = ({"answers": typed},) if typed else ()
    return hashlib.sha256(msgspec.json.encode((lines, use_balance, *used, *answers))).digest()


def is_replay(first: PlacedOrder, requested: Sequence[RequestedLine], request: bytes) -> bool:
    """Whether a request is the one that placed the ``first`` order; of old orders only the lines are known."""
    return first.requested == tuple(requested) if first.request is None else first.request == request


def check_confirmed(total: Money, confirmed: Money | None) -> None:
    """Raises PriceChanged for a price above the one that the buyer has agreed to; a lower one is passed on."""
    if confirmed is not None and (confirmed.currency != total.currency or confirmed < total):
        raise PriceChanged(total=total)


def check_offer(offer: Offer, quantity: int, *, premium: bool) -> None:
    """Whether somebody, a ``premium`` member or not, may buy so many. Raises PremiumOnly, QuantityNotAllowed."""
    if offer.premium_only and not premium:
        raise PremiumOnly()
    if not offer.min_quantity <= quantity <= offer.largest_order:
        raise QuantityNotAllowed(minimum=offer.min_quantity, maximum=offer.largest_order)


def unpaid_keys(quantity: int, total: Money, covered: Money) -> int:
    """How many of an order's keys the money on hold for it does not pay for. A key is covered wholly or not at all."""
    if not total:
        return 0
    return quantity - min(quantity, covered.amount * quantity // total.amount)


def share(whole: Money, part: Money, total: Money) -> Money:
    """How much of ``whole`` falls on ``part`` of a ``total``, rounded down."""
    return Money(whole.amount * part.amount // total.amount if total else 0, whole.currency)


def check_reservation(
    new: OpenReservation,
    others: Sequence[OpenReservation],
    free: int,
    lapses: int,
    limits: ReservationLimits,
    minimum: int = 1,
) -> None:
    """Whether a buyer may reserve ``new`` beside the lines of their ``others``. See decisions/0008.

    ``free`` counts the variant's keys that nobody has, ``lapses`` the buyer's orders that ended unpaid of late. What
    money on hold pays for counts nowhere. The variant's ``minimum`` for one order is always allowed, else nobody
    could order it. Raises TooManyReservations, ReservationTooLarge, ReservationsPaused.
    """
    keys = unpaid_keys(new.quantity, new.total, new.covered)
    unpaid = [(item, unpaid_keys(item.quantity, item.total, item.covered)) for item in others]
    unpaid = [(item, count) for item, count in unpaid if count]
    if not keys:
        return
    if lapses >= _PAUSED_AFTER:
        raise ReservationsPaused()
    most_orders = max(limits.orders - lapses, 1)
    if len({item.order_id for item, _ in unpaid}) >= most_orders:
        raise TooManyReservations(limit=most_orders, order=order_number(unpaid[0][0].sequence))
    same = [(item, count) for item, count in unpaid if item.variant_id == new.variant_id]
    held = sum(count for _, count in same)
    share = -(-(free + held) * limits.share // 100)
    limit = max(min(limits.keys >> lapses, share), minimum, 1)
    if held + keys > limit:
        raise ReservationTooLarge(limit=limit, order=order_number(same[0][0].sequence) if same else "")


def amount_due(
    total: Money, held: Money, balance: Money, methods: Sequence[PaymentMethod], *, use_balance: bool
) -> AmountDue:
    """How a price of ``total`` is paid, of which ``held`` is on hold already.

    Without ``use_balance`` all of it is paid by a payment method.
    """
    own = held + balance
    from_balance = min(own, total) if use_balance else Money.zero(total.currency)
    rest = total - from_balance
    return AmountDue(total, own, from_balance, rest, [method_charge(method, rest) for method in methods])


def method_charge(method: PaymentMethod, rest: Money) -> MethodCharge:
    """What ``method`` charges for ``rest``: no less than its minimum."""
    amount = max(rest, method.minimum)
    return MethodCharge(method, amount, amount - rest)


def payment_key(tap: str, method: str, amount: Money) -> str:
    """The idempotency key of a payment for an order: the same tap is one payment, for another amount another one."""
    return f"{tap}-{method}-{amount.amount}"


def is_payable(status: OrderStatus, expires_at: datetime | None, now: datetime) -> bool:
    """Whether the order still waits for money."""
    return status is OrderStatus.AWAITING_PAYMENT and (expires_at is None or now < expires_at)


def payment_end(
    order: Reserved, now: datetime, lifetime: timedelta, shortest: timedelta, longest: timedelta, *, again: bool
) -> datetime:
    """Until when an order's goods are kept for a payment that begins ``now``. See decisions/0009.

    The reservation waits for the payment's ``lifetime``, but no longer than ``longest`` from its beginning; ``again``:
    a payment of the same kind runs already, for which it waits. Raises PaymentTooLate where less than ``shortest`` is
    left.
    """
    left = order.expires_at - now
    end = order.expires_at
    if not again or left < shortest:
        end = max(end, min(now + lifetime, order.created_at + longest))
    if end - now < shortest:
        raise PaymentTooLate()
    return end


def extended(order: Reserved, now: datetime, step: timedelta, longest: timedelta) -> datetime:
    """The new end of a reservation for whose order money is on its way: ``step`` more, ``longest`` in all."""
    return max(order.expires_at, min(now + step, order.created_at + longest))
