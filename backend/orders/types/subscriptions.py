"""The Structs, enums and events of subscriptions to goods."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import Offer, VariantId
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import IntentId, SubscriptionId

CHARGE_MARGIN: Final = timedelta(hours=1)
"""How long after the end of a period its renewal may still be on its way before it counts as failed."""
REMIND_BEFORE: Final = timedelta(days=1)
"""How long before a renewal its person is reminded."""
ABANDONED_AFTER: Final = timedelta(days=1)
"""How long a subscription may await its first payment."""


class SubscriptionStatus(StrEnum):
    """The status of a subscription."""

    AWAITING_PAYMENT = "awaiting_payment"
    """Its first payment has not arrived."""
    ACTIVE = "active"
    PAST_DUE = "past_due"
    """A renewal has failed; it can still arrive, until the grace time has passed."""
    CANCELLED = "cancelled"
    """It ends with the period that is paid."""
    ENDED = "ended"


class ChargeRefusal(StrEnum):
    """Why a charge of a subscription has bought nothing; its money is in the balance, or was refunded."""

    SOLD_OUT = "sold_out"
    NOT_ENOUGH = "not_enough"
    """The charge was lower than the agreed price, or its money was spent in the meantime."""
    NOT_SOLD = "not_sold"
    """Goods of this kind are not sold any more, or not to this person."""
    BLOCKED = "blocked"
    """The person was blocked: the charge is refunded, and the subscription has ended."""
    SECOND = "second"
    """The person has another subscription to the same goods: the charge is refunded, and does not come again."""


REFUNDED: Final = frozenset({ChargeRefusal.BLOCKED, ChargeRefusal.SECOND})
"""The refusals after which the charge is refunded to the payment method."""


class SubscriptionOffer(msgspec.Struct, frozen=True):
    """What a subscription to a variant costs a person now: ``price`` each period, paid as ``charged`` by ``method``."""

    variant_id: VariantId
    days: int
    price: Money
    charged: Money
    """In the payment method's asset."""
    method: str


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One person's agreement to have one of a variant each period, at the price of the day when it was made."""

    id: SubscriptionId
    user_id: UserId
    variant_id: VariantId
    status: SubscriptionStatus
    price: Money
    """Each period's, in the shop's currency."""
    charged: Money
    """The same in the payment method's asset."""
    method: str
    first_id: IntentId | None
    """The payment that began it, by which its provider knows it; None before it is paid."""
    paid_until: datetime | None
    """When the period ends that is paid: the next renewal, or the end of one that was cancelled."""
    stopped: bool
    """Whether the shop has told the provider to renew it no more; its person can have that undone."""
    created_at: datetime

    @property
    def runs(self) -> bool:
        """Whether it was paid and has not ended."""
        return self.status not in {SubscriptionStatus.AWAITING_PAYMENT, SubscriptionStatus.ENDED}

    @property
    def cancellable(self) -> bool:
        """Whether it would be charged again."""
        return self.status in {SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE}

    def resumable(self, now: datetime) -> bool:
        """Whether the shop can allow its renewals again; then its person resumes it at the provider."""
        in_time = self.paid_until is not None and now < self.paid_until
        return self.status is SubscriptionStatus.CANCELLED and self.stopped and in_time


class SubscriptionCharge(msgspec.Struct, frozen=True):
    """A charge, and what it bought: the order with this ``number``, or why none."""

    intent_id: IntentId
    number: str | None
    refusal: ChargeRefusal | None
    amount: Money
    at: datetime


class SubscriptionView(msgspec.Struct, frozen=True):
    """A subscription with the goods as they are named now; ``charges`` the latest first, where they are asked for."""

    subscription: Subscription
    offer: Offer
    charges: tuple[SubscriptionCharge, ...] = ()


class ChargedOrder(msgspec.Struct, frozen=True):
    """The subscription that an order belongs to; ``first`` where the order began it."""

    subscription_id: SubscriptionId
    first: bool


class NewSubscription(msgspec.Struct, frozen=True):
    """The payment that is to be started for a subscription; the same ``idempotency_key`` is the same payment."""

    id: SubscriptionId
    method: str
    amount: Money
    idempotency_key: str
    offer: Offer


class SubscriptionChanged(Event, frozen=True, kw_only=True):
    """A subscription has this status now; ``by_shop``: an admin has ended it, or its person was blocked.

    ``paid_until`` tells one change to the same status from another one.
    """

    subscription_id: SubscriptionId
    user_id: UserId
    status: SubscriptionStatus
    paid_until: datetime
    by_shop: bool = False


class SubscriptionRenewsSoon(Event, frozen=True, kw_only=True):
    """A subscription will be charged again within a day."""

    subscription_id: SubscriptionId
    user_id: UserId
    paid_until: datetime


class SubscriptionChargeKept(Event, frozen=True, kw_only=True):
    """A charge of a subscription bought nothing: ``amount`` is in the balance, or is refunded (``refunded``)."""

    subscription_id: SubscriptionId
    intent_id: IntentId
    user_id: UserId
    amount: int
    currency: str
    why: ChargeRefusal
    refunded: bool
