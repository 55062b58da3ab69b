"""Pure decisions of payments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.payments.errors import PaymentConflict
from backend.payments.types import Capabilities, Intent, IntentStatus, Outcome, ProviderState, Report, TopUpLimits

_S = IntentStatus
_PAID: Final = frozenset({_S.SUCCEEDED, _S.UNDERPAID, _S.OVERPAID})
_BACK: Final = frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED})

MOVES: Final[dict[IntentStatus, frozenset[IntentStatus]]] = {
    _S.CREATED: _PAID | {_S.PENDING, _S.CONFIRMING, _S.EXPIRED, _S.FAILED},
    _S.PENDING: _PAID | {_S.CONFIRMING, _S.EXPIRED, _S.FAILED},
    # A reorganised chain takes a transfer back out of sight.
    _S.CONFIRMING: _PAID | {_S.PENDING, _S.FAILED},
    _S.UNDERPAID: _PAID | _BACK,
    _S.SUCCEEDED: _BACK | {_S.OVERPAID},
    _S.OVERPAID: _BACK | {_S.OVERPAID},
    # Money that comes late is still money.
    _S.EXPIRED: _PAID | {_S.CONFIRMING},
    _S.FAILED: _PAID | {_S.CONFIRMING},
    _S.PARTIALLY_REFUNDED: _BACK,
    _S.REFUNDED: frozenset(),
}
"""From each status, those that may follow."""

_TARGETS: Final = {
    ProviderState.PENDING: _S.PENDING,
    ProviderState.CONFIRMING: _S.CONFIRMING,
    ProviderState.EXPIRED: _S.EXPIRED,
    ProviderState.FAILED: _S.FAILED,
}
_POLL_GROWTH: Final = 1.6
_POLL_MOST: Final = timedelta(minutes=10)


class Decision(msgspec.Struct, frozen=True):
    """What a report changes: the next status, and the money to be credited now."""

    outcome: Outcome
    status: IntentStatus | None = None
    credit: Money | None = None
    reason: str = ""


def _paid_status(amount: int, received: int) -> IntentStatus:
    if received == amount:
        return _S.SUCCEEDED
    return _S.UNDERPAID if received < amount else _S.OVERPAID


def decide(intent: Intent | None, report: Report) -> Decision:
    """What ``report`` means for ``intent``.

    Money that cannot be credited is never ignored: it is unmatched, for an admin to see.
    """
    if intent is None:
        return Decision(Outcome.UNMATCHED, reason="unknown_payment")
    if report.state is ProviderState.PAID and report.received is not None:
        return _decide_paid(intent, report.received)
    target = _TARGETS.get(report.state)
    if target is None or target not in MOVES[intent.status]:
        return Decision(Outcome.IGNORED, reason=f"{intent.status}_stays")
    return Decision(Outcome.APPLIED, target)


def _decide_paid(intent: Intent, received: Money) -> Decision:
    if received.currency != intent.amount.currency:
        return Decision(Outcome.UNMATCHED, reason="wrong_currency")
    if received <= intent.credited:
        return Decision(Outcome.IGNORED, reason="credited_before")
    target = _paid_status(intent.amount.amount, received.amount)
    if target not in MOVES[intent.status]:
        return Decision(Outcome.UNMATCHED, reason=f"paid_when_{intent.status}")
    return Decision(Outcome.APPLIED, target, received - intent.credited)


def is_news(intent: Intent, report: Report) -> bool:
    """Whether ``report`` would change ``intent``, so that an answer without news costs no write."""
    return decide(intent, report).outcome is not Outcome.IGNORED


def has_expired(intent: Intent, now: datetime) -> bool:
    """Whether ``intent`` has waited too long for any word of money."""
    return _S.EXPIRED in MOVES[intent.status] and now >= intent.expires_at


def is_polled(intent: Intent, now: datetime) -> bool:
    """Whether asking again makes sense: a payment that came short is followed until its time is over."""
    return intent.is_open and (intent.status is not _S.UNDERPAID or now < intent.expires_at)


def poll_delay(attempt: int, first_seconds: int) -> timedelta:
    """The wait before the ``attempt``-th question (from 0): it grows by 1.6, up to ten minutes."""
    seconds = first_seconds * _POLL_GROWTH ** min(attempt, 32)
    return min(timedelta(seconds=seconds), _POLL_MOST)


def transfer_key(intent: Intent) -> str:
    """The ledger's idempotency key of the next credit: ``payment:<id>``, with the sum before it for a later part."""
    return f"payment:{intent.id}" + (f":{intent.credited.amount}" if intent.credited else "")


def bounds(limits: TopUpLimits, capabilities: Capabilities) -> tuple[Money, Money]:
    """The smallest and largest top-up by a provider."""
    currency = limits.minimum.currency
    return Money(max(limits.minimum.amount, capabilities.minimum), currency), limits.maximum


def serves(capabilities: Capabilities, currency: str) -> bool:
    """Whether the provider takes ``currency``."""
    return capabilities.currencies is None or currency in capabilities.currencies


def check_amount(amount: Money, minimum: Money, maximum: Money) -> None:
    """Raises Invalid, with the field's code, unless ``amount`` may be paid in."""

    def refuse(code: str) -> Invalid:
        return Invalid(f"top-up of {amount.amount}", fields={"amount": code}, minimum=minimum, maximum=maximum)

    if amount.currency != minimum.currency:
        raise refuse("wrong_currency")
    if amount.amount <= 0:
        raise refuse("not_positive")
    if amount < minimum:
        raise refuse("below_minimum")
    if amount > maximum:
        raise refuse("above_maximum")


def check_same(intent: Intent, way: str, amount: Money, order_id: OrderId | None) -> None:
    """Raises PaymentConflict unless ``intent`` is what is asked for again."""
    if (intent.way, intent.amount, intent.order_id) != (way, amount, order_id):
        raise PaymentConflict(f"key of payment {intent.id}")


# Arabic-Indic and Persian digits, and both decimal signs.
_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫", "01234567890123456789.")


def read_amount(text: str, currency: str) -> Money:
    """The amount that a person typed, in his digits, with a point or a comma. Raises Invalid."""
    plain = text.strip().translate(_DIGITS).replace("\u00a0", "").replace(" ", "")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        return Money.parse(plain, currency)
    except (ValueError, OverflowError) as error:
        raise Invalid("not an amount", fields={"amount": "not_a_number"}) from error
