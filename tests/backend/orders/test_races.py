"""Many at once, on real connections: never one too many, never a coin apart."""

from __future__ import annotations

import asyncio
from collections import Counter

from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.errors import SoldOut
from backend.identity.types import Actor
from backend.orders.errors import OrderNotPayable, PersonLimitReached, TooManyReservations
from backend.orders.types import OrderFilter, OrderRef, OrderStatus, OrderView
from backend.wallet.errors import InsufficientFunds
from tests.factories.shop import add_goods, buyers
from tests.fakes.clock import FakeClock


async def _count(services: Services, query: str) -> int:
    async with services.uow.read() as tx:
        return int((await tx.execute(text(query))).scalar_one())


async def _books_balance(services: Services) -> None:
    report = await services.wallet.ledger.verify(Actor.system())
    assert report.differences == []


async def test_two_hundred_buyers_on_fifty_keys(services: Services) -> None:
    people = await buyers(services.uow, 200, 1000)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=50)
    results = await asyncio.gather(
        *(services.orders.checkout.place(buyer, goods.variant_id, 1, f"tap-{n:08}") for n, buyer in enumerate(people)),
        return_exceptions=True,
    )
    kinds = Counter(type(result) for result in results)
    assert kinds == {OrderView: 50, SoldOut: 150}
    keys = [
        (await services.orders.delivery.reveal(buyer, result.number, 1)).text
        for buyer, result in zip(people, results, strict=True)
        if isinstance(result, OrderView)
    ]
    assert sorted(keys) == goods.keys
    assert await _count(services, "SELECT count(*) FROM orders") == 50
    await _books_balance(services)


async def test_ten_taps_with_money_for_one(services: Services) -> None:
    (buyer,) = await buyers(services.uow, 1, 720 + 719)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=50)
    results = await asyncio.gather(
        *(services.orders.checkout.place(buyer, goods.variant_id, 1, f"tap-{n:08}") for n in range(10)),
        return_exceptions=True,
    )
    assert Counter(type(result) for result in results) == {OrderView: 1, InsufficientFunds: 9}
    assert await _count(services, "SELECT count(*) FROM stock_keys WHERE state = 'sold'") == 1
    await _books_balance(services)


async def test_ten_times_the_same_tap(services: Services) -> None:
    (buyer,) = await buyers(services.uow, 1, 10_000)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=50)
    results = await asyncio.gather(
        *(services.orders.checkout.place(buyer, goods.variant_id, 1, "the-same-tap") for _ in range(10))
    )
    assert len({result.number for result in results}) == 1
    assert await _count(services, "SELECT count(*) FROM orders") == 1
    await _books_balance(services)


async def test_a_limit_for_a_person_holds_in_a_race(services: Services) -> None:
    (buyer,) = await buyers(services.uow, 1, 100_000)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=50, per_person_limit=3)
    results = await asyncio.gather(
        *(services.orders.checkout.place(buyer, goods.variant_id, 1, f"tap-{n:08}") for n in range(10)),
        return_exceptions=True,
    )
    assert Counter(type(result) for result in results) == {OrderView: 3, PersonLimitReached: 7}


async def test_reservations_of_one_buyer_are_counted_in_a_race(services: Services) -> None:
    (buyer,) = await buyers(services.uow, 1, 0)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=50)
    results = await asyncio.gather(
        *(services.orders.checkout.reserve(buyer, goods.variant_id, 1, f"tap-{n:08}") for n in range(10)),
        return_exceptions=True,
    )
    assert Counter(type(result) for result in results) == {OrderRef: 3, TooManyReservations: 7}


async def test_paying_cancelling_and_expiring_at_once_has_one_end(services: Services, clock: FakeClock) -> None:
    people = await buyers(services.uow, 20, 1000)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=20)
    held = [await services.orders.checkout.reserve(b, goods.variant_id, 1, "reserve-it") for b in people]
    clock.move(minutes=15)
    results = await asyncio.gather(
        *(services.orders.settlement.pay(buyer, order.number) for buyer, order in zip(people, held, strict=True)),
        *(services.orders.reservations.cancel(buyer, order.number) for buyer, order in zip(people, held, strict=True)),
        services.orders.reservations.expire_lapsed(),
        services.orders.reservations.expire_lapsed(),
        return_exceptions=True,
    )
    assert {type(result) for result in results} <= {OrderRef, OrderNotPayable, int}
    for buyer in people:
        (row,) = (await services.orders.history.list_mine(buyer, OrderFilter.ALL, None)).items
        assert row.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}
    assert await _count(services, "SELECT count(*) FROM stock_keys WHERE state = 'available'") == 20
    await _books_balance(services)
