"""A payment for an order and the order's reservation end together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import make_fulfillers
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.orders import rules
from backend.orders.errors import OrderNotPayable, PaymentTooLate
from backend.orders.service import OrdersServices
from backend.orders.types import OrderRef, OrderStatus, Reserved
from backend.payments.service import IntentsService
from backend.payments.types import Capabilities, Intent, IntentStatus, ProviderState, TopUpLimits
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

RESERVED, LONGEST = timedelta(minutes=15), timedelta(minutes=60)
START = datetime(2026, 11, 29, tzinfo=UTC)
MINUTES = st.integers(0, 120).map(lambda minutes: timedelta(minutes=minutes))


@given(
    reserved=MINUTES,
    passed=MINUTES,
    lifetime=MINUTES,
    shortest=MINUTES,
    longest=MINUTES,
    again=st.booleans(),
)
def test_the_end_is_never_earlier_and_never_beyond_the_longest(
    reserved: timedelta, passed: timedelta, lifetime: timedelta, shortest: timedelta, longest: timedelta, again: bool
) -> None:
    order, now = Reserved(START, START + reserved), START + min(passed, reserved)
    try:
        end = rules.payment_end(order, now, lifetime, shortest, longest, again=again)
    except PaymentTooLate:
        assert max(order.expires_at, min(now + lifetime, START + longest)) - now < shortest
        return
    assert order.expires_at <= end <= max(order.expires_at, START + longest)
    assert end - now >= shortest
    assert end <= max(order.expires_at, now + lifetime)


class Shop:
    """An order service and three payment methods: by fifteen minutes, by half an hour at least, and in a week."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing) -> None:
        quick = Capabilities(lifetime_seconds=1800)
        slow = Capabilities(lifetime_seconds=3600, shortest_seconds=1860)
        by_hand = Capabilities(lifetime_seconds=7 * 24 * 3600, first_poll_seconds=6 * 3600)
        self.providers = [FakeProvider("quick", quick), FakeProvider("slow", slow), FakeProvider("by_hand", by_hand)]
        methods = {one.name: one.capabilities for one in self.providers}
        self.uow, self.ring = uow, ring
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: RESERVED,
            longest=lambda: LONGEST,
            methods=methods,
        )
        limits = TopUpLimits(minimum=usd(1), maximum=usd(1_000_000))
        self.payments = IntentsService(uow=uow, providers=self.providers, limits=lambda: limits)

    async def reserve(self) -> OrderRef:
        (self.buyer, self.other) = await buyers(self.uow, 2, 0)
        async with self.uow() as tx:
            goods = await add_goods(tx, self.ring, price=720)
        return await self.orders.checkout.reserve(self.buyer, goods.variant_id, 1, "tap-0000001")

    async def pay(self, ref: OrderRef, method: str) -> Intent:
        until = await self.orders.reservations.extend_for_payment(self.buyer, ref.number, method)
        key = f"{method}-{until}"
        return await self.payments.start_top_up(self.buyer, method, usd(720), ref.id, idempotency_key=key, until=until)

    async def until(self, ref: OrderRef) -> datetime:
        order = await self.orders.history.detail(self.buyer, ref.number)
        assert order.expires_at is not None
        return order.expires_at

    async def status(self, ref: OrderRef) -> OrderStatus:
        return (await self.orders.history.detail(self.buyer, ref.number)).status


@pytest.fixture
def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    return Shop(uow, ring)


async def test_the_reservation_waits_for_the_payment_and_both_end_together(shop: Shop, clock: FakeClock) -> None:
    ref, begun = await shop.reserve(), clock.now()
    clock.move(minutes=10)
    intent = await shop.pay(ref, "quick")
    assert intent.expires_at == await shop.until(ref) == begun + timedelta(minutes=40)
    clock.move(minutes=29)
    assert await shop.orders.reservations.expire_lapsed() == 0
    # The same payment again, a second later, is no new one and moves nothing.
    assert await shop.orders.reservations.extend_for_payment(shop.buyer, ref.number, "quick") == intent.expires_at
    clock.move(minutes=1)
    assert await shop.orders.reservations.expire_lapsed() == 1
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is IntentStatus.EXPIRED
    with pytest.raises(OrderNotPayable):
        await shop.orders.reservations.extend_for_payment(shop.buyer, ref.number, "quick")


async def test_no_payment_makes_the_reservation_longer_than_its_most(shop: Shop, clock: FakeClock) -> None:
    ref, begun = await shop.reserve(), clock.now()
    for _ in range(4):
        intent = await shop.pay(ref, "quick")
        assert intent.expires_at <= await shop.until(ref) <= begun + LONGEST
        clock.move(minutes=14)
        shop.providers[0].says(intent.id, ProviderState.FAILED)
        await shop.payments.refresh(shop.buyer, intent.id)
    assert await shop.until(ref) == begun + LONGEST
    by_hand = await shop.pay(ref, "by_hand")
    assert by_hand.expires_at == begun + LONGEST


async def test_a_method_that_needs_more_time_than_is_left_is_refused(shop: Shop, clock: FakeClock) -> None:
    ref, begun = await shop.reserve(), clock.now()
    clock.move(minutes=14)
    intent = await shop.pay(ref, "slow")
    assert intent.expires_at == begun + LONGEST
    clock.move(minutes=16)
    with pytest.raises(PaymentTooLate):
        await shop.orders.reservations.extend_for_payment(shop.buyer, ref.number, "slow")
    assert (await shop.pay(ref, "quick")).expires_at == begun + LONGEST


@pytest.mark.parametrize("state", ["confirming", "paid"])
async def test_money_on_its_way_keeps_the_goods_for_a_while(shop: Shop, clock: FakeClock, state: str) -> None:
    ref, begun = await shop.reserve(), clock.now()
    intent = await shop.pay(ref, "quick")
    fake = shop.providers[0]
    report = fake.says(intent.id, ProviderState.CONFIRMING) if state == "confirming" else fake.paid(intent.id, usd(720))
    clock.move(minutes=29, seconds=30)
    await shop.payments.settle("quick", report)
    assert await shop.orders.reservations.expire_lapsed() == 0
    assert await shop.until(ref) == begun + timedelta(minutes=44, seconds=30)
    clock.move(minutes=30)
    assert await shop.orders.reservations.expire_lapsed() == 0
    assert await shop.until(ref) == begun + LONGEST
    clock.move(seconds=30)
    assert await shop.orders.reservations.expire_lapsed() == 1


async def test_a_week_to_pay_by_hand_is_no_week_of_reservation(shop: Shop, clock: FakeClock) -> None:
    ref, begun = await shop.reserve(), clock.now()
    intent = await shop.pay(ref, "by_hand")
    assert intent.expires_at == await shop.until(ref) == begun + LONGEST
    clock.move(minutes=60)
    assert await shop.orders.reservations.expire_lapsed() == 1
    # A top-up is for no order: it has its week.
    alone = await shop.payments.start_top_up(shop.buyer, "by_hand", usd(720), idempotency_key="a-top-up")
    assert alone.expires_at == clock.now() + timedelta(days=7)


async def test_who_may_begin_a_payment(shop: Shop) -> None:
    ref = await shop.reserve()
    with pytest.raises(NotFound):
        await shop.orders.reservations.extend_for_payment(shop.other, ref.number, "quick")
    with pytest.raises(Invalid):
        await shop.orders.reservations.extend_for_payment(shop.buyer, ref.number, "no-such-method")
