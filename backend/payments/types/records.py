"""What is kept of payments beside themselves: messages, refunds, proofs, comparisons."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.payments.types.ids import IntentId, PaymentEventId, RefundId, TransferReceiptId
from backend.payments.types.intents import Intent
from backend.payments.types.providers import ProviderState


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
    method: str
    amount: Money
    payable: Money
    status: RefundStatus
    reason: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


class RefundObstacle(StrEnum):
    """Why nothing of a payment can go back through its provider."""

    NOTHING_LEFT = "nothing_left"
    """Nothing was credited, or all of it has gone back."""
    METHOD_OFF = "way_off"
    """The way is switched off."""
    METHOD_CANNOT = "way_cannot"
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


class Worth(msgspec.Struct, frozen=True):
    """What money of a provider is worth by its price of now, in the shop's currency; ``most`` may be given for it."""

    amount: Money
    most: Money


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's message as admins see it; ``amount`` is what it spoke of, in the provider's asset.

    ``charge_id`` names the money at the provider.
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


class PaymentDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one payment."""

    intent: Intent
    events: list[ProviderEvent]
    refunds: list[Refund]


class TransferReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A file that shows a payment by hand; ``size`` in bytes. ``decided_at``: when an admin has judged it."""

    id: TransferReceiptId
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
    receipts: list[TransferReceipt]


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
    """A comparison of one provider with the ledger. ``error`` says why it could not be made.

    ``unknown`` payments brought money here, or were refunded, and the provider said nothing about that.
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
        """Whether the provider confirmed all that was booked, and nothing else."""
        return not (self.differences or self.error or self.unknown)
