"""What the shop and a provider tell each other."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from backend.kernel.money import Money
from backend.payments.types.ids import IntentId
from backend.payments.types.intents import PayAction


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
    """Whether a payment can renew itself. No way here says so yet: a renewal that comes is unmatched."""
    reconcilable: bool = True
    """Whether it can say what came, by a list or of each payment. Where nobody can be asked, an admin looks himself."""
    wait_seconds: int = 60
    """What a payment usually takes."""
    lifetime_seconds: int = 1800
    """How long the person has."""
    shortest_seconds: int = 60
    """The least that a payment must have when it is begun: what the provider itself demands."""
    first_poll_seconds: int = 5
    slowest_poll_seconds: int = 600
    """Questions come at growing intervals up to this one while the payment is open."""
    follow_seconds: int = 0
    """How long after its lifetime a payment is still asked about (every half hour), so that late money is seen: for
    providers that send no webhooks."""
    explorer: str = ""
    """Where anybody can see a transfer, with ``{tx}`` for its ``charge_id`` up to the first colon; empty: nowhere."""
    statement_lookback_seconds: int = 0
    """How far back its statement is read every quarter of an hour, where nobody calls and money may name no payment."""


class PaymentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, as a provider needs it. ``intent_id`` is also the idempotency key of its creation.

    ``payable`` is what the person has to pay, ``amount`` what the shop credits for it. ``language`` is the payer's, in
    which ``title`` says what is bought; empty for a top-up.
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
    title: str = ""
    checkpoint: str = ""
    """The ``mark`` of the last report that had one."""


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


class Covers(StrEnum):
    """What the signature of a provider's call proves."""

    BODY = "body"
    """Every byte of the body: what it says is the provider's word."""
    CHECKSUM = "checksum"
    """A checksum of the body, which other bodies share: its ids are looked up at the provider, nothing else counts."""


class Call(msgspec.Struct, frozen=True):
    """A provider's call: its signed id, and the digest of the body that it came with first."""

    id: str
    digest: str


class ProviderReport(msgspec.Struct, frozen=True, kw_only=True):
    """One verified message of a provider, from a webhook, an answer or a statement.

    ``event_id`` is unique at the provider, and the same for the same news by either road. ``received`` is all that was
    paid for this payment so far, not the latest part, in the asset that people pay in; ``refunded`` all that went back.
    ``intent_id`` names the payment, or else ``external_id`` does, or else ``charge_id``, which names the money for a
    refund. ``external_id`` is what ``create`` called the payment and nothing else: beside an ``intent_id`` it has to be
    that payment's own, or the report belongs to none. ``sole_charge``: ``received`` is this one charge, all that its
    payment can have; where the payment was made by another charge (it was paid twice), this one belongs to no payment,
    and an admin must look. ``details`` are kept for admins; of a payment that is CONFIRMING its page shows
    ``confirmations`` and ``needed``.
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
    call: Call | None = None
    """The call that brought it, where its signature does not cover the body: its id is good for that one body only."""
    checkpoint: str = ""
    """How far the provider has looked, in its own words: it comes back with the next question, and may be lost."""

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
