"""What subscribers and admins are told of subscriptions: as they are when the message is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from backend.orders.models import SubscriptionRow
from backend.orders.types.subscriptions import (
    ChargeRefusal,
    SubscriptionChanged,
    SubscriptionChargeKept,
    SubscriptionRenewsSoon,
    SubscriptionStatus,
)
from backend.payments.types import IntentId, RenewalNotChanged, SubscriptionId
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram, button

S = SubscriptionStatus


async def _subscription(shop: Shop, status: SubscriptionStatus) -> dict[str, object]:
    """A subscription of Emma's, as the facts of its events."""
    buyer, goods = await shop.buyer(), await shop.goods()
    until = shop.clock.now() + timedelta(hours=20)
    async with shop.services.uow() as tx:
        name = SubscriptionId(tx.new_id())
        row = {
            "id": name, "user_id": buyer.id, "variant_id": goods.variant_id, "status": status.value, "amount": 720,
            "currency": "USD", "charged": 554, "asset": "XTR", "method": "stars", "first_id": tx.new_id(),
            "paid_until": until, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(insert(SubscriptionRow), row)
    return {"subscription_id": name, "user_id": buyer.id, "paid_until": until}


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (S.CANCELLED, "Subscription cancelled"),
        (S.PAST_DUE, "Your subscription wasn't renewed"),
        (S.ENDED, "Subscription ended"),
    ],
)
async def test_how_it_stands(shop: Shop, telegram: Telegram, status: SubscriptionStatus, head: str) -> None:
    facts = await _subscription(shop, status)
    async with shop.services.uow() as tx:
        tx.emit(SubscriptionChanged(**facts, status=status))  # type: ignore[arg-type]
        tx.emit(SubscriptionChanged(**facts, status=S.ACTIVE))  # type: ignore[arg-type]
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == head
    opened = button(message, "Open subscription")["value"]
    assert opened.endswith(f"/me/subscriptions/{facts['subscription_id']}")


async def test_a_reminder_only_of_what_still_renews(shop: Shop, telegram: Telegram) -> None:
    facts = await _subscription(shop, S.ACTIVE)
    async with shop.services.uow() as tx:
        tx.emit(SubscriptionRenewsSoon(**facts))  # type: ignore[arg-type]
        tx.emit(SubscriptionRenewsSoon(**facts))  # type: ignore[arg-type]
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].startswith("Your subscription renews soon")
    assert "554\xa0Stars" in message["text"]
    later = facts | {"paid_until": shop.clock.now() + timedelta(days=40)}
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE subscriptions SET status = 'cancelled'"))
        tx.emit(SubscriptionRenewsSoon(**later))  # type: ignore[arg-type]
    await shop.work()
    assert len(await telegram.person(EMMA).heard()) == 1


async def test_money_that_bought_nothing_is_told_to_both(shop: Shop, telegram: Telegram) -> None:
    facts = await _subscription(shop, S.ACTIVE)
    del facts["paid_until"]
    await telegram.person(NADIA).meet()
    async with shop.services.uow() as tx:
        charge = {"intent_id": IntentId(tx.new_id()), "amount": 720, "currency": "USD", "refunded": False}
        tx.emit(SubscriptionChargeKept(**facts, **charge, why=ChargeRefusal.SOLD_OUT))  # type: ignore[arg-type]
        tx.emit(RenewalNotChanged(**facts, on=False))  # type: ignore[arg-type]
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "$7.20 added to your balance"
    assert "sold out" in message["text"]
    heads = {one["text"].splitlines()[0] for one in await telegram.person(NADIA).heard()}
    assert heads >= {"A subscription's charge wasn't applied", "Telegram refused to stop a subscription"}
