"""Many orders at once: the plan, its run, what fails inside, double taps, two admins, a right that ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services, make_fulfillers
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from backend.orders.errors import SentTooOften, TooManyOrders
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus, RefundTarget
from backend.orders.types.bulk import Bulk, BulkAction, BulkId, BulkStatus, BulkTerms
from backend.orders.types.criteria import OrderCriteria
from backend.wallet import domain as wallet
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import usd

REFUND = BulkTerms(action=BulkAction.REFUND, reason="Broken batch", target=RefundTarget.WALLET)
CANCEL = BulkTerms(action=BulkAction.CANCEL, reason="Wrong price")
RESEND = BulkTerms(action=BulkAction.RESEND_KEYS)
_KEYS = "k" * 8


class Shop:
    """Two buyers, two admins, one product at $10.00."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, limit: int = 10**9) -> None:
        self.uow, self.ring, self.taps = uow, ring, 0
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: usd(limit),
            reservation=lambda: timedelta(minutes=15),
        )

    async def open(self) -> None:
        self.layla, self.omar, nadia, rami = await buyers(self.uow, 4, 1_000_000)
        self.nadia, self.rami = [await self.promote(one) for one in (nadia, rami)]
        async with self.uow() as tx:
            self.vpn = await add_goods(tx, self.ring, keys=60, price=1000)

    async def promote(self, actor: Actor) -> Actor:
        await self.permit(actor, ["orders"])
        return msgspec.structs.replace(actor, permissions=frozenset({Permission.ORDERS}))

    async def permit(self, actor: Actor, permissions: list[str]) -> None:
        async with self.uow() as tx:
            await tx.execute(
                text("UPDATE users SET permissions = :held WHERE id = :id"), {"held": permissions, "id": actor.id}
            )

    async def buy(self, who: Actor) -> str:
        self.taps += 1
        return (await self.orders.checkout.place(who, self.vpn.variant_id, 1, f"tap-{self.taps:06}")).number

    async def plan(self, terms: BulkTerms, *numbers: str, by: Actor | None = None, key: str = "") -> BulkId:
        self.taps += 1
        chosen = OrderCriteria(only=numbers or None)
        return await self.orders.bulk.plan(
            by or self.nadia, chosen, terms, idempotency_key=key or f"plan-{self.taps:06}"
        )

    async def run(self, terms: BulkTerms, *numbers: str, by: Actor | None = None) -> Bulk:
        bulk_id = await self.plan(terms, *numbers, by=by)
        await self.orders.bulk.start(by or self.nadia, bulk_id)
        await self.orders.bulk.run(bulk_id)
        return adds_up(await self.orders.bulk.get(self.nadia, bulk_id))

    async def status(self, number: str) -> OrderStatus:
        return (await self.orders.history.admin_detail(Actor.system(), number)).status

    async def balance(self, who: Actor) -> int:
        async with self.uow.read() as tx:
            return (await wallet.balance(tx, who.id, "USD")).amount


def adds_up(bulk: Bulk) -> Bulk:
    """Every order is counted once."""
    assert bulk.able + bulk.refused == bulk.orders == bulk.able + sum(one.orders for one in bulk.refusals)
    assert bulk.done + bulk.failed + bulk.left + bulk.stopped == bulk.able
    assert bulk.failed == sum(one.orders for one in bulk.failures)
    return bulk


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    shop = Shop(uow, ring)
    await shop.open()
    return shop


async def test_a_plan_says_what_will_happen_and_does_nothing(shop: Shop) -> None:
    one, two = await shop.buy(shop.layla), await shop.buy(shop.omar)
    own = await shop.buy(shop.nadia)
    unpaid = (await shop.orders.checkout.reserve(shop.omar, shop.vpn.variant_id, 1, "tap-reserve")).number

    bulk = adds_up(await shop.orders.bulk.get(shop.nadia, await shop.plan(REFUND, one, two, own, unpaid)))
    assert (bulk.status, bulk.orders, bulk.able, bulk.planned) == (BulkStatus.DRAFT, 4, 2, usd(2000))
    assert {one.code: one.numbers for one in bulk.refusals} == {"own": (own,), "not_paid": (unpaid,)}
    await shop.orders.bulk.run(bulk.id)  # not confirmed: nothing runs
    assert await shop.status(one) is OrderStatus.DELIVERED
    cancelling = await shop.orders.bulk.get(shop.nadia, await shop.plan(CANCEL, one, unpaid))
    assert (cancelling.able, cancelling.refusals[0].code) == (1, "not_unpaid")


async def test_one_that_fails_leaves_the_rest_done(shop: Shop) -> None:
    numbers = [await shop.buy(shop.layla) for _ in range(3)]
    before = await shop.balance(shop.layla)
    bulk_id = await shop.plan(REFUND, *numbers)
    await shop.orders.refunds.refund(
        shop.rami, numbers[1], usd(1000), RefundTarget.WALLET, "meanwhile", idempotency_key="refund-01"
    )
    await shop.orders.bulk.start(shop.nadia, bulk_id)
    await shop.orders.bulk.run(bulk_id)

    bulk = adds_up(await shop.orders.bulk.get(shop.nadia, bulk_id))
    assert (bulk.status, bulk.done, bulk.failed, bulk.moved) == (BulkStatus.DONE, 2, 1, usd(2000))
    assert (bulk.failures[0].code, bulk.failures[0].numbers) == ("order_not_payable", (numbers[1],))
    assert await shop.balance(shop.layla) == before + 3000
    assert [await shop.status(number) for number in numbers] == [OrderStatus.REFUNDED] * 3


async def test_double_taps_and_runs_again_change_nothing(shop: Shop) -> None:
    number = await shop.buy(shop.layla)
    before = await shop.balance(shop.layla)
    first, second = await shop.plan(REFUND, number, key="same-tap"), await shop.plan(REFUND, number, key="same-tap")
    assert first == second
    for _ in range(2):
        await shop.orders.bulk.start(shop.nadia, first)
        await shop.orders.bulk.run(first)
    assert await shop.balance(shop.layla) == before + 1000


async def test_the_sum_and_not_each_order_is_held_against_the_limit(uow: UnitOfWork, ring: KeyRing) -> None:
    shop = Shop(uow, ring, limit=2500)
    await shop.open()
    numbers = [await shop.buy(shop.layla) for _ in range(3)]
    of_second = await shop.buy(shop.rami)
    bulk_id = await shop.plan(REFUND, *numbers, of_second)

    for _ in range(2):  # the same admin once more is no second one
        assert (await shop.orders.bulk.start(shop.nadia, bulk_id)).status is BulkStatus.AWAITING_APPROVAL
    await shop.orders.bulk.run(bulk_id)
    assert await shop.status(numbers[0]) is OrderStatus.DELIVERED
    assert (await shop.orders.bulk.start(shop.rami, bulk_id)).approved_by == shop.rami.id
    await shop.orders.bulk.run(bulk_id)

    bulk = adds_up(await shop.orders.bulk.get(shop.nadia, bulk_id))
    assert (bulk.done, bulk.failed, bulk.failures[0].code) == (3, 1, "own_order")  # of who approved it
    assert await shop.status(of_second) is OrderStatus.DELIVERED


async def test_several_small_bulks_count_together(uow: UnitOfWork, ring: KeyRing) -> None:
    shop = Shop(uow, ring, limit=1500)
    await shop.open()
    first, second = await shop.buy(shop.layla), await shop.buy(shop.layla)

    assert (await shop.run(REFUND, first)).status is BulkStatus.DONE
    assert (await shop.run(REFUND, second)).status is BulkStatus.AWAITING_APPROVAL


async def test_a_right_that_ends_in_the_middle_stops_the_rest(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [await shop.buy(shop.layla) for _ in range(4)]
    bulk_id = await shop.plan(REFUND, *numbers)
    await shop.orders.bulk.start(shop.nadia, bulk_id)
    run_one, count = shop.orders.bulk._run_one, 0

    async def withdrawn_after_two(of: BulkId) -> bool:
        nonlocal count
        if count == 2:
            await shop.permit(shop.nadia, [])
        count += 1
        return await run_one(of)

    monkeypatch.setattr(shop.orders.bulk, "_run_one", withdrawn_after_two)
    await shop.orders.bulk.run(bulk_id)

    bulk = adds_up(await shop.orders.bulk.get(shop.rami, bulk_id))
    assert (bulk.status, bulk.done, bulk.stopped) == (BulkStatus.STOPPED, 2, 2)
    assert [await shop.status(number) for number in numbers].count(OrderStatus.DELIVERED) == 2


async def test_stopping_leaves_the_rest_alone(shop: Shop) -> None:
    number = await shop.buy(shop.layla)
    bulk_id = await shop.plan(REFUND, number)
    await shop.orders.bulk.start(shop.nadia, bulk_id)
    stopped = adds_up(await shop.orders.bulk.stop(shop.rami, bulk_id))
    await shop.orders.bulk.run(bulk_id)

    assert (stopped.status, stopped.stopped) == (BulkStatus.STOPPED, 1)
    assert await shop.status(number) is OrderStatus.DELIVERED


async def test_unpaid_orders_are_cancelled_and_their_goods_free_again(shop: Shop) -> None:
    waiting = [
        (await shop.orders.checkout.reserve(who, shop.vpn.variant_id, 1, "tap-reserve")).number
        for who in (shop.layla, shop.omar)
    ]
    assert (await shop.run(CANCEL, *waiting)).done == 2
    assert [await shop.status(number) for number in waiting] == [OrderStatus.CANCELLED] * 2


async def test_keys_are_sent_again_once_for_a_tap_and_not_without_end(shop: Shop) -> None:
    number = await shop.buy(shop.layla)
    order_id = (await shop.orders.history.admin_detail(shop.nadia, number)).id
    for _ in range(2):
        await shop.orders.bulk.resend(shop.nadia, order_id, idempotency_key=_KEYS)
    assert await _requested(shop) == 1
    for tap in range(2):
        await shop.orders.bulk.resend(shop.nadia, order_id, idempotency_key=f"another-{tap}")
    with pytest.raises(SentTooOften):
        await shop.orders.bulk.resend(shop.nadia, order_id, idempotency_key="one-too-many")
    bulk = await shop.run(RESEND, number)
    assert (bulk.done, bulk.failures[0].code) == (0, "sent_too_often")
    assert await _requested(shop) == 3


async def _requested(shop: Shop) -> int:
    async with shop.uow.read() as tx:
        rows = await tx.execute(
            text("SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.order_keys_to_chat'")
        )
        return int(rows.scalar_one())


async def test_what_cannot_be_planned_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = await shop.buy(shop.layla), await shop.buy(shop.layla)
    with pytest.raises(Forbidden):
        await shop.plan(REFUND, one, by=shop.layla)
    with pytest.raises(Invalid):
        await shop.plan(msgspec.structs.replace(REFUND, reason=" "), one)
    with pytest.raises(Invalid):
        await shop.plan(REFUND, "S-000000")
    with pytest.raises(Invalid):
        await shop.plan(BulkTerms(action=BulkAction.HAND_OVER, to=shop.layla.id), one)
    draft = await shop.plan(REFUND, one)
    with pytest.raises(Invalid):  # another admin's draft is not confirmed
        await shop.orders.bulk.start(shop.rami, draft)
    monkeypatch.setattr("backend.orders.service.bulk.MOST_ORDERS", 1)
    with pytest.raises(TooManyOrders):
        await shop.plan(REFUND, one, two)


async def test_two_admins_and_two_workers_at_once_refund_each_order_once(services: Services) -> None:
    shop = Shop(services.uow, services.ring)
    await shop.open()
    numbers = [await shop.buy(shop.layla) for _ in range(6)]
    before = await shop.balance(shop.layla)
    first, second = await shop.plan(REFUND, *numbers), await shop.plan(REFUND, *numbers, by=shop.rami)
    await shop.orders.bulk.start(shop.nadia, first)
    await shop.orders.bulk.start(shop.rami, second)
    await asyncio.gather(*(shop.orders.bulk.run(one) for one in (first, second, first, second)))

    bulks = [adds_up(await shop.orders.bulk.get(shop.nadia, one)) for one in (first, second)]
    assert all(bulk.status is BulkStatus.DONE and not bulk.left for bulk in bulks)
    assert sum(bulk.done for bulk in bulks) == sum(bulk.failed for bulk in bulks) == 6
    assert await shop.balance(shop.layla) == before + 6000
