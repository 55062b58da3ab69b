"""Pure decisions of payments: status changes, credits, refunds, polling."""

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
from backend.payments.types.providers import PERIOD

_S = IntentStatus
_PAID: Final = frozenset({_S.SUCCEEDED, _S.UNDERPAID, _S.OVERPAID})
_REFUNDED: Final = frozenset({_S.PARTIALLY_REFUNDED, _S.REFUNDED})
_ENDED: Final = frozenset({_S.EXPIRED, _S.FAILED, _S.CANCELLED})

MOVES: Final[dict[IntentStatus, frozenset[IntentStatus]]] = {
    _S.CREATED: _PAID | {_S.PENDING, _S.CONFIRMING, _S.EXPIRED, _S.FAILED, _S.CANCELLED},
    _S.PENDING: _PAID | {_S.CONFIRMING, _S.EXPIRED, _S.FAILED, _S.CANCELLED},
    # When a chain is reorganised, a transfer may disappear.
    _S.CONFIRMING: _PAID | {_S.PENDING, _S.FAILED},
    _S.UNDERPAID: _PAID | _REFUNDED,
    _S.SUCCEEDED: _REFUNDED | {_S.OVERPAID},
    _S.OVERPAID: _REFUNDED | {_S.OVERPAID},
    # Late money is credited too.
    _S.EXPIRED: _PAID | {_S.CONFIRMING},
    _S.FAILED: _PAID | {_S.CONFIRMING},
    _S.CANCELLED: _PAID | {_S.CONFIRMING},
    _S.PARTIALLY_REFUNDED: _REFUNDED,
    _S.REFUNDED: frozenset(),
}
"""The statuses that may follow each status."""

_TARGETS: Final = {
    ProviderState.PENDING: _S.PENDING,
    ProviderState.CONFIRMING: _S.CONFIRMING,
    ProviderState.EXPIRED: _S.EXPIRED,
    ProviderState.FAILED: _S.FAILED,
}
_POLL_GROWTH: Final = 1.6
_FOLLOW_EVERY: Final = timedelta(minutes=30)
MOST: Final = 10**15
"""The largest amount of one transfer, in minor units."""
_PRICE_TOLERANCE: Final = 20
"""Foreign money may be credited for up to a twentieth more than today's price, since prices move."""


class Decision(msgspec.Struct, frozen=True):
    """What a report changes: the next status, and the amount to credit now (in the shop's currency)."""

    outcome: Outcome
    status: IntentStatus | None = None
    credit: Money | None = None
    reason: str = ""


def payable_of(amount: Money, can: Capabilities) -> Money:
    """What a buyer pays for ``amount``, in the provider's asset."""
    return price(amount, can.asset or amount.currency, can.unit_price)


def credited_for(intent: Intent, received: Money) -> Money:
    """What ``received`` (in the asset) is worth at the price that the payment was started with; rounded down."""
    return Money(intent.amount.amount * received.amount // intent.payable.amount, intent.amount.currency)


def _paid_status(payable: Money, received: Money) -> IntentStatus:
    if received == payable:
        return _S.SUCCEEDED
    return _S.UNDERPAID if received < payable else _S.OVERPAID


def decide(intent: Intent | None, report: ProviderReport) -> Decision:
    """Decide what ``report`` changes in ``intent``.

    Money that cannot be credited is never ignored: it becomes an unmatched payment, for an admin.
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
    """The shop's own refunds are in the ledger before they are sent; any other was made at the provider."""
    if refunded.currency != intent.payable.currency:
        return Decision(Outcome.UNMATCHED, reason="wrong_currency")
    if refunded <= known_refund(intent):
        return Decision(Outcome.IGNORED, reason="refunded_before")
    return Decision(Outcome.UNMATCHED, reason="refunded_elsewhere")


def refunded_status(intent: Intent, refunded: Money) -> IntentStatus:
    """The status of a payment with the refund total ``refunded``, which is zero after its only refund failed."""
    if not refunded:
        return _paid_status(intent.payable, intent.received)
    return _S.REFUNDED if refunded >= intent.credited else _S.PARTIALLY_REFUNDED


def known_refund(intent: Intent) -> Money:
    """The refund total in the ledger, in the provider's asset."""
    refunded = intent.received.amount * intent.refunded.amount // intent.credited.amount if intent.credited else 0
    return Money(refunded, intent.payable.currency)


def unbooked_refund(intent: Intent, reported: Money) -> Money:
    """What of ``reported`` (the refund total, in the asset) is not in the ledger yet, in the shop's currency."""
    total = intent.credited.amount * min(reported.amount, intent.received.amount) // max(intent.received.amount, 1)
    return Money(max(total - intent.refunded.amount, 0), intent.amount.currency)


def refunded_elsewhere(intent: Intent, failed: Money, reported: Money) -> Money:
    """What of ``failed``, a refund that the provider refused, was refunded outside the shop; in the shop's currency.

    ``reported`` is the largest refund total that the provider ever reported, in its asset. While the shop's own refund
    was in the ledger, the provider's report looked like that one; its refusal shows that there was another.
    """
    if reported >= known_refund(intent):
        return failed
    return unbooked_refund(msgspec.structs.replace(intent, refunded=intent.refunded - failed), reported)


def worth(received: Money | None, currency: str, can: Capabilities | None) -> Worth | None:
    """What ``received`` is worth in ``currency`` at its provider's price; None if the price is unknown."""
    if received is not None and received.currency == currency:
        return Worth(received, received)
    if received is None or can is None or can.asset != received.currency:
        return None
    amount = received.convert(can.unit_price, currency)
    return Worth(amount, amount + Money(amount.amount // _PRICE_TOLERANCE, currency))


def check_assigned(amount: Money, currency: str, worth: Worth | None) -> None:
    """Raises Invalid (field ``amount``) unless ``amount`` may be credited for money of this worth."""
    if amount.currency != currency or not 0 < amount.amount <= MOST:
        raise Invalid("not an amount to credit", fields={"amount": "not_positive"})
    if worth is None:
        raise Invalid("no price for this asset", fields={"amount": "no_price"})
    if amount > worth.most:
        raise Invalid("more than was received", fields={"amount": "above_maximum"}, maximum=worth.most)


def is_another_charge(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` names ``intent`` but is about something else: a second charge, or another provider id.

    Strangers can write a payment's id into other business of the same account, but cannot choose the provider's id.
    """
    opened_elsewhere = report.external_id not in {None, intent.external_id or report.external_id}
    if intent.subscription_id is not None and report.until is not None:
        return opened_elsewhere  # each period has a charge of its own
    other_charge = report.sole_charge and intent.charge_id not in {None, report.charge_id}
    return opened_elsewhere or other_charge or report.renewal


def is_for_period(intent: Intent, until: datetime) -> bool:
    """Whether a payment is the charge for the period that ends at ``until``.

    A statement does not say when a period ends, only when it was paid: both tell one period from the next.
    """
    return intent.paid_until is not None and is_same_period(intent.paid_until, until)


def is_same_period(one: datetime, other: datetime) -> bool:
    """Whether both are the end of the same period, as it was reported or as it follows from the date of its payment."""
    return abs(one - other) < PERIOD / 2


def is_renewal_of(first: Intent, renewal: Intent, report: ProviderReport) -> bool:
    """Whether a report that names the ``first`` payment of a subscription is about this ``renewal``.

    Whether renewals have charge ids of their own is not documented: an id that is not the first one tells more than
    the period.
    """
    if report.charge_id == renewal.charge_id != first.charge_id:
        return True
    if report.until is None or is_for_period(first, report.until):
        return False
    return is_for_period(renewal, report.until)


def is_new_renewal(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report``, which names the first payment of a subscription, is about a charge that is not known yet."""
    if intent.subscription_id is None or report.until is None or intent.renewal_of is not None:
        return False
    if is_for_period(intent, report.until):
        return False
    return report.state is ProviderState.PAID and (report.renewal or bool(intent.received))


def explorer_url(intent: Intent, can: Capabilities | None) -> str:
    """The public page of the payment's latest transfer; empty without a transfer or a page."""
    if can is None or not intent.charge_id:
        return ""
    return can.explorer.replace("{tx}", quote(intent.charge_id.partition(":")[0], safe=""))


def changes(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` would change ``intent``; if not, nothing is written."""
    return decide(intent, report).outcome is not Outcome.IGNORED


def is_progress(intent: Intent, report: ProviderReport) -> bool:
    """Whether ``report`` has new details of money that is on its way."""
    return report.state is ProviderState.CONFIRMING and intent.is_open and report.details != intent.progress


def has_expired(intent: Intent, now: datetime) -> bool:
    """Whether the lifetime of ``intent`` has ended without money."""
    return _S.EXPIRED in MOVES[intent.status] and now >= intent.expires_at


def ended_unpaid(intent: Intent, now: datetime) -> bool:
    """Whether ``intent`` ended without money, so that its payer starts a new one."""
    return not intent.received and (intent.status in _ENDED or has_expired(intent, now))


def may_receive_money(intent: Intent) -> bool:
    """Whether money may be on its way; also for a payment that was replaced by another method."""
    return intent.is_open or intent.status is _S.CANCELLED


def should_poll(intent: Intent, now: datetime, can: Capabilities) -> bool:
    """Whether to poll the provider: while money may arrive, and for ``follow_seconds`` after the lifetime."""
    if now < intent.expires_at:
        return intent.status not in {_S.FAILED, _S.REFUNDED} and (may_receive_money(intent) or can.follow_seconds > 0)
    if now < intent.expires_at + timedelta(seconds=can.follow_seconds):
        return intent.status not in {_S.FAILED, _S.REFUNDED}
    return intent.is_open and intent.status is not _S.UNDERPAID


def poll_delay(attempt: int, can: Capabilities, *, follows: bool = False) -> timedelta:
    """The wait before the ``attempt``-th poll (from 0): it grows by 1.6 up to ``slowest_poll_seconds``.

    ``follows``: the payment has ended and is only polled for late money, every half hour.
    """
    if follows:
        return _FOLLOW_EVERY
    seconds = can.first_poll_seconds * _POLL_GROWTH ** min(attempt, 32)
    return timedelta(seconds=min(seconds, max(can.slowest_poll_seconds, can.first_poll_seconds)))


def refund_choice(intent: Intent, can: Capabilities | None, balance: Money) -> RefundChoice:
    """How much of a top-up can be refunded from a wallet that holds ``balance``, or why nothing."""
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
    """Raises RefundNotPossible, RefundTooMuch unless the provider can refund ``amount`` of this payment."""
    if can is None or not can.refundable or (not can.partial_refunds and amount != intent.credited):
        raise RefundNotPossible(intent.method)
    if not 0 < amount.amount <= intent.refundable.amount:
        raise RefundTooMuch(most=intent.refundable)
    if not intent.refund_payable(amount):
        raise RefundNotPossible("less than the provider's smallest unit")


def shares(intents: Iterable[Intent], amount: Money) -> list[tuple[Intent, Money]]:
    """Split a refund of ``amount`` over payments, each in turn up to its refundable rest. Raises RefundTooMuch."""
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
    """Characters of a payment reference in ``text``: the first ones after ``D-``, else any; None without any."""
    plain = plain_signs(text)
    return parse_number_part(plain.removeprefix("D-"), first=plain.startswith("D-"))


def as_id(text: str) -> UUID | None:
    """Read an id; None if the text is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


def transfer_key(intent: Intent) -> str:
    """The ledger's idempotency key of the next credit: ``payment:<id>``, for later parts with the total before."""
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


def check_renewal(amount: Money, can: Capabilities) -> None:
    """Raises Invalid, with the field's code, unless a subscription may charge ``amount`` each period."""
    if not can.recurring or can.renewal_maximum is None or amount.amount <= 0:
        raise Invalid("no subscription by this method", fields={"way": "unknown_way"})
    if payable_of(amount, can).amount > can.renewal_maximum:
        raise Invalid(f"renewals of {amount.amount}", fields={"amount": "above_maximum"})


def check_same(intent: Intent, method: str, amount: Money, order_id: OrderId | None) -> None:
    """Raises PaymentConflict unless ``intent`` was started with the same method, amount and order."""
    if (intent.method, intent.amount, intent.order_id) != (method, amount, order_id):
        raise PaymentConflict(f"key of payment {intent.id}")


def read_amount(text: str, currency: str) -> Money:
    """The amount that a person typed, as ``reading.amount`` understands it. Raises Invalid."""
    try:
        return reading.amount(text, currency)
    except (ValueError, OverflowError) as error:
        raise Invalid("not an amount", fields={"amount": "not_a_number"}) from error
