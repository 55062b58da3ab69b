"""Money that comes for an order: in time, late, short, long, beside what the wallet holds."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from backend.identity.types import Actor
from backend.kernel.errors import Forbidden
from backend.orders.errors import OrderNotPayable
from backend.orders.types import (
    NotAppliedReason,
    OrderPaymentKept,
    OrderStatus,
    OrderStep,
)
from backend.payments.types import TopUpSucceeded
from backend.wallet.errors import InsufficientFunds
from tests.backend.orders.settling import KEY, Shop
from tests.factories.shop import buyers
from tests.factories.wallet import give, usd
from tests.fakes.clock import FakeClock


async def test_the_wallet_part_is_held_and_captured_with_the_rest(shop: Shop, buyer: Actor) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    waiting = await shop.orders.history.detail(buyer, ref.number)
    assert (waiting.status, waiting.held) == (OrderStatus.AWAITING_PAYMENT, usd(300))
    assert await shop.balance(buyer) == 0
    assert await shop.orders.reservations.awaits_payment(ref.id)
    intent = await shop.begin(buyer, ref, usd(420))
    await shop.arrive(intent, usd(420))
    order = await shop.orders.history.detail(buyer, ref.number)
    assert (order.status, len(order.keys), order.held) == (OrderStatus.DELIVERED, 1, usd(0))
    assert await shop.balance(buyer) == 0
    assert not await shop.orders.reservations.awaits_payment(ref.id)
    assert len(await shop.jobs("test.OrderPaid")) == 1
    houses = {item.name: item.balance.amount for item in await shop.wallet.ledger.shop_accounts(Actor.system())}
    assert houses["revenue"] == 720
    await shop.proven()


@pytest.mark.parametrize("how", ["cancelled", "lapsed"])
async def test_the_wallet_part_is_released_with_the_goods(shop: Shop, buyer: Actor, clock: FakeClock, how: str) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    if how == "cancelled":
        await shop.orders.reservations.cancel(buyer, ref.number)
        await shop.orders.reservations.cancel(buyer, ref.number)
    else:
        clock.move(minutes=16)
        assert await shop.orders.reservations.expire_lapsed() == 1
    assert await shop.balance(buyer) == 300
    assert await shop.left(goods) == 5
    await shop.proven()


async def test_a_hold_cannot_be_spent_on_something_else(shop: Shop, buyer: Actor) -> None:
    dear, cheap = await shop.goods(price=720), await shop.goods(price=100)
    await shop.orders.checkout.reserve(buyer, dear.variant_id, 1, KEY, hold=True)
    with pytest.raises(InsufficientFunds):
        await shop.orders.checkout.place(buyer, cheap.variant_id, 1, "tap-0000002")


async def test_short_money_waits_and_the_rest_pays(shop: Shop, buyer: Actor) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    await shop.arrive(intent, usd(400))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.AWAITING_PAYMENT
    assert (await shop.payments.intent(buyer, intent.id)).missing == usd(20)
    await shop.arrive(intent, usd(420))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.DELIVERED
    await shop.proven()


async def list_not_applied(shop: Shop) -> list[OrderPaymentKept]:
    """What was told of money that did not buy its order."""
    return [msgspec.convert(job, OrderPaymentKept) for job in await shop.jobs("test.OrderPaymentKept")]


async def test_short_money_leaves_the_rest_of_the_wallet_alone(shop: Shop, buyer: Actor) -> None:
    """A buyer who pays by another method alone keeps their balance untouched, also while a part is missing."""
    async with shop.uow() as tx:
        await give(tx, buyer.id, usd(700))
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY)
    intent = await shop.begin(buyer, ref, usd(720))
    await shop.arrive(intent, usd(100))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.AWAITING_PAYMENT
    assert await shop.balance(buyer) == 1100
    await shop.arrive(intent, usd(720))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.DELIVERED
    assert await shop.balance(buyer) == 1000
    await shop.proven()


@pytest.mark.parametrize("how", ["cancelled", "lapsed"])
async def test_a_late_part_buys_nothing_with_other_money(shop: Shop, buyer: Actor, clock: FakeClock, how: str) -> None:
    """What the wallet was topped up with since is for something else; the part is kept, and the buyer is told."""
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    if how == "cancelled":
        await shop.orders.reservations.cancel(buyer, ref.number)
    else:
        clock.move(minutes=16)
        await shop.orders.reservations.expire_lapsed()
    async with shop.uow() as tx:
        await give(tx, buyer.id, usd(5000))
    await shop.arrive(intent, usd(100))
    order = await shop.orders.history.detail(buyer, ref.number)
    assert order.status is (OrderStatus.CANCELLED if how == "cancelled" else OrderStatus.EXPIRED)
    assert await shop.balance(buyer) == 5400
    why = NotAppliedReason.CANCELLED if how == "cancelled" else NotAppliedReason.NOT_ENOUGH
    assert {(event.amount, event.why) for event in await list_not_applied(shop)} == {(100, why)}
    # The rest comes after all: now it is the payment that the order was waiting for.
    await shop.arrive(intent, usd(420))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is (
        OrderStatus.CANCELLED if how == "cancelled" else OrderStatus.DELIVERED
    )
    await shop.proven()


async def test_long_money_pays_and_the_rest_is_in_the_wallet(shop: Shop, buyer: Actor) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    await shop.arrive(await shop.begin(buyer, ref, usd(420)), usd(1000))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.DELIVERED
    assert await shop.balance(buyer) == 580
    await shop.proven()


async def test_late_money_pays_while_the_goods_are_there(shop: Shop, buyer: Actor, clock: FakeClock) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    clock.move(minutes=16)
    await shop.orders.reservations.expire_lapsed()
    await shop.arrive(intent, usd(420))
    order = await shop.orders.history.detail(buyer, ref.number)
    assert (order.status, len(order.keys)) == (OrderStatus.DELIVERED, 1)
    assert [entry.step for entry in order.timeline][-3:] == [OrderStep.EXPIRED, OrderStep.PAID, OrderStep.DELIVERED]
    assert await shop.balance(buyer) == 0
    assert await shop.jobs("test.OrderPaymentKept") == []
    await shop.proven()


async def test_late_money_whose_goods_are_gone_is_in_the_wallet(shop: Shop, buyer: Actor, clock: FakeClock) -> None:
    goods = await shop.goods(price=720, keys=1)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    clock.move(minutes=16)
    await shop.orders.reservations.expire_lapsed()
    (other,) = await buyers(shop.uow, 1, 720)
    await shop.orders.checkout.place(other, goods.variant_id, 1, KEY)
    await shop.arrive(intent, usd(420))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.EXPIRED
    assert await shop.balance(buyer) == 720
    assert {event.why for event in await list_not_applied(shop)} == {NotAppliedReason.SOLD_OUT}
    await shop.proven()


async def test_late_money_respects_the_limit_per_person(shop: Shop, buyer: Actor, clock: FakeClock) -> None:
    goods = await shop.goods(price=100, per_person_limit=1)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY)
    intent = await shop.begin(buyer, ref, usd(100))
    clock.move(minutes=16)
    await shop.orders.reservations.expire_lapsed()
    await shop.orders.checkout.place(buyer, goods.variant_id, 1, "tap-0000002")
    await shop.arrive(intent, usd(100))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.EXPIRED
    assert await shop.balance(buyer) == 300
    assert {event.why for event in await list_not_applied(shop)} == {NotAppliedReason.LIMIT_REACHED}


async def test_late_money_whose_other_part_was_spent(shop: Shop, buyer: Actor, clock: FakeClock) -> None:
    goods, other = await shop.goods(price=720), await shop.goods(price=300)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    clock.move(minutes=16)
    await shop.orders.reservations.expire_lapsed()
    await shop.orders.checkout.place(buyer, other.variant_id, 1, "tap-0000002")
    await shop.arrive(intent, usd(420))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.EXPIRED
    assert {event.why for event in await list_not_applied(shop)} == {NotAppliedReason.NOT_ENOUGH}
    await shop.proven()


async def test_money_lapsing_cancelling_and_paying_at_once(shop: Shop, clock: FakeClock) -> None:
    """Every order ends in one way, its money and its goods with it."""
    goods = await shop.goods(price=720, keys=12)
    people = await buyers(shop.uow, 12, 300)
    refs = [await shop.orders.checkout.reserve(person, goods.variant_id, 1, KEY, hold=True) for person in people]
    intents = [await shop.begin(person, ref, usd(420)) for person, ref in zip(people, refs, strict=True)]
    for intent in intents:
        await shop.payments.settle("fake", shop.fake.paid(intent.id, usd(420)))
    clock.move(minutes=16)
    events = [msgspec.convert(job, TopUpSucceeded) for job in await shop.jobs("test.TopUpSucceeded")]
    await asyncio.gather(
        shop.orders.reservations.expire_lapsed(),
        shop.orders.reservations.expire_lapsed(),
        *(shop.orders.settlement.settle_payment(event) for event in events),
        *(
            shop.orders.reservations.cancel(person, ref.number)
            for person, ref in zip(people[::2], refs[::2], strict=True)
        ),
        return_exceptions=True,
    )
    await shop.settle_all()
    sold = 0
    for person, ref in zip(people, refs, strict=True):
        order = await shop.orders.history.detail(person, ref.number)
        # A late payment buys what is still in stock; a buyer who cancelled has the money in the balance.
        delivered = order.status is OrderStatus.DELIVERED
        assert delivered or (order.status is OrderStatus.CANCELLED and person in people[::2])
        assert (len(order.keys), await shop.balance(person)) == ((1, 0) if delivered else (0, 720))
        sold += delivered
    assert await shop.left(goods) == 12 - sold
    await shop.proven()


async def test_an_admin_gives_a_waiting_order_up(shop: Shop, buyer: Actor) -> None:
    goods = await shop.goods(price=720)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    with pytest.raises(Forbidden):
        await shop.orders.reservations.cancel_for(buyer, ref.number, "no right")
    await shop.orders.reservations.cancel_for(Actor.system(), ref.number, "asked for it")
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.CANCELLED
    assert await shop.balance(buyer) == 300
    with pytest.raises(OrderNotPayable):
        await shop.orders.reservations.cancel_for(Actor.system(), ref.number, "again")
