"""Jobs and events of payments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId
from backend.payments.types.ids import IntentId, PaymentEventId, RefundId, SubscriptionId
from backend.payments.types.intents import IntentStatus
from backend.payments.types.records import RefundStatus


class PollIntent(msgspec.Struct, frozen=True):
    """Payload of ``payments.poll``: poll the provider for the ``attempt``-th time."""

    intent_id: IntentId
    attempt: int


class ReconcileProvider(msgspec.Struct, frozen=True):
    """Payload of ``payments.compare``: reconcile this provider with the ledger."""

    method: str = msgspec.field(name="way")  # stored by this name


class SendRefund(msgspec.Struct, frozen=True):
    """Payload of ``payments.send_refund``: have the provider send this refund."""

    refund_id: RefundId


class SendRenewal(msgspec.Struct, frozen=True):
    """Payload of ``payments.send_renewal``: tell the provider whether this subscription renews itself."""

    intent_id: IntentId


class RenewalState(StrEnum):
    """What a provider reports of a subscription. Source: Bot API, BotSubscriptionUpdated."""

    CANCELED = "canceled"
    """Its person has cancelled it at the provider."""
    ACTIVE = "active"
    """They have resumed it there."""
    FAILED = "failed"
    """A renewal could not be charged."""


class SubscriptionCharged(Event, frozen=True, kw_only=True):
    """A charge of a subscription was credited to the wallet: ``amount`` minor units of ``currency``.

    ``first_id`` is the payment that began the subscription, the same as ``intent_id`` for its first charge; ``until``
    is when the period ends that the charge pays for.
    """

    subscription_id: SubscriptionId
    intent_id: IntentId
    first_id: IntentId
    user_id: UserId
    amount: int
    currency: str
    until: datetime


class RenewalChanged(Event, frozen=True, kw_only=True):
    """The provider reports a new state of a subscription, which began with the payment ``first_id``."""

    subscription_id: SubscriptionId
    first_id: IntentId
    state: RenewalState


class RenewalNotChanged(Event, frozen=True, kw_only=True):
    """The provider refused to stop the renewals of a subscription (``on`` False), or to allow them again."""

    subscription_id: SubscriptionId
    user_id: UserId
    on: bool


class TopUpSucceeded(Event, frozen=True, kw_only=True):
    """Money was credited to a wallet: ``amount`` now, ``balance`` after it, in minor units of ``currency``.

    If the payer paid too little, ``missing`` minor units of ``asset``, which they pay in, are still to be paid.
    """

    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    method: str = msgspec.field(name="way")  # stored by this name
    amount: int
    balance: int
    currency: str
    status: IntentStatus
    missing: int = 0
    asset: str = ""


class RefundEnded(Event, frozen=True, kw_only=True):
    """The provider has sent a refund, or refused it.

    ``amount`` (minor units) is what was sent; of a refused refund, what returned to the wallet: all of it, except what
    was already refunded outside the shop.
    """

    refund_id: RefundId
    intent_id: IntentId
    user_id: UserId
    order_id: OrderId | None
    method: str = msgspec.field(name="way")  # stored by this name
    amount: int
    currency: str
    status: RefundStatus


class PaymentTakenBack(Event, frozen=True, kw_only=True):
    """A refund that was made at the provider, outside the shop, was recorded in the ledger."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str


class PaymentUnmatched(Event, frozen=True, kw_only=True):
    """A provider reported something that matches no payment: an admin must review it."""

    event_id: PaymentEventId
    method: str = msgspec.field(name="way")  # stored by this name
    reason: str
    amount: int | None
    currency: str | None


class DepositProved(Event, frozen=True, kw_only=True):
    """A buyer uploaded the receipt of a bank transfer: an admin must review it.

    They were asked to give ``reference`` with the transfer.
    """

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str
    reference: str = ""


class DepositJudged(Event, frozen=True, kw_only=True):
    """An admin confirmed or rejected a bank transfer; ``by`` is None for the command line."""

    intent_id: IntentId
    by: UserId | None
    confirmed: bool


class ReconciliationDiffered(Event, frozen=True, kw_only=True):
    """Reconciliation found ``differences`` between a provider and the ledger."""

    reconciliation_id: UUID
    method: str = msgspec.field(name="way")  # stored by this name
    differences: int


class ReconciliationFailed(Event, frozen=True, kw_only=True):
    """Reconciliation of a provider failed or is incomplete: the provider did not answer."""

    reconciliation_id: UUID
    method: str = msgspec.field(name="way")  # stored by this name
