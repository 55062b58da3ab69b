"""Pure decisions about subscriptions: what one costs, and how its status changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from backend.catalog.types import VariantId
from backend.kernel.money import Money
from backend.orders.types.subscriptions import (
    CHARGE_MARGIN,
    REMIND_BEFORE,
    Subscription,
    SubscriptionOffer,
    SubscriptionStatus,
)
from backend.payments.types import IntentId, PaymentMethod, RenewalState

_S = SubscriptionStatus


def terms(
    variant_id: VariantId, days: int | None, price: Money, methods: Sequence[PaymentMethod]
) -> SubscriptionOffer | None:
    """What a subscription to a variant costs by the first method that can renew it.

    None if there is no subscription to it, or no enabled method can charge its price each period.
    """
    for method in methods if days is not None else ():
        charged = method.renewal_price(price)
        if charged is not None and days is not None:
            return SubscriptionOffer(variant_id, days, price, charged, method.name)
    return None


def charged(subscription: Subscription, first_id: IntentId, until: datetime) -> Subscription:
    """The subscription after a charge for the period to ``until``.

    One that the shop has stopped stays cancelled: the charge was on its way already.
    """
    stopped = subscription.stopped and subscription.first_id == first_id
    paid_until = max(until, subscription.paid_until or until)
    status = _S.CANCELLED if stopped else _S.ACTIVE
    return replace(subscription, status=status, first_id=first_id, paid_until=paid_until, stopped=stopped)


def reported(subscription: Subscription, state: RenewalState) -> Subscription:
    """The subscription after its provider's report; unchanged where that says nothing new."""
    status = subscription.status
    if state is RenewalState.CANCELED and subscription.cancellable:
        return replace(subscription, status=_S.CANCELLED)
    if state is RenewalState.ACTIVE and status is _S.CANCELLED:
        return replace(subscription, status=_S.ACTIVE, stopped=False)
    if state is RenewalState.FAILED and status is _S.ACTIVE:
        return replace(subscription, status=_S.PAST_DUE)
    return subscription


def overdue(subscription: Subscription, now: datetime, grace: timedelta) -> Subscription:
    """The subscription as it is ``now``, if its renewal has not come or its last period has ended."""
    status = subscription.status
    due = next_check(subscription, grace)
    if due is None or now < due:
        return subscription
    if status is _S.ACTIVE and now < due - CHARGE_MARGIN + grace:
        return replace(subscription, status=_S.PAST_DUE)
    return replace(subscription, status=_S.ENDED)


def next_check(subscription: Subscription, grace: timedelta) -> datetime | None:
    """When to look at a subscription that nothing was heard of; None for one that has ended or was never paid."""
    if not subscription.runs or subscription.paid_until is None:
        return None
    margin = {_S.ACTIVE: CHARGE_MARGIN, _S.PAST_DUE: max(grace, CHARGE_MARGIN), _S.CANCELLED: timedelta()}
    return subscription.paid_until + margin[subscription.status]


def next_reminder(subscription: Subscription) -> datetime | None:
    """When to remind a person of the next charge; None where there will be none."""
    if subscription.status is not _S.ACTIVE or subscription.paid_until is None:
        return None
    return subscription.paid_until - REMIND_BEFORE
