"""What a payment is, and how it is paid."""

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
from backend.payments.types.ids import IntentId

_PREFIX: Final = "D-"


def reference_of(number: int) -> str:
    """What people see of the ``number``-th payment, such as ``D-4K7Q2M``."""
    return _PREFIX + short_number(number % NUMBERS, Numbering.PAYMENTS)


def parse_reference(text: str) -> int | None:
    """The number of the payment with this reference (with or without ``D-``), or None where it can't be one."""
    return parse_short_number(number_signs(text, _PREFIX[0]), Numbering.PAYMENTS)


class IntentStatus(StrEnum):
    """Where a payment stands."""

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
    """Its payer has chosen another payment method; money that comes all the same is credited."""


OPEN: Final = frozenset({IntentStatus.CREATED, IntentStatus.PENDING, IntentStatus.CONFIRMING, IntentStatus.UNDERPAID})
"""A payment in one of these still waits for the provider's word."""


class ActionKind(StrEnum):
    """What the person does to pay."""

    WAIT = "wait"
    """Nothing: it completes by itself."""
    LINK = "link"
    """Open ``url`` in a browser."""
    INVOICE = "invoice"
    """Open ``url`` as Telegram's invoice."""
    TRANSFER = "transfer"
    """Send coins, as ``fields`` say: ``network``, ``address``, ``amount``, ``asset``, ``comment`` where one is needed,
    and ``uri`` for the QR code."""
    DEPOSIT = "deposit"
    """Send money outside and upload a proof: ``instructions`` (a text) and ``reference``."""


class PayAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to pay: the provider's address to open, or what to send where."""

    kind: ActionKind
    url: str = ""
    fields: dict[str, str] = {}


AmountRefusal = Literal["", "wrong_currency", "not_positive", "below_minimum", "above_maximum"]
"""Why an amount is refused; empty for one that is not."""


def amount_refusal(amount: Money, minimum: Money, maximum: Money) -> AmountRefusal:
    """What is wrong with ``amount`` where ``minimum`` to ``maximum`` is allowed."""
    if amount.currency != minimum.currency:
        return "wrong_currency"
    if amount.amount <= 0:
        return "not_positive"
    if amount < minimum:
        return "below_minimum"
    return "above_maximum" if amount > maximum else ""


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay that is on.

    ``wait_seconds`` is what it usually takes. People pay in ``asset``; one major unit of it is worth ``unit_price``
    major units of the shop's currency. ``comparable``: its provider can say what came.
    """

    name: str
    minimum: Money
    maximum: Money
    wait_seconds: int
    asset: str
    unit_price: Decimal = Decimal(1)
    reconcilable: bool = True

    def price(self, amount: Money) -> Money:
        """What ``amount`` costs in the way's asset; see ``price``."""
        return price(amount, self.asset, self.unit_price)

    def refusal(self, amount: Money) -> AmountRefusal:
        """Why ``amount`` can't be paid by it; empty where it can."""
        return amount_refusal(amount, self.minimum, self.maximum)


def price(amount: Money, asset: str, unit_price: Decimal) -> Money:
    """``amount`` in ``asset``, by exact rational arithmetic, rounded up to a minor unit: the shop never loses by it."""
    units = Fraction(amount.decimal()) / Fraction(unit_price) * 10 ** exponent(asset)
    return Money(ceil(units), asset)


class TopUpLimits(msgspec.Struct, frozen=True):
    """The smallest and the largest top-up, and the amounts to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()

    def refusal(self, amount: Money) -> AmountRefusal:
        """Why nobody can top up by ``amount``; empty where they can."""
        return amount_refusal(amount, self.minimum, self.maximum)


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that somebody means to make.

    ``amount``, ``credited`` (what has reached his wallet) and ``refunded`` (of that, what went back through the
    provider) are in the shop's currency; ``payable`` and ``received`` in the asset that he pays in. ``number`` counts
    payments: the index of a derived address, the comment of a transfer. ``charge_id`` names the money at the provider.
    ``progress`` is what a provider tells of money that is on its way (``confirmations``, ``needed``, ``seen``);
    ``mark`` is its own note of how far it has looked. ``title`` is what is bought by it, in the payer's language; empty
    for a top-up.
    """

    id: IntentId
    number: int
    user_id: UserId
    method: str
    amount: Money
    credited: Money
    refunded: Money
    payable: Money
    received: Money
    status: IntentStatus
    action: PayAction | None
    external_id: str | None
    charge_id: str | None
    progress: dict[str, str]
    order_id: OrderId | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    polls: int
    checkpoint: str = ""
    title: str = ""

    @property
    def reference(self) -> str:
        """What people call the payment by: what its payer was told to name, else the reference of its number."""
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
        """Whether money is on its way, or has arrived in full: what it is for waits."""
        return self.status in {IntentStatus.CONFIRMING, IntentStatus.SUCCEEDED, IntentStatus.OVERPAID}

    @property
    def missing(self) -> Money:
        """What is still to be paid, in the asset that he pays in; nothing once it is paid in full."""
        return max(self.payable - self.received, Money.zero(self.payable.currency), key=lambda money: money.amount)

    @property
    def refundable(self) -> Money:
        """What of it can still go back through the provider."""
        return self.credited - self.refunded

    def refund_payable(self, amount: Money) -> Money:
        """What the provider sends back for ``amount`` of the shop's currency, in the asset that was paid in.

        The parts of a payment come to the whole exactly, whatever they are rounded to.
        """

        def share(refunded: int) -> int:
            return self.received.amount * refunded // self.credited.amount

        before = self.refunded.amount
        return Money(share(before + amount.amount) - share(before), self.received.currency)
