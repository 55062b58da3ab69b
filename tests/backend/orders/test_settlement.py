"""Money that comes for an order: in time, late, short, long, beside what the wallet holds; and money that goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.catalog import domain as catalog
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.orders.errors import IdempotencyKeyReused, OrderNotPayable
from backend.orders.service import OrdersServices
from backend.orders.types import (
    NotAppliedReason,
    OrderPaymentKept,
    OrderRef,
    OrderStatus,
    OrderStep,
    OrderView,
    RefundTarget,
)
from backend.payments.domain import SEND_REFUND
from backend.payments.errors import RefundNotPossible, RefundTooMuch
from backend.payments.service import IntentsService, RefundsService
from backend.payments.types import Capabilities, Intent, SendRefund, TopUpLimits, TopUpSucceeded
from backend.wallet import domain as ledger
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import HUGE, USD, give, usd, wallet_services
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

KEY = "tap-0000001"
_EVENTS = ("TopUpSucceeded", "OrderPaid", "OrderPaymentKept", "OrderRefunded", "RefundEnded", "PaymentUnmatched")
Shelf = Callable[..., Awaitable[Goods]]


class Shop:
    """The services, and what a test asks of them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, fake: FakeProvider) -> None:
        ways = {fake.name: fake.capabilities}
        limits = TopUpLimits(minimum=usd(1), maximum=usd(1_000_000))
        self.uow = uow
        self.fake = fake
        self.ring = ring
        self.orders = OrdersServices.build(
            uow=uow, ring=ring, single_admin_limit=lambda: HUGE, reservation=lambda: timedelta(minutes=15), methods=ways
        )
        self.payments = IntentsService(uow=uow, providers=[fake], limits=lambda: limits)
        self.refunds = RefundsService(uow=uow, providers={fake.name: fake})
        self.wallet = wallet_services(uow)

    async def goods(self, **how: object) -> Goods:
        async with self.uow() as tx:
            return await add_goods(tx, self.ring, **how)  # type: ignore[arg-type]

    async def balance(self, buyer: Actor) -> int:
        async with self.uow.read() as tx:
            return (await ledger.balance(tx, buyer.id, USD)).amount

    async def left(self, goods: Goods) -> int:
        async with self.uow.read() as tx:
            return await catalog.count_available(tx, goods.variant_id)

    async def jobs(self, task: str) -> list[dict[str, object]]:
        async with self.uow.read() as tx:
            found = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY run_at, id")
            return list((await tx.execute(found, {"task": task})).scalars())

    async def settle_all(self) -> None:
        """What the worker does; each job twice, for it is at-least-once."""
        for payload in await self.jobs("test.TopUpSucceeded"):
            event = msgspec.convert(payload, TopUpSucceeded)
            await self.orders.settlement.settle_payment(event)
            await self.orders.settlement.settle_payment(event)
        for payload in await self.jobs(SEND_REFUND):
            await self.refunds.send(msgspec.convert(payload, SendRefund))

    async def begin(self, buyer: Actor, ref: OrderRef, amount: Money) -> Intent:
        return await self.payments.start_top_up(buyer, "fake", amount, OrderId(ref.id), idempotency_key=f"p-{ref.id}")

    async def arrive(self, intent: Intent, received: Money) -> None:
        await self.payments.settle("fake", self.fake.paid(intent.id, received))
        await self.settle_all()

    async def proven(self) -> None:
        assert (await self.wallet.ledger.verify(Actor.system())).balanced


@pytest.fixture
def shop(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str, ring: KeyRing) -> Shop:
    subscriptions = {name: (f"test.{name}",) for name in _EVENTS} | {"StockLow": ("test.StockLow",)}
    uow = UnitOfWork(engine, clock, Signals(engine, database_url), subscriptions)
    return Shop(uow, ring, FakeProvider(capabilities=Capabilities(refundable=True)))


@pytest.fixture
async def buyer(shop: Shop) -> Actor:
    """Somebody with 3.00."""
    return (await buyers(shop.uow, 1, 300))[0]


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
    from backend.wallet.errors import InsufficientFunds

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


async def kept(shop: Shop) -> list[OrderPaymentKept]:
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
    assert {(event.amount, event.why) for event in await kept(shop)} == {(100, why)}
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
    assert {event.why for event in await kept(shop)} == {NotAppliedReason.SOLD_OUT}
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
    assert {event.why for event in await kept(shop)} == {NotAppliedReason.LIMIT_REACHED}


async def test_late_money_whose_other_part_was_spent(shop: Shop, buyer: Actor, clock: FakeClock) -> None:
    goods, other = await shop.goods(price=720), await shop.goods(price=300)
    ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    intent = await shop.begin(buyer, ref, usd(420))
    clock.move(minutes=16)
    await shop.orders.reservations.expire_lapsed()
    await shop.orders.checkout.place(buyer, other.variant_id, 1, "tap-0000002")
    await shop.arrive(intent, usd(420))
    assert (await shop.orders.history.detail(buyer, ref.number)).status is OrderStatus.EXPIRED
    assert {event.why for event in await kept(shop)} == {NotAppliedReason.NOT_ENOUGH}
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


class TestRefunds:
    """Refunds of a paid order."""

    @pytest.fixture
    async def sold(self, shop: Shop, buyer: Actor) -> OrderView:
        """7.20: 3.00 from the wallet, 4.20 by the provider."""
        goods = await shop.goods(price=720)
        ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
        await shop.arrive(await shop.begin(buyer, ref, usd(420)), usd(420))
        return await shop.orders.history.detail(buyer, ref.number)

    async def test_a_part_to_the_wallet_and_the_rest_by_its_way(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        admin = Actor.system()
        can = await shop.orders.refunds.refundable(admin, sold.number)
        assert (can.most, [(item.method, item.most) for item in can.methods]) == (usd(720), [("fake", usd(420))])
        part = await shop.orders.refunds.refund(
            admin, sold.number, usd(300), RefundTarget.WALLET, "a gesture", idempotency_key="refund-1"
        )
        assert (part.status, part.refunded, len(part.keys)) == (OrderStatus.DELIVERED, usd(300), 1)
        assert await shop.balance(buyer) == 300
        with pytest.raises(RefundTooMuch) as refused:
            await shop.orders.refunds.refund(
                admin, sold.number, usd(421), RefundTarget.PROVIDER, "too much", idempotency_key="refund-2"
            )
        assert refused.value.params == {"most": usd(420)}
        whole = await shop.orders.refunds.refund(
            admin, sold.number, usd(420), RefundTarget.PROVIDER, "all", idempotency_key="refund-3"
        )
        assert (whole.status, whole.refunded, whole.keys) == (OrderStatus.REFUNDED, usd(720), [])
        await shop.settle_all()
        assert list(shop.fake.refunds.values()) == [usd(420)]
        assert await shop.balance(buyer) == 300
        steps = [entry.step for entry in whole.timeline]
        assert steps[-2:] == [OrderStep.PARTIALLY_REFUNDED, OrderStep.REFUNDED]
        done = (await shop.orders.refunds.refundable(admin, sold.number)).done
        assert [(row.amount, row.target, row.reason) for row in done] == [
            (usd(300), RefundTarget.WALLET, "a gesture"), (usd(420), RefundTarget.PROVIDER, "all")
        ]  # fmt: skip
        with pytest.raises(OrderNotPayable):
            await shop.orders.settlement.pay(buyer, sold.number)
        await shop.proven()

    async def test_the_same_key_gives_nothing_more(self, shop: Shop, buyer: Actor, sold: OrderView) -> None:
        admin = Actor.system()
        for _ in range(3):
            await shop.orders.refunds.refund(
                admin, sold.number, usd(300), RefundTarget.WALLET, "once", idempotency_key="refund-1"
            )
        assert await shop.balance(buyer) == 300
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.refunds.refund(
                admin, sold.number, usd(301), RefundTarget.WALLET, "once", idempotency_key="refund-1"
            )

    async def test_many_admins_at_once_give_no_more_than_was_paid(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        targets = [RefundTarget.WALLET, RefundTarget.PROVIDER] * 5
        outcomes = await asyncio.gather(
            *(
                shop.orders.refunds.refund(
                    Actor.system(), sold.number, usd(400), target, "all at once", idempotency_key=f"refund-{n}"
                )
                for n, target in enumerate(targets)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, OrderView) for outcome in outcomes) == 1
        assert all(isinstance(outcome, OrderView | RefundTooMuch) for outcome in outcomes), outcomes
        await shop.settle_all()
        back = await shop.balance(buyer) + sum(money.amount for money in shop.fake.refunds.values())
        assert back == 400
        await shop.proven()

    async def test_a_provider_that_refuses_leaves_it_in_the_wallet(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        shop.fake.refuses = True
        await shop.orders.refunds.refund(
            Actor.system(), sold.number, usd(420), RefundTarget.PROVIDER, "refused", idempotency_key="refund-1"
        )
        await shop.settle_all()
        assert await shop.balance(buyer) == 420
        assert (await shop.orders.history.detail(buyer, sold.number)).refunded == usd(420)
        with pytest.raises(RefundTooMuch):
            await shop.orders.refunds.refund(
                Actor.system(), sold.number, usd(301), RefundTarget.WALLET, "more", idempotency_key="refund-2"
            )
        await shop.proven()

    async def test_what_is_refused(self, shop: Shop, buyer: Actor, sold: OrderView) -> None:
        admin, wallet = Actor.system(), RefundTarget.WALLET
        with pytest.raises(Forbidden):
            await shop.orders.refunds.refund(buyer, sold.number, usd(1), wallet, "mine", idempotency_key="refund-1")
        with pytest.raises(Invalid):
            await shop.orders.refunds.refund(admin, sold.number, usd(1), wallet, " ", idempotency_key="refund-1")
        for amount in (usd(0), usd(-1), usd(721), Money(1, "EUR")):
            with pytest.raises(RefundTooMuch):
                await shop.orders.refunds.refund(admin, sold.number, amount, wallet, "no", idempotency_key="refund-1")
        goods = await shop.goods(price=100)
        waiting = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, "tap-0000009")
        with pytest.raises(OrderNotPayable):
            await shop.orders.refunds.refund(admin, waiting.number, usd(1), wallet, "no", idempotency_key="refund-1")
        assert (await shop.orders.refunds.refundable(admin, waiting.number)).most == usd(0)

    async def test_an_order_paid_from_the_wallet_goes_back_there(self, shop: Shop, buyer: Actor) -> None:
        goods = await shop.goods(price=100)
        async with shop.uow() as tx:
            await give(tx, buyer.id, usd(100))
        ref = await shop.orders.checkout.place(buyer, goods.variant_id, 1, KEY)
        assert (await shop.orders.refunds.refundable(Actor.system(), ref.number)).methods == []
        with pytest.raises((RefundNotPossible, RefundTooMuch)):
            await shop.orders.refunds.refund(
                Actor.system(), ref.number, usd(100), RefundTarget.PROVIDER, "no", idempotency_key="refund-1"
            )


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
