"""What the shop and a payment provider exchange."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.money import Money
from backend.payments.types.ids import IntentId
from backend.payments.types.intents import PayAction

PERIOD: Final = timedelta(days=30)
"""The period of every subscription: Telegram renews after 30 days, and at no other time."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider supports, its limits, and how often it is polled."""

    currencies: frozenset[str] | None = None
    """The shop currencies it serves; None for all. In others the payment method is not offered."""
    asset: str | None = None
    """What buyers pay in (``USDT``, ``XTR``); None for the shop's currency."""
    unit_price: Decimal = Decimal(1)
    """What one major unit of ``asset`` costs, in major units of the shop's currency."""
    minimum: int = 1
    """The smallest payment, in minor units of the shop's currency."""
    maximum: int | None = None
    """The largest payment, in minor units of the shop's currency; None if the provider sets no limit."""
    refundable: bool = False
    """Whether ``refund`` can send money to the payer."""
    partial_refunds: bool = True
    """Whether a part can be refunded, and more than once. False: all of a payment, or nothing."""
    recurring: bool = False
    """Whether a payment can renew itself every ``PERIOD``; such a provider is also ``Renewing``."""
    renewal_maximum: int | None = None
    """The largest charge of a subscription, in minor units of ``asset``; required with ``recurring``."""
    reconcilable: bool = True
    """Whether the provider can be asked what it received, by ``statement`` or ``status``. If not, admins compare."""
    wait_seconds: int = 60
    """How long a payment usually takes; shown to buyers."""
    lifetime_seconds: int = 1800
    """How long a buyer has to pay."""
    shortest_seconds: int = 60
    """The shortest lifetime with which the provider accepts a new payment."""
    first_poll_seconds: int = 5
    """The wait before the first call of ``status``."""
    slowest_poll_seconds: int = 600
    """The longest wait between two calls of ``status`` for an open payment; the waits grow up to it."""
    follow_seconds: int = 0
    """How long after its lifetime a payment is polled, every half hour, for late money; for providers without
    webhooks."""
    explorer: str = ""
    """URL of a public page of a transfer, with ``{tx}`` for its ``charge_id`` up to the first colon; empty for none."""
    statement_lookback_seconds: int = 0
    """How far back ``statement`` is read every 15 minutes, besides the daily reconciliation; 0: not at all. For
    providers without webhooks whose money may name no payment."""


class PaymentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, as a provider's methods get it."""

    intent_id: IntentId
    """The payment's id; also the idempotency key of ``create``."""
    number: int
    """Counts all payments of the shop from 1: for derived addresses and short comments."""
    external_id: str | None
    """``Created.external_id``; None before ``create``, and for an unmatched payment that an admin assigned."""
    charge_id: str | None
    """``charge_id`` of the latest paid report; None before the first."""
    amount: Money
    """What the shop credits, in the shop's currency."""
    payable: Money
    """What the buyer has to pay, in the provider's asset."""
    received: Money
    """What the shop has credited so far, in the provider's asset."""
    action: PayAction | None
    """``Created.action``; None before ``create``."""
    payer_telegram_id: int
    language: str
    """The payer's language, such as ``ar``."""
    created_at: datetime
    expires_at: datetime
    title: str = ""
    """What is bought, in the payer's language; empty for a top-up."""
    checkpoint: str = ""
    """The ``checkpoint`` of the last report that had one."""
    recurring: bool = False
    """Whether it is a charge of a subscription."""
    renewal_of: IntentId | None = None
    """The payment that began the subscription, which the provider's data names for each of its charges; None for that
    one itself."""


class Created(msgspec.Struct, frozen=True):
    """A payment that was opened at the provider."""

    external_id: str
    """The provider's id of the payment; unique at the provider."""
    action: PayAction
    """What the buyer does to pay."""


class ProviderState(StrEnum):
    """The state of a payment, as the provider reports it."""

    PENDING = "pending"
    """No money yet."""
    CONFIRMING = "confirming"
    """Money is on its way and not final."""
    PAID = "paid"
    """``received`` is final, in part or in full."""
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"
    """Money was returned to the payer: ``refunded`` is the total."""


class Covers(StrEnum):
    """What the signature of a provider's call covers."""

    BODY = "body"
    """Every byte of the body: its contents can be trusted."""
    CHECKSUM = "checksum"
    """A checksum of the body, which other bodies share: take only ids from the body and look them up."""


class Call(msgspec.Struct, frozen=True):
    """A webhook call whose signature does not cover the body."""

    id: str
    """The call's id, which is signed."""
    digest: str
    """A hash of the body: the same id with another body is refused."""


class ProviderReport(msgspec.Struct, frozen=True, kw_only=True):
    """One verified statement of a provider about one payment: from a webhook, ``status`` or ``statement``.

    It is matched to a payment by ``intent_id``, else ``external_id``; a refund also by ``charge_id``. What matches no
    payment becomes an unmatched payment, for an admin. Raises ValueError for PAID without a positive ``received``,
    REFUNDED without a positive ``refunded``, and a NUL in ``event_id``.
    """

    event_id: str
    """Unique at the provider, and the same whenever the same thing is reported, by webhook, ``status`` or
    ``statement``: it is applied once. Where totals grow, put the total into it: ``paid:<id>:<total>``."""
    state: ProviderState
    intent_id: IntentId | None = None
    """The payment that the provider's data names, if it does."""
    external_id: str | None = None
    """The payment's ``Created.external_id``. If ``intent_id`` is given too, both must name the same payment."""
    received: Money | None = None
    """The total paid for this payment so far, not the latest part, in the provider's asset."""
    refunded: Money | None = None
    """The total returned to the payer so far, in the provider's asset."""
    charge_id: str | None = None
    """The provider's id of the money, which a refund needs."""
    sole_charge: bool = False
    """Whether a payment can have one charge only. A second charge is then an unmatched payment, not a top-up of the
    first."""
    until: datetime | None = None
    """The end of the period that a charge of a subscription pays for; such a report names the first payment of the
    subscription. A charge whose ``until`` is less than half a period from a known one is that one."""
    renewal: bool = False
    """Whether the provider says that the charge is not the first one of its subscription."""
    details: dict[str, str] = {}
    """Facts for admins. While CONFIRMING, the payment's page shows ``confirmations``, ``needed`` and ``seen``."""
    call: Call | None = None
    """The webhook call, if its signature does not cover the body (``Covers.CHECKSUM``)."""
    checkpoint: str = ""
    """A note to the provider itself, such as the last block read: it returns in ``PaymentRef`` and may be lost."""

    def __post_init__(self) -> None:
        if "\0" in self.event_id:  # PostgreSQL's text cannot hold it
            raise ValueError("an event's id holds a NUL")
        if self.state is ProviderState.PAID and (self.received is None or self.received.amount <= 0):
            raise ValueError("a payment needs its amount")
        if self.state is ProviderState.REFUNDED and (self.refunded is None or self.refunded.amount <= 0):
            raise ValueError("a refund needs its amount")


class Refunded(msgspec.Struct, frozen=True):
    """A refund that the provider accepted."""

    external_id: str
    """The provider's id of the refund."""


class SetupState(StrEnum):
    """Whether a payment method is configured."""

    ON = "on"
    OFF = "off"
    INCOMPLETE = "incomplete"
    """Some of its variables are set and some are missing."""
    WRONG = "wrong"
    """All variables are set, and their values make no sense."""


class ProviderSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A payment method as the operator configured it."""

    name: str
    state: SetupState
    needs: tuple[str, ...]
    """The variables that enable it."""
    missing: tuple[str, ...] = ()
    """Those of them that are not set."""
    problem: str = ""
    """Why it is WRONG: one English line."""
    webhook_url: str = ""
    """The URL to enter at the provider; empty if it sends no webhooks."""
    policy_risk: bool = True
    """Whether Telegram's rules require Stars instead, for digital goods."""
