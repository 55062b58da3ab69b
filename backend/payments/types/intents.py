"""Payments, payment methods, and their limits."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Final, Literal

import msgspec

from backend.kernel.ids import NUMBERS, Numbering, OrderId, UserId, number_signs, parse_short_number, short_number
from backend.kernel.money import Money, exponent
from backend.payments.types.ids import IntentId, SubscriptionId

_PREFIX: Final = "D-"


def reference_of(number: int) -> str:
    """The reference of the ``number``-th payment as people see it, such as ``D-4K7Q2M``."""
    return _PREFIX + short_number(number % NUMBERS, Numbering.PAYMENTS)


def parse_reference(text: str) -> int | None:
    """The number of the payment with this reference (with or without ``D-``); None if the text is no reference."""
    return parse_short_number(number_signs(text, _PREFIX[0]), Numbering.PAYMENTS)


class IntentStatus(StrEnum):
    """The status of a payment."""

    CREATED = "created"
    PENDING = "pending"
    CONFIRMING = "confirming"
    SUCCEEDED = "succeeded"
    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    CANCELLED = "cancelled"
    """The payer chose another payment method. Money that still arrives is credited."""


OPEN: Final = frozenset({IntentStatus.CREATED, IntentStatus.PENDING, IntentStatus.CONFIRMING, IntentStatus.UNDERPAID})
"""The statuses in which the provider's report is still awaited."""


class ActionKind(StrEnum):
    """What the buyer does to pay."""

    WAIT = "wait"
    """Wait: the payment completes by itself."""
    LINK = "link"
    """Open ``url`` in a browser."""
    INVOICE = "invoice"
    """Open ``url`` as a Telegram invoice."""
    TRANSFER = "transfer"
    """Send coins. ``fields``: ``network``, ``address``, ``amount``, ``asset``, ``comment`` if one is required, and
    ``uri`` for the QR code."""
    DEPOSIT = "deposit"
    """Make a bank transfer and upload the receipt. ``fields``: ``instructions`` (a text) and ``reference``."""


class PayAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to pay: the URL to open, or what to send where."""

    kind: ActionKind
    url: str = ""
    fields: dict[str, str] = {}


AmountRefusal = Literal["", "wrong_currency", "not_positive", "below_minimum", "above_maximum"]
"""Why an amount is refused; empty for one that is not."""


def amount_refusal(amount: Money, minimum: Money, maximum: Money) -> AmountRefusal:
    """What is wrong with ``amount`` if ``minimum`` to ``maximum`` is allowed; empty if nothing is."""
    if amount.currency != minimum.currency:
        return "wrong_currency"
    if amount.amount <= 0:
        return "not_positive"
    if amount < minimum:
        return "below_minimum"
    return "above_maximum" if amount > maximum else ""


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """An enabled payment method."""

    name: str
    minimum: Money
    """In the shop's currency, as is ``maximum``."""
    maximum: Money
    wait_seconds: int
    """How long a payment usually takes."""
    asset: str
    """What buyers pay in."""
    unit_price: Decimal = Decimal(1)
    """What one major unit of ``asset`` costs, in major units of the shop's currency."""
    reconcilable: bool = True
    """Whether its provider can be asked what it received."""
    renewal_maximum: Money | None = None
    """The largest charge of a subscription, in ``asset``; None where it cannot renew payments."""

    def price(self, amount: Money) -> Money:
        """What ``amount`` costs in the method's asset; see ``price``."""
        return price(amount, self.asset, self.unit_price)

    def renewal_price(self, amount: Money) -> Money | None:
        """What a subscription for ``amount`` costs each period, in the method's asset; None if it can't have one."""
        charged = self.price(amount)
        most = self.renewal_maximum
        return charged if most is not None and 0 < charged.amount <= most.amount else None

    def refusal(self, amount: Money) -> AmountRefusal:
        """Why ``amount`` can't be paid by this method; empty if it can."""
        return amount_refusal(amount, self.minimum, self.maximum)


def price(amount: Money, asset: str, unit_price: Decimal) -> Money:
    """Convert ``amount`` to ``asset`` exactly and round up to a minor unit, so that the shop never loses."""
    units = Fraction(amount.decimal()) / Fraction(unit_price) * 10 ** exponent(asset)
    return Money(ceil(units), asset)


class TopUpLimits(msgspec.Struct, frozen=True):
    """The smallest and the largest top-up, and the amounts to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()

    def refusal(self, amount: Money) -> AmountRefusal:
        """Why a top-up of ``amount`` is refused; empty if it is allowed."""
        return amount_refusal(amount, self.minimum, self.maximum)


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment: one attempt to pay by one method, for the balance or for an order."""

    id: IntentId
    number: int
    """Counts payments: the index of a derived address, the source of ``reference``."""
    user_id: UserId
    method: str
    """The payment method's name."""
    amount: Money
    """What is to be credited, in the shop's currency."""
    credited: Money
    """What reached the payer's wallet, in the shop's currency."""
    refunded: Money
    """What of ``credited`` was refunded through the provider, sent or on its way; in the shop's currency."""
    payable: Money
    """What the payer has to pay, in the asset that they pay in."""
    received: Money
    """What the provider reported as paid, in the same asset."""
    status: IntentStatus
    action: PayAction | None
    """How to pay; None until the provider opened the payment."""
    external_id: str | None
    """The provider's id of the payment."""
    charge_id: str | None
    """The provider's id of the money."""
    progress: dict[str, str]
    """What the provider reports of money on its way: ``confirmations``, ``needed``, ``seen``."""
    order_id: OrderId | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    polls: int
    """How many times the worker has polled the provider."""
    checkpoint: str = ""
    """The provider's own note of how far it has read."""
    title: str = ""
    """What is bought, in the payer's language; empty for a top-up."""
    subscription_id: SubscriptionId | None = None
    """The subscription that it is a charge of."""
    renewal_of: IntentId | None = None
    """The first payment of the subscription; None for that one itself."""
    paid_until: datetime | None = None
    """The end of the period of the subscription that it paid for."""
    renews: bool = True
    """Whether the subscription that it began shall renew itself."""

    @property
    def reference(self) -> str:
        """The reference that people use: the one in the payment instructions, else that of ``number``."""
        named = self.action.fields.get("reference") if self.action is not None else None
        return named or reference_of(self.number)

    @property
    def is_open(self) -> bool:
        """Whether money may still be on its way."""
        return self.status in OPEN

    def status_at(self, now: datetime) -> IntentStatus:
        """The status as people see it at ``now``.

        A payment that is not paid in time is expired before the worker has said so, and it is created, not pending,
        until the provider has said how to pay.
        """
        if self.status not in {IntentStatus.CREATED, IntentStatus.PENDING}:
            return self.status
        if self.expires_at <= now:
            return IntentStatus.EXPIRED
        return IntentStatus.CREATED if self.action is None else IntentStatus.PENDING

    def is_running(self, now: datetime) -> bool:
        """Whether money may still be on its way at ``now``."""
        return self.status_at(now) in OPEN

    def is_payable(self, now: datetime) -> bool:
        """Whether its payer is asked for money now: for all of it, or for the rest."""
        in_time = self.expires_at > now
        return in_time and self.status_at(now) in {IntentStatus.PENDING, IntentStatus.UNDERPAID}

    def is_checkable(self, now: datetime) -> bool:
        """Whether its payer can have the provider asked about it once more, after the shop has stopped asking."""
        ended = self.status_at(now) in {IntentStatus.EXPIRED, IntentStatus.FAILED, IntentStatus.CANCELLED}
        stopped = ended or (self.status is IntentStatus.UNDERPAID and not self.is_payable(now))
        by_hand = self.action is not None and self.action.kind is ActionKind.DEPOSIT
        return stopped and self.external_id is not None and not by_hand

    @property
    def is_arriving(self) -> bool:
        """Whether money is on its way or arrived in full: its order must wait for it."""
        return self.status in {IntentStatus.CONFIRMING, IntentStatus.SUCCEEDED, IntentStatus.OVERPAID}

    @property
    def missing(self) -> Money:
        """What is still to be paid, in the payer's asset; zero once it is paid in full."""
        return max(self.payable - self.received, Money.zero(self.payable.currency), key=lambda money: money.amount)

    @property
    def in_review(self) -> bool:
        """Whether an admin must look at the receipt of this bank transfer."""
        by_hand = self.action is not None and self.action.kind is ActionKind.DEPOSIT
        return by_hand and self.status is IntentStatus.CONFIRMING

    @property
    def refundable(self) -> Money:
        """What can still be refunded through the provider, in the shop's currency."""
        return self.credited - self.refunded

    def refund_payable(self, amount: Money) -> Money:
        """What the provider refunds for ``amount`` of the shop's currency, in the asset that was paid in.

        Each part is rounded so that all parts together are exactly ``received``.
        """

        def share(refunded: int) -> int:
            return self.received.amount * refunded // self.credited.amount

        before = self.refunded.amount
        return Money(share(before + amount.amount) - share(before), self.received.currency)
