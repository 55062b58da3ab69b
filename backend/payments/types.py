"""The words of payments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import IntentId, OrderId, UserId
from backend.kernel.money import Money


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
    """Send the money by hand, as ``fields`` say."""


class PayAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to pay: the provider's address to open, or what to send where."""

    kind: ActionKind
    url: str = ""
    fields: dict[str, str] = {}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay that is on. ``wait_seconds`` is what it usually takes."""

    name: str
    minimum: Money
    maximum: Money
    wait_seconds: int


class TopUpLimits(msgspec.Struct, frozen=True):
    """The smallest and the largest top-up, and the amounts to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that somebody means to make. ``credited`` is what has reached his wallet so far."""

    id: IntentId
    user_id: UserId
    way: str
    amount: Money
    credited: Money
    status: IntentStatus
    action: PayAction | None
    external_id: str | None
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
        """What is still to be paid; nothing once it is paid in full."""
        return max(self.amount - self.credited, Money.zero(self.amount.currency), key=lambda money: money.amount)


class Outcome(StrEnum):
    """What became of a provider's message."""

    APPLIED = "applied"
    IGNORED = "ignored"
    """True, but old news."""
    UNMATCHED = "unmatched"
    """Money or news that belongs to no payment of ours: an admin must look."""
    DUPLICATE = "duplicate"
    """Seen before; nothing is stored a second time."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can do. None in ``currencies`` means any; ``lifetime_seconds`` is how long a payment may take."""

    currencies: frozenset[str] | None = None
    minimum: int = 1
    """In minor units of the payment's currency."""
    refundable: bool = False
    recurring: bool = False
    wait_seconds: int = 60
    lifetime_seconds: int = 1800
    first_poll_seconds: int = 5


class PaymentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, as a provider needs it. ``intent_id`` is also the idempotency key of its creation."""

    intent_id: IntentId
    external_id: str | None
    amount: Money
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


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One verified message of a provider, from a webhook or an answer.

    ``event_id`` is unique at the provider, and the same for the same news by either road. ``received`` is all that was
    paid for this payment so far, not the latest part. ``intent_id`` names the payment, or else ``external_id`` does.
    Raises ValueError for a payment without its amount.
    """

    event_id: str
    state: ProviderState
    intent_id: IntentId | None = None
    external_id: str | None = None
    received: Money | None = None
    details: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.state is ProviderState.PAID and (self.received is None or self.received.amount <= 0):
            raise ValueError("a payment needs its amount")


class Refunded(msgspec.Struct, frozen=True):
    """The provider's own id of a refund."""

    external_id: str


class PollIntent(msgspec.Struct, frozen=True):
    """Payload of ``payments.poll``: ask the provider for the ``attempt``-th time."""

    intent_id: IntentId
    attempt: int


class TopUpSucceeded(Event, frozen=True, kw_only=True):
    """Money reached a wallet: ``amount`` now, ``balance`` in all, in minor units of ``currency``."""

    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    way: str
    amount: int
    balance: int
    currency: str
    status: IntentStatus
