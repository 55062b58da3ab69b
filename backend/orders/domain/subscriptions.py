"""Functions of subscriptions that run inside the caller's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from backend.catalog import domain as catalog
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId
from backend.orders.repository import subscriptions as repository
from backend.orders.rules import subscriptions as rules
from backend.orders.types.subscriptions import ChargedOrder, Subscription, SubscriptionChanged, SubscriptionView
from backend.payments import domain as payments
from backend.payments.types import SubscriptionId

TOPIC: Final = "subscription"
"""The signal that one of a person's subscriptions has changed; its key is their id."""
LATEST: Final = 50


async def load(tx: Tx, subscription_id: SubscriptionId, *, charges: bool = False) -> SubscriptionView:
    """A subscription with its goods as they are named now, and its latest ``charges``. Raises NotFound."""
    # Outside of a transaction each statement sees more than the one before: a charge has changed its subscription.
    listed = await repository.list_charges(tx, [subscription_id], LATEST) if charges else {}
    subscription = await repository.get(tx, subscription_id)
    (view,) = await with_goods(tx, [subscription])
    return SubscriptionView(subscription, view.offer, tuple(listed.get(subscription_id, ())))


async def with_goods(tx: Tx, subscriptions: list[Subscription]) -> list[SubscriptionView]:
    """The subscriptions with their goods as they are named now, hidden or not."""
    offers = await catalog.list_offers(tx, {one.variant_id for one in subscriptions}, reseller=False)
    return [SubscriptionView(one, offers[one.variant_id].offer) for one in subscriptions]


async def find_order(tx: Tx, order_id: OrderId) -> ChargedOrder | None:
    """The subscription whose charge has paid an order; None for any other order."""
    return await repository.find_order(tx, order_id)


async def change(tx: Tx, before: Subscription, after: Subscription, grace: timedelta, *, by_shop: bool = False) -> None:
    """Save a locked subscription as it is ``after`` something happened, and say so where its status is another one."""
    if after == before:
        return
    await repository.save(tx, after, check_at=rules.next_check(after, grace), remind_at=rules.next_reminder(after))
    if after.status is not before.status and after.paid_until is not None:
        tx.emit(
            SubscriptionChanged(
                subscription_id=after.id,
                user_id=after.user_id,
                status=after.status,
                paid_until=after.paid_until,
                by_shop=by_shop,
            )
        )
    tx.signal(TOPIC, after.user_id)


async def stop(tx: Tx, before: Subscription, after: Subscription, grace: timedelta, *, by_shop: bool = False) -> None:
    """Have the provider renew a locked subscription no more, and save it as it is then."""
    assert before.first_id is not None
    await payments.set_renewal(tx, before.first_id, on=False)
    await change(tx, before, after, grace, by_shop=by_shop)
