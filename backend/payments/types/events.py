"""Jobs and events of payments."""

from __future__ import annotations

from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId
from backend.payments.types.ids import IntentId, PaymentEventId, RefundId
from backend.payments.types.intents import IntentStatus
from backend.payments.types.records import RefundStatus


class PollIntent(msgspec.Struct, frozen=True):
    """Payload of ``payments.poll``: ask the provider for the ``attempt``-th time."""

    intent_id: IntentId
    attempt: int


class ReconcileProvider(msgspec.Struct, frozen=True):
    """Payload of ``payments.compare``: compare this provider with the books."""

    method: str = msgspec.field(name="way")  # stored by this name


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
    method: str = msgspec.field(name="way")  # stored by this name
    amount: int
    balance: int
    currency: str
    status: IntentStatus
    missing: int = 0
    asset: str = ""


class RefundEnded(Event, frozen=True, kw_only=True):
    """The provider has sent a refund, or refused it.

    Of a refused one ``amount`` (minor units) is in the wallet: all of it, but for what had gone back by other hands.
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
    """Money of a payment went back at the provider, behind our back, and is booked: by an admin, or by its end."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str


class PaymentUnmatched(Event, frozen=True, kw_only=True):
    """Money or news came that belongs to no payment of ours: an admin must look."""

    event_id: PaymentEventId
    method: str = msgspec.field(name="way")  # stored by this name
    reason: str
    amount: int | None
    currency: str | None


class DepositProved(Event, frozen=True, kw_only=True):
    """A person says that they have paid by hand, and has sent a proof: an admin must look.

    They were asked to name ``reference`` with the transfer.
    """

    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str
    reference: str = ""


class DepositJudged(Event, frozen=True, kw_only=True):
    """An admin has confirmed a payment by hand, or rejected it: ``by`` is None for the command line."""

    intent_id: IntentId
    by: UserId | None
    confirmed: bool


class ReconciliationDiffered(Event, frozen=True, kw_only=True):
    """A provider and the books disagree in ``differences`` places."""

    reconciliation_id: UUID
    method: str = msgspec.field(name="way")  # stored by this name
    differences: int


class ReconciliationFailed(Event, frozen=True, kw_only=True):
    """A provider could not be compared with the books, or not wholly: it did not answer."""

    reconciliation_id: UUID
    method: str = msgspec.field(name="way")  # stored by this name
