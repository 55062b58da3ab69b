"""What is stored about payments: provider events, refunds, transfer receipts, reconciliations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.payments.types.ids import IntentId, PaymentEventId, RefundId, TransferReceiptId
from backend.payments.types.intents import Intent, IntentStatus
from backend.payments.types.providers import ProviderState


class Outcome(StrEnum):
    """What happened with a provider event."""

    APPLIED = "applied"
    IGNORED = "ignored"
    """True, and already known."""
    UNMATCHED = "unmatched"
    """It matches no payment: an admin must review it."""
    DUPLICATE = "duplicate"
    """Stored before; nothing is stored a second time."""
    DISMISSED = "dismissed"
    """An admin decided that nothing is to be done."""


class RefundStatus(StrEnum):
    """The status of a refund."""

    PENDING = "pending"
    """In the ledger; the provider has not confirmed it yet."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The provider refused: the money is in the buyer's wallet instead."""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund through a provider; ``amount`` in the shop's currency, ``payable`` in the provider's asset."""

    id: RefundId
    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    method: str
    amount: Money
    payable: Money
    status: RefundStatus
    reason: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


class RefundObstacle(StrEnum):
    """Why a payment cannot be refunded through its provider."""

    NOTHING_LEFT = "nothing_left"
    """Nothing was credited, or all of it was refunded."""
    METHOD_OFF = "way_off"
    """The payment method is disabled."""
    METHOD_CANNOT = "way_cannot"
    """The provider does not support refunds."""
    SPENT = "spent"
    """The buyer has spent it."""


class RefundChoice(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a payment can be refunded through its provider now: up to ``most`` (the shop's currency).

    ``whole_only``: only all of it. ``obstacle`` says why ``most`` is zero.
    """

    most: Money
    whole_only: bool = False
    obstacle: RefundObstacle | None = None


class Worth(msgspec.Struct, frozen=True):
    """What received money is worth at today's price, in the shop's currency; up to ``most`` may be credited for it."""

    amount: Money
    most: Money


EventAction = Literal["person", "order", "accept", "dismiss"]
"""What an admin may do with an unmatched event: credit a person, pay an order, record a refund, dismiss it."""


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A stored provider report, as admins see it.

    ``amount`` is what it reported, in the provider's asset; ``charge_id`` is the provider's id of the money.
    """

    id: PaymentEventId
    method: str
    event_id: str
    intent_id: IntentId | None
    charge_id: str | None
    state: ProviderState
    amount: Money | None
    outcome: Outcome
    reason: str
    details: dict[str, str]
    received_at: datetime

    @property
    def actions(self) -> frozenset[EventAction]:
        """What an admin may do with it now; nothing once it is settled."""
        if self.outcome is not Outcome.UNMATCHED:
            return frozenset()
        actions: set[EventAction] = {"dismiss"}
        if self.state is ProviderState.PAID and self.amount:
            actions |= {"person", "order"}
        if self.state is ProviderState.REFUNDED and self.intent_id:
            actions.add("accept")
        return frozenset(actions)


class PaymentDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One payment with its provider events and refunds."""

    intent: Intent
    events: list[ProviderEvent]
    refunds: list[Refund]


class TransferReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's receipt of a bank transfer; ``size`` in bytes. ``decided_at``: when an admin reviewed it."""

    id: TransferReceiptId
    intent_id: IntentId
    content_type: str
    size: int
    note: str
    at: datetime
    decided_at: datetime | None


DepositAction = Literal["confirm", "reject"]


def deposit_actions(intent: Intent, receipts: Sequence[TransferReceipt]) -> frozenset[DepositAction]:
    """What an admin may do with a deposit: a refunded one is not confirmed again, a reviewed one not rejected."""
    actions: set[DepositAction] = set()
    if intent.status not in {IntentStatus.REFUNDED, IntentStatus.PARTIALLY_REFUNDED}:
        actions.add("confirm")
    if intent.is_open or any(receipt.decided_at is None for receipt in receipts):
        actions.add("reject")
    return frozenset(actions)


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A bank transfer that awaits review, with the payer's name and all its receipts, the oldest first."""

    intent: Intent
    payer: str
    receipts: list[TransferReceipt]


class DifferenceKind(StrEnum):
    """How a provider and the ledger differ."""

    MISSING_HERE = "missing_here"
    """The provider has money that the ledger did not have. It is credited now, or is an unmatched payment."""
    MISSING_THERE = "missing_there"
    """The ledger has money that the provider does not know."""
    AMOUNT = "amount"
    REFUND = "refund"
    LEDGER = "ledger"
    """The ledger's account of the provider is not the sum of its payments."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. ``ours`` and ``theirs`` are in the asset's minor units."""

    kind: DifferenceKind
    subject: str
    asset: str
    ours: int
    theirs: int


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One reconciliation of a provider with the ledger. ``error`` says why it failed or is incomplete.

    ``checked`` counts the provider's reports; ``unknown`` counts payments with money or refunds about which the
    provider said nothing.
    """

    id: UUID
    method: str
    since: datetime
    until: datetime
    checked: int
    differences: list[Difference]
    error: str
    at: datetime
    unknown: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the provider confirmed everything in the ledger, and nothing else."""
        return not (self.differences or self.error or self.unknown)


class PaymentsNarrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin's list of payments is narrowed to, beside method, status and person; amounts are inclusive."""

    since: datetime | None = None
    until: datetime | None = None
    least: Money | None = None
    most: Money | None = None
    refunded: bool = False


ANY_PAYMENT: Final = PaymentsNarrowed()
