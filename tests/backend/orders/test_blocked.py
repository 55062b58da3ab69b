"""Blocked between a payment and the money's arrival: no goods, no bonus, no message; the money stays in the wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import SUBSCRIPTIONS, Services, make_fulfillers
from backend.catalog import domain as catalog
from backend.growth.errors import CodeNotValid
from backend.growth.types import NewBonusRule
from backend.identity.errors import Blocked
from backend.identity.types import Actor
from backend.infra.jobs import Job, Task, by_name
from backend.infra.storage import PrivateFiles
from backend.infra.telegram.pace import Priority
from backend.kernel.ids import JobId, OrderId, UserId, new_id
from backend.notifications.rules import QuietHours
from backend.notifications.service import NotificationsService
from backend.notifications.types import Message, NotificationId
from backend.orders.types import OrderStatus
from backend.payments.types import Intent, ProviderReport, ProviderState
from backend.wallet import domain as ledger
from backend.worker import all_tasks
from tests.factories.identity import person
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import USD, give, usd

ROOT = Actor.system()
KEY = "tap-0000001"

FOR_THE_PERSON: Final = {
    "orders.settle_payment": "no goods: the order ends, the money stays in the wallet, the admins are told",
    "orders.cancel_blocked": "what is reserved goes back",
    "orders.deliver_line": "delivered: it was paid before, and the messages of it are withheld",
    "orders.fail_line": "refunded to the wallet, which gives nobody anything",
    "orders.settle_charge": "no goods: the charge is refunded, the subscription ends, the admins are told",
    "orders.note_renewal": "noted: it gives nobody anything",
    "orders.stop_blocked": "their subscriptions end, so that they are not charged again",
    "courses.send_unblocked": "nothing is sent: the deliveries of who is blocked are skipped",
    "courses.plan_by_zone": "planned: it gives nobody anything",
    "community.note_access": "who is blocked has no access to groups, whatever plans they have: they are removed",
    "community.note_blocked": "they are removed from the groups of their plans",
    "certificates.print": "drawn: they had completed the course; its message is withheld",
    "certificates.print_again": "drawn: they had completed the course",
    "orders.run_bulk": "done: an admin decided it; a refund goes to who paid, keys they own are sent to nobody blocked",
    "orders.prepare_file": "stamped: it was paid before, and the message with it is withheld",
    "audience.run_bulk": "done: an admin decided it; it gives nobody goods",
    "orders.note_link": "noted: it gives nobody anything",
    "growth.credit_bonus": "none",
    "growth.take_bonus_back": "taken: it takes and gives nothing",
    "catalog.switch_batch": "nothing: it moves stock of the shop",
    "catalog.check_import": "nothing: it reads a file of keys",
    "catalog.change_stock": "nothing: it moves stock of the shop",
    "catalog.run_import": "nothing: it adds stock to the shop",
    "catalog.serve_line": "nothing: who is blocked is passed over",
    "catalog.pass_on": "what was held for them goes to the next in line",
    "growth.take_bonus_back_too": "taken: it takes and gives nothing",
    "readings.interpret": "written: it was paid for with credits before, and their pages are closed",
}
"""What each task that acts for a person does once they are blocked; all of notifications withholds what is theirs."""


class Shop:
    """The services, and the worker's tasks run by hand."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tasks: dict[str, Task] = by_name(all_tasks(services))

    async def rows(self, sql: str, **values: object) -> list[Any]:
        async with self.services.uow.read() as tx:
            return list(await tx.execute(text(sql), values))

    async def run(self, *names: str) -> None:
        """Run each job of these tasks, twice: they are at-least-once."""
        for name in names:
            for row in await self.rows("SELECT id, payload FROM outbox_jobs WHERE task = :task", task=name):
                task = self.tasks[name]
                job = Job(id=JobId(row.id), task=name, attempt=1, last=False, created_at=self.services.clock.now())
                for _ in range(2):
                    await task.run(msgspec.convert(row.payload, task.payload), job)

    async def goods(self) -> Goods:
        async with self.services.uow() as tx:
            return await add_goods(tx, self.services.ring, price=720)

    async def left(self, goods: Goods) -> int:
        async with self.services.uow.read() as tx:
            return await catalog.count_available(tx, goods.variant_id)

    async def balance(self, user_id: UserId) -> int:
        async with self.services.uow.read() as tx:
            return (await ledger.balance(tx, user_id, USD)).amount

    async def paid(self, buyer: Actor, cents: int, order_id: OrderId | None = None) -> Intent:
        key = str(new_id())
        intent = await self.services.payments.intents.start_top_up(
            buyer, "demo", usd(cents), order_id, idempotency_key=key
        )
        report = ProviderReport(event_id=key, state=ProviderState.PAID, intent_id=intent.id, received=usd(cents))
        await self.services.payments.intents.settle("demo", report)
        return intent

    async def block(self, buyer: Actor) -> None:
        await self.services.identity.people.block(ROOT, buyer.id, "fraud")

    async def status(self, number: str) -> OrderStatus:
        return (await self.services.orders.history.admin_detail(ROOT, number)).status

    async def notes(self, kind: str) -> list[UserId]:
        return [row.user_id for row in await self.rows("SELECT user_id FROM notifications WHERE kind = :k", k=kind)]


@pytest.fixture
def shop(services: Services) -> Shop:
    return Shop(services)


@pytest.fixture
async def buyer(shop: Shop) -> Actor:
    """Somebody with 3.00."""
    buyer = await person(shop.services.identity)
    async with shop.services.uow() as tx:
        await give(tx, buyer.id, usd(300))
    return buyer


def test_every_task_that_acts_for_a_person_has_its_decision() -> None:
    """A new subscription must say here what it does for somebody who is blocked."""
    others = {task for tasks in SUBSCRIPTIONS.values() for task in tasks if not task.startswith("notifications.")}
    assert others == set(FOR_THE_PERSON)


@pytest.mark.parametrize("before", ["waiting", "cancelled", "expired"])
async def test_the_order_is_not_delivered(shop: Shop, buyer: Actor, before: str, clock) -> None:
    goods, orders = await shop.goods(), shop.services.orders
    ref = await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    await shop.paid(buyer, 420, ref.id)
    if before == "cancelled":
        await orders.reservations.cancel(buyer, ref.number)
    elif before == "expired":
        clock.move(hours=2)
        await orders.reservations.expire_lapsed()
    await shop.block(buyer)
    await shop.run("orders.settle_payment", "orders.cancel_blocked", "notifications.order_payment_kept")
    ended = OrderStatus.EXPIRED if before == "expired" else OrderStatus.CANCELLED
    assert (await shop.status(ref.number), await shop.left(goods), await shop.balance(buyer.id)) == (ended, 5, 720)
    (root,) = await shop.rows("SELECT id FROM users WHERE is_root")
    assert set(await shop.notes("order_of_blocked")) == {root.id}
    assert await shop.rows("SELECT 1 FROM audit_entries WHERE action = 'orders.keep_payment'")
    assert (await shop.services.wallet.ledger.verify(ROOT)).balanced


async def test_a_block_between_payment_and_settlement_or_beside_it(shop: Shop, buyer: Actor) -> None:
    """Whichever is first: goods and no money, or money and no goods."""
    goods, delivered = await shop.goods(), 0
    for turn in range(5):
        ref = await shop.services.orders.checkout.reserve(buyer, goods.variant_id, 1, f"tap-000000{turn}")
        await shop.paid(buyer, 720, ref.id)
        before = await shop.balance(buyer.id)
        await asyncio.gather(shop.run("orders.settle_payment"), shop.block(buyer), shop.run("orders.cancel_blocked"))
        await shop.run("orders.settle_payment", "orders.cancel_blocked")
        sold = await shop.status(ref.number) is OrderStatus.DELIVERED
        delivered += sold
        assert await shop.balance(buyer.id) == before - (720 if sold else 0)
        assert await shop.left(goods) == 5 - delivered
        await shop.services.identity.people.unblock(ROOT, buyer.id)
    assert (await shop.services.wallet.ledger.verify(ROOT)).balanced


async def test_what_a_blocked_person_reserved_goes_back(shop: Shop, buyer: Actor) -> None:
    goods, orders = await shop.goods(), shop.services.orders
    refs = [await orders.checkout.reserve(buyer, goods.variant_id, 1, f"tap-000000{n}", hold=True) for n in range(2)]
    assert (await shop.left(goods), await shop.balance(buyer.id)) == (3, 0)
    await shop.block(buyer)
    with pytest.raises(Blocked):
        await orders.settlement.pay(buyer, refs[0].number)
    await shop.run("orders.cancel_blocked")
    assert {await shop.status(ref.number) for ref in refs} == {OrderStatus.CANCELLED}
    assert (await shop.left(goods), await shop.balance(buyer.id)) == (5, 300)
    await shop.services.identity.people.unblock(ROOT, buyer.id)
    reserved = await orders.checkout.reserve(buyer, goods.variant_id, 1, "tap-later")
    await shop.run("orders.cancel_blocked")
    assert await shop.status(reserved.number) is OrderStatus.AWAITING_PAYMENT, "unblocked since"


async def test_no_bonus_no_voucher_and_no_gift_from_them(shop: Shop, buyer: Actor, settings) -> None:
    services = shop.services
    owner, friend = await person(services.identity, settings.root_admin_id), await person(services.identity)
    await services.growth.bonuses.add_rule(owner, NewBonusRule(minimum=usd(100), basis_points=1000))
    (voucher,) = (await services.growth.vouchers.make(owner, usd(500), idempotency_key="k")).codes
    gift = await services.growth.gifts.buy(buyer, usd(100), idempotency_key="g")
    await shop.paid(buyer, 1000)
    await shop.block(buyer)
    await shop.run("growth.credit_bonus")
    with pytest.raises(Blocked):
        await services.growth.codes.redeem(buyer, voucher)
    with pytest.raises(CodeNotValid):
        await services.growth.codes.redeem(friend, gift.code)
    assert (await shop.balance(buyer.id), await shop.balance(friend.id)) == (1200, 0)
    await services.identity.people.unblock(ROOT, buyer.id)
    assert (await services.growth.codes.redeem(friend, gift.code)).amount == usd(100)


class Slow:
    """A messenger whose turn comes late: meanwhile something happens."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self.meanwhile = meanwhile
        self.sent: list[Message] = []

    async def turn(self, _chat_id: int, _key: str, _priority: Priority = Priority.ANSWERS) -> None:
        await self.meanwhile()

    async def send(self, _chat_id: int, message: Message) -> int:
        self.sent.append(message)
        return 1

    async def close(self) -> None: ...


async def test_a_message_that_waits_for_its_turn_is_withheld_with_its_keys(shop: Shop, buyer: Actor) -> None:
    goods = await shop.goods()
    async with shop.services.uow() as tx:
        await give(tx, buyer.id, usd(720))
    await shop.services.orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    await shop.run("notifications.order_paid_buyer")
    slow = Slow(lambda: shop.block(buyer))
    service = NotificationsService(
        uow=shop.services.uow,
        fulfillers=make_fulfillers(shop.services.ring),
        ring=shop.services.ring,
        files=PrivateFiles(Path(shop.services.settings.data_dir)),
        messenger=slow,
        public_url="https://shop.example",
        receipts=shop.services.payments.deposits.latest_receipt,
        quiet_hours=lambda: QuietHours(22, 8),
        timezone="UTC",
    )
    (note,) = await shop.rows("SELECT id FROM notifications WHERE user_id = :id", id=buyer.id)
    job = Job(
        id=JobId(new_id()), task="notifications.send", attempt=1, last=False, created_at=shop.services.clock.now()
    )
    await service.send(NotificationId(note.id), job)
    (after,) = await shop.rows("SELECT status FROM notifications WHERE id = :id", id=note.id)
    assert (after.status, slow.sent) == ("withheld", [])
    assert await shop.rows("SELECT 1 FROM order_reveals") == []
