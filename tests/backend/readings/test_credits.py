"""Credits are goods as any others: bought, given to friends, reserved, renewed, refunded as far as they are unused."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from backend.bootstrap import make_fulfillers
from backend.catalog.errors import ReservationGone
from backend.catalog.types import StockKind
from backend.catalog.types.fulfilment import DeliveryStatus, FulfilmentLine, ItemId, Unused
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import CREDIT, Money
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus, OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from backend.readings.errors import PackageNotOnSale
from backend.readings.fulfilment import ReadingCredits
from backend.readings.repository import packages
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, TransferKind
from tests.factories.readings import credits_of
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import HUGE


class Counter:
    """A shop that sells packages of five credits, and a buyer."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing) -> None:
        self.uow, self.ring, self.number = uow, ring, 0
        self.orders = OrdersServices.build(
            uow=uow, ring=ring, fulfillers=make_fulfillers(ring), single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15), premium_grace=lambda: timedelta(days=3),
        )  # fmt: skip

    async def open(self) -> Counter:
        """Put a package on sale."""
        (self.buyer,) = await buyers(self.uow, 1, 100_000)
        self.five = await self.sells(5)
        return self

    async def sells(self, credits: int | None) -> Goods:
        """A package of so many credits; None for a variant that is none."""
        async with self.uow() as tx:
            goods = await add_goods(tx, self.ring, keys=0, price=500, kind=StockKind.CREDITS.value)
            if credits is not None:
                await packages.set_credits(tx, goods.variant_id, credits)
        return goods

    async def buy(self, goods: Goods, quantity: int = 1) -> OrderView:
        """A purchase from the balance."""
        self.number += 1
        return await self.orders.checkout.place(self.buyer, goods.variant_id, quantity, f"tap-{self.number:08}")

    async def refund(self, order: OrderView, quantity: int | None = None) -> None:
        """Refund so many of the order's first line, or all of the order."""
        requested = order.total if quantity is None else [LineQuantity(order.lines[0].id, quantity)]
        self.number += 1
        await self.orders.refunds.refund(
            Actor.system(), order.number, requested, RefundTarget.WALLET, "asked for",
            idempotency_key=f"r-{self.number:08}",
        )  # fmt: skip

    async def use(self, credits: int) -> None:
        """Have the buyer use credits for readings."""
        self.number += 1
        async with self.uow() as tx:
            await wallet.transfer(
                tx, TransferKind.READING, f"use-{self.number}", AccountRef.user(self.buyer.id),
                AccountRef.shop(REVENUE), Money(credits, CREDIT),
            )  # fmt: skip

    async def credits(self, of: UserId | None = None) -> int:
        """What somebody has."""
        return await credits_of(self.uow, of or self.buyer.id)

    def line(self, goods: Goods, number: UUID, quantity: int = 1, *, recipient: UserId | None = None) -> FulfilmentLine:
        """A line that no order has."""
        return FulfilmentLine(
            id=OrderLineId(number), kind=StockKind.CREDITS.value, product_id=goods.product_id,
            variant_id=goods.variant_id, quantity=quantity, buyer=self.buyer.id, recipient=recipient or self.buyer.id,
        )  # fmt: skip


@pytest.fixture
async def counter(uow: UnitOfWork, ring: KeyRing) -> Counter:
    """The shop."""
    return await Counter(uow, ring).open()


async def test_a_package_gives_its_credits_at_once(counter: Counter) -> None:
    order = await counter.buy(counter.five, 2)
    assert (order.status, order.keys) == (OrderStatus.DELIVERED, [])
    assert await counter.credits() == 10


async def test_a_reserved_package_gives_what_it_said(counter: Counter) -> None:
    ref = await counter.orders.checkout.reserve(counter.buyer, counter.five.variant_id, 1, "reserved-1", hold=True)
    assert await counter.credits() == 0
    async with counter.uow() as tx:
        await packages.set_credits(tx, counter.five.variant_id, 50)
    await counter.orders.settlement.pay(counter.buyer, ref.number)
    assert await counter.credits() == 5


async def test_what_is_no_package_is_not_sold(counter: Counter) -> None:
    empty = await counter.sells(None)
    with pytest.raises(PackageNotOnSale):
        await counter.buy(empty)


@pytest.mark.parametrize(("used", "left"), [(0, 0), (2, 0), (5, 0)])
async def test_a_refund_takes_the_unused_credits_and_no_others(counter: Counter, used: int, left: int) -> None:
    order = await counter.buy(counter.five)
    if used:
        await counter.use(used)
    await counter.refund(order)
    assert await counter.credits() == left


async def test_a_refund_takes_nothing_of_what_was_bought_later(counter: Counter) -> None:
    first = await counter.buy(counter.five)
    await counter.use(4)
    await counter.buy(counter.five)
    await counter.refund(first)
    assert await counter.credits() == 5


async def test_a_part_of_an_order_is_refunded(counter: Counter) -> None:
    order = await counter.buy(counter.five, 3)
    await counter.use(2)
    await counter.refund(order, 1)
    assert await counter.credits() == 8
    await counter.refund(order, 2)
    assert await counter.credits() == 0


async def test_what_a_refund_would_take_is_told_before(counter: Counter) -> None:
    goods = ReadingCredits()
    async with counter.uow() as tx:
        sold = counter.line(counter.five, tx.new_id(), 2)
        assert await goods.count_unused(tx, sold, 1) is None
        await goods.deliver(tx, [sold], reserved=False)
        assert await goods.count_unused(tx, sold, 1) == Unused(5, 5)
    await counter.use(7)
    async with counter.uow() as tx:
        assert await goods.count_unused(tx, sold, 2) == Unused(3, 10)
        await goods.revoke(tx, sold, 2)
        assert await goods.count_unused(tx, sold, 2) == Unused(0, 7, 3)
    assert await counter.credits() == 0


async def test_a_friend_gets_the_credits_that_somebody_pays(counter: Counter) -> None:
    (friend,) = await buyers(counter.uow, 1, 0)
    async with counter.uow() as tx:
        line = counter.line(counter.five, tx.new_id(), recipient=friend.id)
        await ReadingCredits().deliver(tx, [line], reserved=False)
    assert (await counter.credits(friend.id), await counter.credits()) == (5, 0)


async def test_what_every_kind_of_goods_must_do(counter: Counter) -> None:
    goods = ReadingCredits()
    async with counter.uow() as tx:
        sold = counter.line(counter.five, tx.new_id(), 2)
        dropped = counter.line(counter.five, tx.new_id())
        await goods.reserve(tx, [sold, dropped])
        await goods.release(tx, [dropped])
        await goods.release(tx, [dropped])
        with pytest.raises(ReservationGone):
            await goods.deliver(tx, [dropped], reserved=True)
        delivered = await goods.deliver(tx, [sold], reserved=True)
        assert {one.status for one in delivered.values()} == {DeliveryStatus.DELIVERED}
        with pytest.raises(ReservationGone):
            await goods.deliver(tx, [sold], reserved=True)
        await goods.release(tx, [sold])
        await goods.deliver(tx, [dropped], reserved=False)
        assert (await goods.items(tx, [sold, dropped]), await goods.open(tx, [])) == ((), ())
        with pytest.raises(NotFound):
            await goods.open(tx, [ItemId(tx.new_id())])
        with pytest.raises(ValueError, match="at least 1"):
            await goods.reserve(tx, [counter.line(counter.five, tx.new_id(), 0)])
    assert await counter.credits() == 15


async def test_an_admin_sees_what_a_refund_takes_back(counter: Counter) -> None:
    order = await counter.buy(counter.five, 2)
    await counter.use(7)
    before = await counter.orders.refunds.refundable(Actor.system(), order.number)
    assert before.used_up == Unused(left=3, given=10, taken=0)
    await counter.refund(order, 1)
    after = await counter.orders.refunds.refundable(Actor.system(), order.number)
    assert after.used_up == Unused(left=0, given=5, taken=3)
