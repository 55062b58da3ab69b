"""What one person reserves before paying is limited; what they pay for is not."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import Services, make_fulfillers
from backend.catalog.errors import SoldOut
from backend.catalog.service import VariantsService
from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderId, new_id
from backend.orders import rules
from backend.orders.errors import ReservationsPaused, ReservationTooLarge, TooManyReservations
from backend.orders.service import OrdersServices
from backend.orders.types import OpenReservation, OrderRef, OrderStatus, ReservationLimits
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd
from tests.fakes.clock import FakeClock

LIMITS = ReservationLimits()
THINGS = [VariantId(new_id()) for _ in range(2)]


@pytest.fixture
def orders(uow: UnitOfWork, ring: KeyRing) -> OrdersServices:
    return OrdersServices.build(
        uow=uow,
        ring=ring,
        fulfillers=make_fulfillers(ring),
        single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15),
    )


def _reservation(what: int, quantity: int, held: int, sequence: int = 1) -> OpenReservation:
    total = usd(700 * quantity)
    return OpenReservation(OrderId(new_id()), sequence, THINGS[what], quantity, total, usd(min(held, total.amount)))


WISHES = st.tuples(st.integers(0, 1), st.integers(1, 300), st.integers(0, 3) | st.integers(0, 300 * 700))


@given(
    wishes=st.lists(WISHES, max_size=30),
    stock=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    lapses=st.integers(0, 5),
    limits=st.builds(ReservationLimits, orders=st.integers(1, 5), keys=st.integers(1, 40), share=st.integers(1, 100)),
)
def test_what_is_not_covered_stays_within_number_share_and_orders(
    wishes: list[tuple[int, int, int]], stock: tuple[int, int], lapses: int, limits: ReservationLimits
) -> None:
    free, reservations = list(stock), []
    for what, quantity, held in wishes:
        new = _reservation(what, quantity, held)
        if quantity > free[what]:
            continue
        try:
            rules.check_reservation(new, reservations, free[what], lapses, limits)
        except AppError:
            # Only what lacks money is refused.
            assert new.covered < new.total
            continue
        reservations.append(new)
        free[what] -= quantity
    unpaid = [item.quantity - item.covered.amount // 700 for item in reservations]
    assert sum(1 for count in unpaid if count) <= (max(limits.orders - lapses, 1) if lapses < 4 else 0)
    for what, variant in enumerate(THINGS):
        mine = sum(count for item, count in zip(reservations, unpaid, strict=True) if item.variant_id == variant)
        assert mine <= max(limits.keys >> lapses, 1)
        # A share of the stock, rounded up: with one key that is the key.
        assert mine <= -(-stock[what] * limits.share // 100)


@given(
    stock=st.integers(1, 400), limits=st.builds(ReservationLimits, keys=st.integers(1, 40), share=st.integers(1, 100))
)
def test_somebody_new_gets_one_key_however_few_there_are(stock: int, limits: ReservationLimits) -> None:
    rules.check_reservation(_reservation(0, 1, 0), [], stock, 0, limits)


@given(minimum=st.integers(1, 50), lapses=st.integers(0, 3))
def test_what_is_sold_from_a_number_up_can_be_ordered(minimum: int, lapses: int) -> None:
    rules.check_reservation(_reservation(0, minimum, 0), [], minimum, lapses, LIMITS, minimum)


async def test_three_hundred_keys_are_not_for_an_account_without_a_cent(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    thief, honest = await buyers(uow, 2, 0)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=300)
    with pytest.raises(ReservationTooLarge) as refusal:
        await orders.checkout.reserve(thief, goods.variant_id, 300, "all-of-them")
    assert refusal.value.params == {"limit": 10, "order": ""}
    first = await orders.checkout.reserve(thief, goods.variant_id, 10, "ten-of-them")
    with pytest.raises(ReservationTooLarge) as refusal:
        await orders.checkout.reserve(thief, goods.variant_id, 1, "one-more-of-them")
    assert refusal.value.params == {"limit": 10, "order": first.number}
    await orders.checkout.reserve(honest, goods.variant_id, 10, "of-another-one")


async def test_the_last_key_is_for_the_first_to_pay(orders: OrdersServices, uow: UnitOfWork, ring: KeyRing) -> None:
    thief, honest = await buyers(uow, 2, 0)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=2)
    await orders.checkout.reserve(thief, goods.variant_id, 1, "one-of-two")
    with pytest.raises(ReservationTooLarge):
        await orders.checkout.reserve(thief, goods.variant_id, 1, "and-the-other")
    await orders.checkout.reserve(honest, goods.variant_id, 1, "the-last-one")
    with pytest.raises(SoldOut):
        await orders.checkout.reserve(honest, goods.variant_id, 1, "nothing-left")


async def test_money_on_hold_is_no_bound_and_a_cent_buys_nothing(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    (rich,) = await buyers(uow, 1, 720 * 30)
    (poor,) = await buyers(uow, 1, 1)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=100)
    await orders.checkout.reserve(rich, goods.variant_id, 40, "thirty-are-covered", hold=True)
    with pytest.raises(ReservationTooLarge):
        await orders.checkout.reserve(rich, goods.variant_id, 1, "eleven-uncovered")
    with pytest.raises(ReservationTooLarge):
        await orders.checkout.reserve(poor, goods.variant_id, 11, "by-a-cent-on-hold", hold=True)
    # What is bought counts nowhere.
    (buyer,) = await buyers(uow, 1, 720 * 20)
    await orders.checkout.place(buyer, goods.variant_id, 20, "twenty-bought")
    await orders.checkout.reserve(buyer, goods.variant_id, 10, "and-ten-reserved")


async def test_each_lapse_leaves_less_and_the_fifth_time_nothing(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    thief, friend = await buyers(uow, 2, 720)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=100)
    for lapses, most in enumerate((10, 5, 2, 1)):
        with pytest.raises(ReservationTooLarge):
            await orders.checkout.reserve(thief, goods.variant_id, most + 1, f"too-many-{lapses}")
        ref = await orders.checkout.reserve(thief, goods.variant_id, most, f"as-many-{lapses}")
        clock.move(minutes=14)
        if lapses % 2:  # given up at the last moment is like lapsed
            await orders.reservations.cancel(thief, ref.number)
        clock.move(minutes=1)
        await orders.reservations.expire_lapsed()
    with pytest.raises(ReservationsPaused):
        await orders.checkout.reserve(thief, goods.variant_id, 1, "a-fifth-time")
    await orders.checkout.reserve(friend, goods.variant_id, 10, "somebody-else")
    await orders.checkout.place(thief, goods.variant_id, 1, "paid-from-the-balance")
    clock.move(hours=24)
    await orders.checkout.reserve(thief, goods.variant_id, 1, "a-day-later")


async def test_who_changes_their_mind_soon_loses_nothing(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    (buyer,) = await buyers(uow, 1, 0)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=100)
    for turn in range(10):
        ref = await orders.checkout.reserve(buyer, goods.variant_id, 10, f"tap-{turn:08}")
        clock.move(seconds=40)
        await orders.reservations.cancel(buyer, ref.number)


async def test_goods_held_by_cancelling_again_and_again_count_together(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    (thief,) = await buyers(uow, 1, 0)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=100)
    for turn in range(2):  # 14 minutes in all: nearly as long as an order that expires holds them
        ref = await orders.checkout.reserve(thief, goods.variant_id, 10, f"again-{turn}-1")
        clock.move(minutes=7)
        await orders.reservations.cancel(thief, ref.number)
    with pytest.raises(ReservationTooLarge):
        await orders.checkout.reserve(thief, goods.variant_id, 6, "a-third-time")
    for turn in range(3):
        ref = await orders.checkout.reserve(thief, goods.variant_id, 1, f"again-{turn}-2")
        clock.move(minutes=7)
        await orders.reservations.cancel(thief, ref.number)
    with pytest.raises(ReservationsPaused):
        await orders.checkout.reserve(thief, goods.variant_id, 1, "no-more-today")


async def test_many_at_once_by_one_person_stay_within_the_bounds(services: Services) -> None:
    thief, honest = await buyers(services.uow, 2, 0)
    async with services.uow() as tx:
        few = await add_goods(tx, services.ring, keys=4)
        many = await add_goods(tx, services.ring, keys=100)
    wishes = [(goods, quantity) for goods in (few, many) for quantity in (1, 2, 3, 4, 7, 10) for _ in range(3)]
    results = await asyncio.gather(
        *(
            services.orders.checkout.reserve(thief, goods.variant_id, quantity, f"tap-{n:08}")
            for n, (goods, quantity) in enumerate(wishes)
        ),
        return_exceptions=True,
    )
    kinds = Counter(type(result) for result in results)
    assert set(kinds) <= {OrderRef, ReservationTooLarge, TooManyReservations, SoldOut}
    assert 1 <= kinds[OrderRef] <= 3
    taken = Counter[object]()
    for (goods, quantity), result in zip(wishes, results, strict=True):
        if isinstance(result, OrderRef):
            taken[goods.variant_id] += quantity
    assert taken[few.variant_id] <= 1
    assert taken[many.variant_id] <= 10
    await services.orders.checkout.reserve(honest, few.variant_id, 1, "honest-few")
    await services.orders.checkout.reserve(honest, many.variant_id, 10, "honest-many")


async def test_a_reserved_order_keeps_its_price_when_the_variants_price_changes(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    (person,) = await buyers(uow, 1, 10_000)
    async with uow() as tx:
        goods = await add_goods(tx, ring, keys=5, price=700)
    variants = VariantsService(uow=uow, currency="USD")
    ref = await orders.checkout.reserve(person, goods.variant_id, 2, "before-the-change")
    (record,) = (await variants.list_of(Actor.system(), goods.product_id)).variants
    dearer = msgspec.structs.replace(record.draft, price=usd(900))
    await variants.change(Actor.system(), goods.product_id, goods.variant_id, dearer, version=record.version)
    await orders.settlement.pay(person, ref.number)
    paid = await orders.history.detail(person, ref.number)
    assert (paid.status, paid.total) == (OrderStatus.DELIVERED, usd(1400))
    fresh = await orders.checkout.place(person, goods.variant_id, 1, "after-the-change")
    assert fresh.total == usd(900)
