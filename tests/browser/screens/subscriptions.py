"""Subscriptions that run, were cancelled or have failed, for their people and for an admin."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from backend.orders.types.subscriptions import SubscriptionView
from backend.payments.telegram import paid
from backend.payments.types import RenewalChanged, RenewalState, SubscriptionCharged
from tests.browser.screens.screen import Screen, press, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

_PRODUCT = "private-vpn"


class Past(msgspec.Struct, frozen=True):
    """Ids of subscriptions."""

    active: str
    cancelled: str
    failed: str
    order: str


async def live(stack: Stack, rich: Person, saver: Person, payer: Person) -> Past:
    """Subscribe; one is cancelled, and one is not renewed."""
    active = await _subscribed(stack, rich)
    cancelled = await _subscribed(stack, saver)
    actor = await stack.actor(saver.id)
    await stack.services.orders.subscriptions.cancel(actor, cancelled.subscription.id)
    failed = await _subscribed(stack, payer)
    first = failed.subscription.first_id
    assert first is not None
    refused = RenewalChanged(subscription_id=failed.subscription.id, first_id=first, state=RenewalState.FAILED)
    await stack.services.orders.renewing.note_state(refused)
    number = active.charges[0].number
    assert number is not None
    return Past(
        active=str(active.subscription.id),
        cancelled=str(cancelled.subscription.id),
        failed=str(failed.subscription.id),
        order=number,
    )


async def _subscribed(stack: Stack, person: Person) -> SubscriptionView:
    """A subscription whose first order is delivered."""
    services, actor = stack.services, await stack.actor(person.id)
    variant = await stack.variant(_PRODUCT, 0)
    new = await services.orders.subscriptions.begin(actor, variant.id)
    intent = await services.payments.intents.start_top_up(
        actor, new.method, new.amount, idempotency_key=new.idempotency_key, title="VPN", subscription_id=new.id
    )
    until = services.clock.now() + timedelta(days=30)
    charge = f"browser-{person.id}"
    await services.payments.intents.settle(
        new.method, paid(charge, str(intent.id), intent.payable, until=int(until.timestamp()))
    )
    # As the worker does it too: where it was faster, this does nothing.
    charged = SubscriptionCharged(
        subscription_id=new.id, intent_id=intent.id, first_id=intent.id, user_id=actor.id,
        amount=new.amount.amount, currency=new.amount.currency, until=until,
    )  # fmt: skip
    await services.orders.renewing.settle_charge(charged)
    return await services.orders.subscriptions.detail(actor, new.id)


def screens(world: World) -> list[Screen]:
    """The sheet on a product's page, a person's subscriptions, and an admin's page of one."""
    past = world.subscriptions
    room = f"/admin/subscriptions/{past.active}"
    return [
        Screen("subscribe", f"/shop/{_PRODUCT}", "poor", press("#subscribe")),
        Screen("subscriptions", "/me/subscriptions"),
        Screen("subscriptions-empty", "/me/subscriptions", "poor"),
        Screen("subscription", f"/me/subscriptions/{past.active}"),
        Screen("subscription-cancelled", f"/me/subscriptions/{past.cancelled}", "saver"),
        Screen("subscription-failed", f"/me/subscriptions/{past.failed}", "payer"),
        Screen("order-subscription", f"/orders/{past.order}"),
        Screen("manage-subscription", room, "admin"),
        Screen("manage-subscription-end", room, "admin", sheet("end")),
    ]
