"""Pure decisions of payments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from backend.infra import reading
from backend.kernel.errors import Invalid
from backend.kernel.ids import NumberPart, OrderId, parse_number_part
from backend.kernel.money import Money
from backend.kernel.text import plain_signs
from backend.payments.errors import PaymentConflict, RefundNotPossible, RefundTooMuch
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentStatus,
    Outcome,
    ProviderReport,
    ProviderState,
    RefundChoice,
    RefundObstacle,
    TopUpLimits,
    Worth,
    amount_refusal,
    price,
)

_S = IntentStatus
_PAID: Final = frozenset({_S.SUCCEEDED, _S.UNDERPAID, _S.OVERPAID})
_BACK: Final = frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED})
_ENDED: Final = frozenset({_S.EXPIRED, _S.FAILED, _S.CANCELLED})

MOVES: Final[dict[IntentStatus, frozenset[IntentStatus]]] = {
    _S.CREATED: _PAID | {_S.PENDING, _S.CONFIRMING, _S.EXPIRED, _S.FAILED, _S.CANCELLED},
    _S.PENDING: _PAID | {_S.CONFIRMING, _S.EXPIRED, _S.FAILED, _S.CANCELLED},
    # A reorganised chain takes a transfer back out of sight.
    _S.CONFIRMING: _PAID | {_S.PENDING, _S.FAILED},
    _S.UNDERPAID: _PAID | _BACK,
    _S.SUCCEEDED: _BACK | {_S.OVERPAID},
    _S.OVERPAID: _BACK | {_S.OVERPAID},
    # Money that comes late is still money.
    _S.EXPIRED: _PAID | {_S.CONFIRMING},
    _S.FAILED: _PAID | {_S.CONFIRMING},
    _S.CANCELLED: _PAID | {_S.CONFIRMING},
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
_FOLLOW_EVERY: Final = timedelta(minutes=30)
MOST: Final = 10**15
"""What the ledger moves at once, in minor units."""
_RATES_MOVE: Final = 20
"""Money in another asset may be given away for a twentieth more than its price of now: the price moves."""


class Decision(msgspec.Struct, frozen=True):
    """What a report changes: the next status, and the money to be credited now (the shop's currency)."""

    outcome: Outcome
    status: IntentStatus | None = None
    credit: Money | None = None
    reason: str = ""


def payable_of(amount: Money, can: Capabilities) -> Money:
    """What a person pays for ``amount``, in the provider's asset."""
    return price(amount, can.asset or amount.currency, can.unit_price)


def credited_for(intent: Intent, received: Money) -> Money:
    """What ``received`` (of the asset) is worth, at the price that the payment was begun at; rounded down."""
    return Money(intent.amount.amount * received.amount // intent.payable.amount, intent.amount.currency)


def _paid_status(payable: Money, received: Money) -> IntentStatus:
    if received == payable:
        return _S.SUCCEEDED
    return _S.UNDERPAID if received < payable else _S.OVERPAID


def decide(intent: Intent | None, report: ProviderReport) -> Decision:
    """What ``report`` means for ``intent``.

    Money that cannot be credited is never ignored: it is unmatched, for an admin to see.
    """
    if intent is None:
        return Decision(Outcome.UNMATCHED, reason="unknown_payment")
    if report.state is ProviderState.PAID and report.received is not None:
        return _decide_paid(intent, report.received)
    if report.state is ProviderState.REFUNDED and report.refunded is not None:
        return _decide_refunded(intent, report.refunded)
    target = _TARGETS.get(report.state)
    if target is None or target not in MOVES[intent.status]:
        return Decision(Outcome.IGNORED, reason=f"{intent.status}_stays")
    return Decision(Outcome.APPLIED, target)


def _decide_paid(intent: Intent, received: Money) -> Decision:
    if received.currency != intent.payable.currency:
        return Decision(Outcome.UNMATCHED, reason="wrong_currency")
    if received <= intent.received:
        return Decision(Outcome.IGNORED, reason="credited_before")
    if intent.amount.amount * received.amount // intent.payable.amount > MOST:
        return Decision(Outcome.UNMATCHED, reason="too_large")
    target = _paid_status(intent.payable, received)
    if target not in MOVES[intent.status]:
        return Decision(Outcome.UNMATCHED, reason=f"paid_when_{intent.status}")
    return Decision(Outcome.APPLIED, target, credited_for(intent, received) - intent.credited)


def _decide_refunded(intent: Intent, refunded: Money) -> Decision:
    """A refund of ours is in the books before it is sent; any other was made at the provider, behind our back."""
    if refunded.currency != intent.payable.currency:
        return Decision(Outcome.UNMATCHED, reason="wrong_currency")
    if refunded <= known_refund(intent):
        return Decision(Outcome.IGNORED, reason="refunded_before")
    return Decision(Outcome.UNMATCHED, reason="refunded_elsewhere")


def refunded_status(intent: Intent, refunded: Money) -> IntentStatus:
    """The status of a payment of which ``refunded`` has gone back in all; none of it, once a refund has failed."""
    if not refunded:
        return _paid_status(intent.payable, intent.received)
    return _S.REFUNDED if refunded >= intent.credited else _S.PARTIALLY_REFUNDED


def known_refund(intent: Intent) -> Money:
    """What the provider has sent back as far as the books know, in its asset."""
    back = intent.received.amount * intent.refunded.amount // intent.credited.amount if intent.credited else 0
    return Money(back, intent.payable.currency)


def unbooked_refund(intent: Intent, back: Money) -> Money:
    """What ``back`` (all that went back, in the asset) is worth beyond what the books know, in the shop's currency."""
    total = intent.credited.amount * min(back.amount, intent.received.amount) // max(intent.received.amount, 1)
    return Money(max(total - intent.refunded.amount, 0), intent.amount.currency)


def refunded_elsewhere(intent: Intent, failed: Money, told: Money) -> Money:
    """What of ``failed``, a refund in the books that the provider refused, has gone back by other hands.

    In the shop's currency; ``told`` is the most that the provider ever said had gone back, in its asset. Such a refund
    looks like ours as long as ours is in the books, so only now is it seen that there was another.
    """
    if told >= known_refund(intent):
        return failed
    return unbooked_refund(msgspec.structs.replace(intent, refunded=intent.refunded - failed), told)


def worth(came: Money | None, currency: str, can: Capabilities | None) -> Worth | None:
    """What ``came`` is worth in ``currency`` by its provider's price, and the most to give for it; None if unknown."""
    if came is not None and came.currency == currency:
        return Worth(came, came)
    if came is None or can is None or can.asset != came.currency:
        return None
    amount = came.convert(can.unit_price, currency)
    return Worth(amount, amount + Money(amount.amount // _RATES_MOVE, currency))


def check_assigned(amount: Money, currency: str, worth: Worth | None) -> None:
    """Raises Invalid, with the field's code, unless ``amount`` may be given for money that is worth so much."""
    if amount.currency != currency or not 0 < amount.amount <= MOST:
        raise Invalid("no amount to credit", fields={"amount": "not_positive"})
    if worth is None:
        raise Invalid("nobody knows what it is worth", fields={"amount": "no_price"})
    if amount > worth.most:
        raise Invalid("more than came", fields={"amount": "above_maximum"}, maximum=worth.most)


def is_another_charge(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` names ``intent`` and is not of it: a second charge, or something opened under another name.

    Strangers may write a payment's id into other business of the same account; the provider's id they cannot choose.
    """
    opened_elsewhere = report.external_id not in {None, intent.external_id or report.external_id}
    other_charge = report.sole_charge and intent.charge_id not in {None, report.charge_id}
    return opened_elsewhere or other_charge


def seen_at(intent: Intent, can: Capabilities | None) -> str:
    """Where anybody can see the payment's latest transfer; empty where nothing has come, or nobody shows it."""
    if can is None or not intent.charge_id:
        return ""
    return can.explorer.replace("{tx}", quote(intent.charge_id.partition(":")[0], safe=""))


def changes(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` would change ``intent``, so that an answer without news costs no write."""
    return decide(intent, report).outcome is not Outcome.IGNORED


def is_progress(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` tells something new of money that is still on its way."""
    return report.state is ProviderState.CONFIRMING and intent.is_open and report.details != intent.progress


def has_expired(intent: Intent, now: datetime) -> bool:
    """Whether ``intent`` has waited too long for any word of money."""
    return _S.EXPIRED in MOVES[intent.status] and now >= intent.expires_at


def ended_unpaid(intent: Intent, now: datetime) -> bool:
    """Whether ``intent`` ended without money: its payer starts another one."""
    return not intent.received and (intent.status in _ENDED or has_expired(intent, now))


def may_receive_money(intent: Intent) -> bool:
    """Whether money may be on its way; also by a method that its payer has given up since."""
    return intent.is_open or intent.status is _S.CANCELLED


def should_poll(intent: Intent, now: datetime, can: Capabilities) -> bool:
    """Whether asking the provider makes sense: while money may come, and for a while after, where nobody else tells."""
    if now < intent.expires_at:
        return intent.status not in {_S.FAILED, _S.REFUNDED} and (may_receive_money(intent) or can.follow_seconds > 0)
    if now < intent.expires_at + timedelta(seconds=can.follow_seconds):
        return intent.status not in {_S.FAILED, _S.REFUNDED}
    return intent.is_open and intent.status is not _S.UNDERPAID


def poll_delay(attempt: int, can: Capabilities, *, follows: bool = False) -> timedelta:
    """The wait before the ``attempt``-th question (from 0): it grows by 1.6 up to the provider's slowest.

    A payment that is only followed is asked about every half hour.
    """
    if follows:
        return _FOLLOW_EVERY
    seconds = can.first_poll_seconds * _POLL_GROWTH ** min(attempt, 32)
    return timedelta(seconds=min(seconds, max(can.slowest_poll_seconds, can.first_poll_seconds)))


def refund_choice(intent: Intent, can: Capabilities | None, balance: Money) -> RefundChoice:
    """What of a top-up can go back through its provider out of a wallet that holds ``balance``, or why nothing."""
    zero = Money.zero(intent.amount.currency)
    whole_only = can is not None and not can.partial_refunds
    obstacle = None
    if not intent.refundable or (whole_only and intent.refunded):
        obstacle = RefundObstacle.NOTHING_LEFT
    elif can is None:
        obstacle = RefundObstacle.METHOD_OFF
    elif not can.refundable:
        obstacle = RefundObstacle.METHOD_CANNOT
    elif balance.amount <= 0 or (whole_only and balance < intent.refundable):
        obstacle = RefundObstacle.SPENT
    if obstacle is not None:
        return RefundChoice(most=zero, whole_only=whole_only, obstacle=obstacle)
    return RefundChoice(most=min(intent.refundable, balance, key=lambda money: money.amount), whole_only=whole_only)


def check_refund(intent: Intent, amount: Money, can: Capabilities | None) -> None:
    """Raises RefundNotPossible, RefundTooMuch unless the provider can send ``amount`` of this payment back."""
    if can is None or not can.refundable or (not can.partial_refunds and amount != intent.credited):
        raise RefundNotPossible(intent.method)
    if not 0 < amount.amount <= intent.refundable.amount:
        raise RefundTooMuch(most=intent.refundable)
    if not intent.refund_payable(amount):
        raise RefundNotPossible("less than the provider's smallest unit")


def shares(intents: Iterable[Intent], amount: Money) -> list[tuple[Intent, Money]]:
    """How ``amount`` goes back over several payments, each in turn as far as it reaches. Raises RefundTooMuch."""
    left, taken = amount, []
    for intent in intents:
        part = min(left, intent.refundable, key=lambda money: money.amount)
        if part:
            taken.append((intent, part))
            left -= part
    if left:
        raise RefundTooMuch(most=amount - left)
    return taken


def parse_reference_part(text: str) -> NumberPart | None:
    """The signs of a payment's reference in ``text``: any of them, or the first ones after ``D-``; None for none."""
    plain = plain_signs(text)
    return parse_number_part(plain.removeprefix("D-"), first=plain.startswith("D-"))


def as_id(text: str) -> UUID | None:
    """The id that the text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def transfer_key(intent: Intent) -> str:
    """The ledger's idempotency key of the next credit: ``payment:<id>``, with the sum before it for a later part."""
    return f"payment:{intent.id}" + (f":{intent.credited.amount}" if intent.credited else "")


def bounds(limits: TopUpLimits, capabilities: Capabilities) -> tuple[Money, Money]:
    """The smallest and largest top-up by a provider."""
    currency = limits.minimum.currency
    most = limits.maximum.amount if capabilities.maximum is None else min(limits.maximum.amount, capabilities.maximum)
    return Money(max(limits.minimum.amount, capabilities.minimum), currency), Money(most, currency)


def serves(capabilities: Capabilities, currency: str) -> bool:
    """Whether the provider takes ``currency``."""
    return capabilities.currencies is None or currency in capabilities.currencies


def check_amount(amount: Money, minimum: Money, maximum: Money) -> None:
    """Raises Invalid, with the field's code, unless ``amount`` may be paid in."""
    if code := amount_refusal(amount, minimum, maximum):
        raise Invalid(f"top-up of {amount.amount}", fields={"amount": code}, minimum=minimum, maximum=maximum)


def check_same(intent: Intent, method: str, amount: Money, order_id: OrderId | None) -> None:
    """Raises PaymentConflict unless ``intent`` is what is asked for again."""
    if (intent.method, intent.amount, intent.order_id) != (method, amount, order_id):
        raise PaymentConflict(f"key of payment {intent.id}")


def read_amount(text: str, currency: str) -> Money:
    """The amount that a person typed, as ``reading.amount`` understands it. Raises Invalid."""
    try:
        return reading.amount(text, currency)
    except (ValueError, OverflowError) as error:
        raise Invalid("not an amount", fields={"amount": "not_a_number"}) from error
