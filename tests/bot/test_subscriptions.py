"""Subscriptions in the simulated Telegram: begun, renewed, cancelled on either side, failed, refunded, reconciled."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from backend.infra.jobs import Job, by_name
from backend.kernel.ids import JobId
from backend.orders.errors import OrderNotPayable
from backend.orders.types.subscriptions import SubscriptionStatus, SubscriptionView
from backend.payments.types import Intent, IntentStatus
from backend.worker import all_tasks
from tests.bot.conftest import Parts, polling
from tests.bot.paying import Payer, inbox
from tests.bot.telegram import Telegram
from tests.factories.shop import Goods, add_goods

S = SubscriptionStatus
_MINE = ("orders.", "payments.send")


class Desk:
    """What a subscriber and the worker do."""

    def __init__(self, emma: Payer) -> None:
        self.emma, self.services = emma, emma.services
        self._tasks = by_name(all_tasks(emma.services))

    async def goods(self, **how: Any) -> Goods:
        async with self.services.uow() as tx:
            return await add_goods(tx, self.services.ring, **({"price": 1000, "subscription_days": 30} | how))

    async def begin(self, goods: Goods) -> Intent:
        new = await self.services.orders.subscriptions.begin(self.emma.actor, goods.variant_id)
        return await self.services.payments.intents.start_top_up(
            self.emma.actor, new.method, new.amount, idempotency_key=new.idempotency_key, title="VPN · 3 months",
            subscription_id=new.id,
        )  # fmt: skip

    async def subscribe(self, goods: Goods) -> str:
        """The id of the first charge."""
        intent = await self.begin(goods)
        assert intent.action is not None
        charge = str((await self.emma.pay(intent.action.url))["charge_id"])
        await self.until(lambda view: view is not None and view.subscription.status is S.ACTIVE)
        return charge

    async def work(self) -> None:
        """Run the worker's tasks once."""
        sql = text("SELECT id, task, payload FROM outbox_jobs WHERE done_at IS NULL ORDER BY created_at, id")
        async with self.services.uow.read() as tx:
            rows = [row for row in await tx.execute(sql) if row.task.startswith(_MINE)]
        for row in rows:
            task = self._tasks[row.task]
            job = Job(id=JobId(row.id), task=row.task, attempt=1, last=False, created_at=self.services.clock.now())
            await task.run(msgspec.convert(row.payload, task.payload), job)
            async with self.services.uow() as tx:
                await tx.execute(text("UPDATE outbox_jobs SET done_at = now() WHERE id = :id"), {"id": row.id})

    async def view(self) -> SubscriptionView | None:
        listed = await self.services.orders.subscriptions.mine(self.emma.actor)
        if not listed:
            return None
        return await self.services.orders.subscriptions.detail(self.emma.actor, listed[0].subscription.id)

    async def until(self, done: Any) -> SubscriptionView:
        """Work until the subscription is so; read again, for a look may be half before it and half after."""
        async with asyncio.timeout(10):
            while not done(await self.view()):
                await self.work()
                await asyncio.sleep(0.02)
        view = await self.view()
        assert view is not None
        return view


@pytest.fixture
def desk(running_bot: Parts, emma: Payer) -> Desk:
    return Desk(emma)


async def test_subscribed_renewed_and_reconciled(desk: Desk, telegram: Telegram) -> None:
    charge = await desk.subscribe(await desk.goods())
    (call,) = await telegram.calls("createInvoiceLink")
    assert (call["params"]["subscription_period"], call["params"]["currency"]) == (2_592_000, "XTR")
    for _ in range(2):
        await telegram.control("POST", "/renew", charge_id=charge)
    view = await desk.until(lambda view: len(view.charges) == 3)
    assert [one.refusal for one in view.charges] == [None] * 3
    assert await desk.emma.balance() == 0
    assert await inbox(desk.services) == []
    # The statement lists every charge, each of them known.
    (done,) = [one for one in await desk.services.payments.reconciliation.reconcile_all() if one.method == "stars"]
    assert (done.checked, done.differences, done.error, done.unknown) == (3, [], "", 0)
    await desk.work()
    assert len((await desk.until(lambda view: True)).charges) == 3


async def test_a_renewal_that_only_the_statement_tells_is_delivered(
    parts: Parts, emma: Payer, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot was away for longer than Telegram keeps updates."""
    desk = Desk(emma)
    async with polling(parts):
        charge = await desk.subscribe(await desk.goods())
    async with desk.services.uow() as tx:  # that was a month ago
        await tx.execute(text("UPDATE payment_intents SET paid_until = paid_until - interval '30 days'"))
    provider: Any = desk.services.payments.intents._providers["stars"]
    between = provider._book.between

    async def listed(since: Any, until: Any = None) -> list[Any]:
        return [replace(one, date=one.date - 2_592_000 * (one.id == charge)) for one in await between(since, until)]

    monkeypatch.setattr(provider._book, "between", listed)
    await telegram.control("POST", "/renew", charge_id=charge)
    await parts.bot.delete_webhook(drop_pending_updates=True)
    await desk.services.payments.reconciliation.reconcile_all()
    view = await desk.until(lambda view: len(view.charges) == 2)
    assert [one.refusal for one in view.charges] == [None] * 2
    (done, *_) = [one for one in await desk.services.payments.reconciliation.reconcile_all() if one.method == "stars"]
    assert (done.checked, done.differences) == (2, [])


async def test_cancelled_on_either_side(desk: Desk, telegram: Telegram) -> None:
    charge = await desk.subscribe(await desk.goods())
    service = desk.services.orders.subscriptions
    await telegram.control("POST", "/subscription", charge_id=charge, canceled=True)
    view = await desk.until(lambda view: view.subscription.status is S.CANCELLED)
    assert not view.subscription.stopped
    await telegram.control("POST", "/subscription", charge_id=charge, canceled=False)
    await desk.until(lambda view: view.subscription.status is S.ACTIVE)
    await service.cancel(desk.emma.actor, view.subscription.id)
    await desk.work()
    (call,) = await telegram.calls("editUserStarSubscription")
    assert call["params"]["telegram_payment_charge_id"] == charge
    await service.resume(desk.emma.actor, view.subscription.id)
    await desk.work()
    assert (await desk.until(lambda view: True)).subscription.status is S.CANCELLED
    await telegram.control("POST", "/subscription", charge_id=charge, canceled=False)
    await desk.until(lambda view: view.subscription.status is S.ACTIVE)
    await telegram.control("POST", "/renew", charge_id=charge, outcome="failed")
    await desk.until(lambda view: view.subscription.status is S.PAST_DUE)
    await telegram.control("POST", "/renew", charge_id=charge)
    view = await desk.until(lambda view: view.subscription.status is S.ACTIVE)
    assert len(view.charges) == 2


async def test_a_renewal_of_somebody_blocked_is_refunded_in_stars(desk: Desk, telegram: Telegram) -> None:
    charge = await desk.subscribe(await desk.goods())
    async with desk.services.uow() as tx:  # as a block whose task has not run yet
        await tx.execute(text("UPDATE users SET blacklisted_at = now(), blacklist_reason = 'x' WHERE id = :id"),
                         {"id": desk.emma.actor.id})  # fmt: skip
    await telegram.control("POST", "/renew", charge_id=charge)
    view = await desk.until(lambda view: view.subscription.status is S.ENDED)
    await desk.work()
    (call,) = await telegram.calls("refundStarPayment")
    assert call["params"]["telegram_payment_charge_id"] != charge
    refunded = await desk.emma.intent(view.charges[0].intent_id)
    assert (refunded.status, await desk.emma.balance()) == (IntentStatus.REFUNDED, 0)
    # Telegram tells of the refund too, which is the shop's own.
    async with asyncio.timeout(10):
        while not await inbox(desk.services, "ignored"):
            await asyncio.sleep(0.02)
    assert await inbox(desk.services) == []
    answer = await telegram.http.post("/control/renew", json={"charge_id": charge})
    assert "SUBSCRIPTION_CANCELED" in answer.text


async def test_the_bot_refuses_what_would_buy_nothing(desk: Desk) -> None:
    goods = await desk.goods(keys=1)
    intent = await desk.begin(goods)
    assert intent.action is not None
    async with desk.services.uow() as tx:
        await tx.execute(text("UPDATE stock_keys SET state = 'removed'"))
    assert (await desk.emma.pay(intent.action.url))["status"] == "failed"
    with pytest.raises(OrderNotPayable):
        await desk.services.orders.subscriptions.check_payable(intent.id, intent.payable)  # type: ignore[arg-type]
    assert await desk.view() is None
