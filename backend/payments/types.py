"""The words of payments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Final
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import IntentId, OrderId, PaymentEventId, ProofId, RefundId, UserId
from backend.kernel.money import Money, exponent


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


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay that is on.

    ``wait_seconds`` is what it usually takes. People pay in ``asset``; one major unit of it is worth ``unit_price``
    major units of the shop's currency.
    """

    name: str
    minimum: Money
    maximum: Money
    wait_seconds: int
    asset: str
    unit_price: Decimal = Decimal(1)

    def price(self, amount: Money) -> Money:
        """What ``amount`` costs in the way's asset; see ``price``."""
        return price(amount, self.asset, self.unit_price)


def price(amount: Money, asset: str, unit_price: Decimal) -> Money:
    """``amount`` in ``asset``, by exact rational arithmetic, rounded up to a minor unit: the shop never loses by it."""
    units = Fraction(amount.decimal()) / Fraction(unit_price) * 10 ** exponent(asset)
    return Money(ceil(units), asset)


class TopUpLimits(msgspec.Struct, frozen=True):
    """The smallest and the largest top-up, and the amounts to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that somebody means to make.

    ``amount``, ``credited`` (what has reached his wallet) and ``refunded`` (of that, what went back through the
    provider) are in the shop's currency; ``payable`` and ``received`` in the asset that he pays in. ``number`` counts
    payments: the index of a derived address, the comment of a transfer. ``charge_id`` names the money at the provider.
    ``progress`` is what a provider tells of money that is on its way (``confirmations``, ``needed``, ``seen``).
    """

    id: IntentId
    number: int
    user_id: UserId
    way: str
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

    @property
    def is_open(self) -> bool:
        """Whether money may still be on its way."""
        return self.status in OPEN

    @property
    def missing(self) -> Money:
        """What is still to be paid, in the asset that he pays in; nothing once it is paid in full."""
        return max(self.payable - self.received, Money.zero(self.payable.currency), key=lambda money: money.amount)

    @property
    def refundable(self) -> Money:
        """What of it can still go back through the provider."""
        return self.credited - self.refunded


class Outcome(StrEnum):
    """What became of a provider's message."""

    APPLIED = "applied"
    IGNORED = "ignored"
    """True, but old news."""
    UNMATCHED = "unmatched"
    """Money or news that belongs to no payment of ours: an admin must look."""
    DUPLICATE = "duplicate"
    """Seen before; nothing is stored a second time."""
    DISMISSED = "dismissed"
    """An admin has looked and found that nothing is to be done."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can do, and the rhythm in which it is asked.

    People pay in ``asset`` (None: in the shop's currency), one major unit of which is worth ``unit_price`` major units
    of the shop's currency. ``currencies`` are the shop's currencies that it serves; None means any.
    """

    currencies: frozenset[str] | None = None
    asset: str | None = None
    unit_price: Decimal = Decimal(1)
    minimum: int = 1
    """In minor units of the shop's currency."""
    maximum: int | None = None
    """The same; None means no limit of its own."""
    refundable: bool = False
    partial_refunds: bool = True
    recurring: bool = False
    wait_seconds: int = 60
    """What a payment usually takes."""
    lifetime_seconds: int = 1800
    """How long the person has."""
    first_poll_seconds: int = 5
    slowest_poll_seconds: int = 600
    """Questions come at growing intervals up to this one while the payment is open."""
    follow_seconds: int = 0
    """How long after its lifetime a payment is still asked about (every half hour), so that late money is seen: for
    providers that send no webhooks."""


class PaymentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, as a provider needs it. ``intent_id`` is also the idempotency key of its creation.

    ``payable`` is what the person has to pay, ``amount`` what the shop credits for it. ``language`` is the payer's.
    """

    intent_id: IntentId
    number: int
    external_id: str | None
    charge_id: str | None
    amount: Money
    payable: Money
    received: Money
    action: PayAction | None
    payer_telegram_id: int
    language: str
    created_at: datetime
    expires_at: datetime


class Created(msgspec.Struct, frozen=True):
    """The provider's own id of the payment, and what the person must do."""

    external_id: str
    action: PayAction


class ProviderState(StrEnum):
    """What a provider says of a payment."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"
    """Money went back to the payer: ``refunded`` says how much in all."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One verified message of a provider, from a webhook, an answer or a statement.

    ``event_id`` is unique at the provider, and the same for the same news by either road. ``received`` is all that was
    paid for this payment so far, not the latest part, in the asset that people pay in; ``refunded`` all that went back.
    ``intent_id`` names the payment, or else ``external_id`` does, or else ``charge_id``, which names the money for a
    refund. ``sole_charge``: ``received`` is this one charge, all that its payment can have; where the payment was made
    by another charge (it was paid twice), this one belongs to no payment, and an admin must look. ``details`` are kept
    for admins; of a payment that is CONFIRMING its page shows ``confirmations`` and ``needed``.
    Raises ValueError for a payment without its amount, and for a NUL in ``event_id``.
    """

    event_id: str
    state: ProviderState
    intent_id: IntentId | None = None
    external_id: str | None = None
    received: Money | None = None
    refunded: Money | None = None
    charge_id: str | None = None
    sole_charge: bool = False
    details: dict[str, str] = {}

    def __post_init__(self) -> None:
        if "\0" in self.event_id:  # no text of PostgreSQL
            raise ValueError("an event's id holds a NUL")
        if self.state is ProviderState.PAID and (self.received is None or self.received.amount <= 0):
            raise ValueError("a payment needs its amount")
        if self.state is ProviderState.REFUNDED and (self.refunded is None or self.refunded.amount <= 0):
            raise ValueError("a refund needs its amount")


class Refunded(msgspec.Struct, frozen=True):
    """The provider's own id of a refund."""

    external_id: str


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "pending"
    """Booked; the provider has not confirmed it yet."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The provider refused: the money is in the person's wallet instead."""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back through a provider; ``amount`` in the shop's currency, ``payable`` in the provider's."""

    id: RefundId
    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    way: str
    amount: Money
    payable: Money
    status: RefundStatus
    reason: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's message as admins see it; ``amount`` is what it spoke of, in the provider's asset."""

    id: PaymentEventId
    way: str
    event_id: str
    intent_id: IntentId | None
    state: ProviderState
    amount: Money | None
    outcome: Outcome
    reason: str
    details: dict[str, str]
    received_at: datetime


class PaymentFile(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one payment."""

    intent: Intent
    events: list[InboxRow]
    refunds: list[Refund]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A file that shows a payment by hand; ``size`` in bytes. ``decided_at``: when an admin has judged it."""

    id: ProofId
    intent_id: IntentId
    content_type: str
    size: int
    note: str
    at: datetime
    decided_at: datetime | None


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A payment by hand that waits for an admin, with its payer's name and all its proofs, the oldest first."""

    intent: Intent
    payer: str
    proofs: list[Proof]


class DifferenceKind(StrEnum):
    """A way in which a provider and the books disagree."""

    MISSING_HERE = "missing_here"
    """The provider has money that the books did not know; it has been taken in now, or waits unmatched."""
    MISSING_THERE = "missing_there"
    """The books have money that the provider does not know."""
    AMOUNT = "amount"
    REFUND = "refund"
    LEDGER = "ledger"
    """The ledger's account of the provider is not the sum of its payments."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement. ``ours`` and ``theirs`` are in the asset's minor units."""

    kind: DifferenceKind
    subject: str
    asset: str
    ours: int
    theirs: int


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of one provider with the books. ``error`` says why it could not be made."""

    id: UUID
    way: str
    since: datetime
    until: datetime
    checked: int
    differences: list[Difference]
    error: str
    at: datetime


class SetupState(StrEnum):
    """Whether a way to pay is configured."""

    ON = "on"
    OFF = "off"
    INCOMPLETE = "incomplete"
    """Some of its variables are set and some are missing."""
    WRONG = "wrong"


class ProviderSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A way as the operator configured it. ``missing`` names variables; ``problem`` is one line, in English.

    ``webhook_url`` is what to enter at the provider. ``policy_risk``: Telegram's rules want Stars for digital goods.
    """

    name: str
    state: SetupState
    needs: tuple[str, ...]
    missing: tuple[str, ...] = ()
    problem: str = ""
    webhook_url: str = ""
    policy_risk: bool = True


class PollIntent(msgspec.Struct, frozen=True):
    """Payload of ``payments.poll``: ask the provider for the ``attempt``-th time."""

    intent_id: IntentId
    attempt: int


class CompareProvider(msgspec.Struct, frozen=True):
    """Payload of ``payments.compare``: compare this provider with the books."""

    way: str


class RefundObstacle(StrEnum):
    """Why nothing of a payment can go back through its provider."""

    NOTHING_LEFT = "nothing_left"
    """Nothing was credited, or all of it has gone back."""
    WAY_OFF = "way_off"
    """The way is switched off."""
    WAY_CANNOT = "way_cannot"
    """The provider takes money only."""
    SPENT = "spent"
    """The person has spent it."""


class RefundChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What of a payment can go back through its provider now: up to ``most`` (the shop's currency), or why nothing.

    ``whole_only``: the provider sends back all of it or nothing.
    """

    most: Money
    whole_only: bool = False
    obstacle: RefundObstacle | None = None


class SendRefund(msgspec.Struct, frozen=True):
    """Payload of ``payments.send_refund``."""

    refund_id: RefundId


class TopUpSucceeded(Event, frozen=True, kw_only=True):
    """Money reached a wallet: ``amount`` now, ``balance`` in all, in minor units of ``currency``.

    ``missing`` of ``asset`` is still to be paid (both in the asset that the person pays in), when it came short.
    """

    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    way: str
    amount: int
    balance: int
    currency: str
    status: IntentStatus
    missing: int = 0
    asset: str = ""


class RefundEnded(Event, frozen=True, kw_only=True):
    """The provider has sent a refund, or refused it (then the money is in the wallet)."""

    refund_id: RefundId
    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    way: str
    amount: int
    currency: str
    status: RefundStatus


class PaymentTakenBack(Event, frozen=True, kw_only=True):
    """Money of a payment went back at the provider, behind our back, and an admin has booked it."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str


class PaymentUnmatched(Event, frozen=True, kw_only=True):
    """Money or news came that belongs to no payment of ours: an admin must look."""

    event_id: PaymentEventId
    way: str
    reason: str
    amount: int | None
    currency: str | None


class DepositProved(Event, frozen=True, kw_only=True):
    """A person says that he has paid by hand, and has sent a proof: an admin must look."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str


class ReconciliationDiffered(Event, frozen=True, kw_only=True):
    """A provider and the books disagree in ``differences`` places."""

    reconciliation_id: UUID
    way: str
    differences: int
