"""The whole sale of a shared key: bought, reserved, opened, refunded."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.service import CatalogServices
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus, RefundTarget, RequestedLine
from tests.factories.catalog import add_shared, add_variant, catalog_services, import_shared
from tests.factories.shop import buyers
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

TAP = "tap-0000001"


@pytest.fixture
async def buyer(uow: UnitOfWork) -> Actor:
    """Somebody with 100.00."""
    return (await buyers(uow, 1, 10_000))[0]


@pytest.fixture
def shop(uow: UnitOfWork, ring: KeyRing) -> CatalogServices:
    """The catalogue."""
    return catalog_services(uow, ring)


async def test_three_of_a_shared_key_are_one_key_whose_openings_are_logged(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices, buyer: Actor
) -> None:
    variant_id = await add_shared(shop, count="20")
    order = await orders.checkout.place(buyer, variant_id, 3, TAP)
    assert order.total == usd(1500)
    assert [(key.ordinal, key.uses) for key in order.keys] == [(1, 3)]
    assert await orders.history.detail(buyer, order.number) == order
    again = await orders.checkout.place(buyer, variant_id, 3, TAP)
    assert again.number == order.number
    opened = await orders.delivery.reveal(buyer, order.number, 1)
    assert (opened.text, opened.uses) == ("SHARED-SECRET-1", 3)
    assert [key.text for key in await orders.delivery.open_file(buyer, order.number)] == ["SHARED-SECRET-1"]
    async with uow() as tx:
        assert await catalog.count_available(tx, variant_id) == 17
        log = (await tx.execute(text("SELECT count(*) FROM order_reveals"))).scalar_one()
    assert log == 2


async def test_two_buyers_share_a_key_and_a_third_finds_it_sold_out(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices
) -> None:
    variant_id = await add_shared(shop, count="2")
    first, second, third = await buyers(uow, 3, 1000)
    for one in (first, second):
        order = await orders.checkout.place(one, variant_id, 1, TAP)
        assert (await orders.delivery.reveal(one, order.number, 1)).text == "SHARED-SECRET-1"
    with pytest.raises(SoldOut):
        await orders.checkout.place(third, variant_id, 1, TAP)


async def test_keys_of_both_kinds_in_one_order_come_in_the_order_of_its_lines(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices, buyer: Actor
) -> None:
    unique = await add_variant(shop, "card", keys=2)
    shared = await add_shared(shop, count="5")
    order = await orders.checkout.place_all(buyer, [RequestedLine(unique, 2), RequestedLine(shared, 2)], TAP)
    assert [key.uses for key in order.keys] == [1, 1, 2]
    texts = [key.text for key in await orders.delivery.open_file(buyer, order.number)]
    assert texts == ["KEY-card-000000", "KEY-card-000001", "SHARED-SECRET-1"]


async def test_an_unpaid_order_returns_its_number_once(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices, buyer: Actor, clock: FakeClock
) -> None:
    variant_id = await add_shared(shop, count="20")
    await orders.checkout.reserve(buyer, variant_id, 2, TAP)
    cancelled = await orders.checkout.reserve(buyer, variant_id, 1, "tap-0000002")

    async def left() -> int:
        async with uow() as tx:
            return await catalog.count_available(tx, variant_id)

    assert await left() == 17
    await orders.reservations.cancel(buyer, cancelled.number)
    assert await left() == 18
    clock.move(minutes=16)
    for _ in range(2):
        await orders.reservations.expire_lapsed()
        assert await left() == 20


async def test_a_reserved_order_is_paid_for_the_key_of_that_day(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices, buyer: Actor
) -> None:
    variant_id = await add_shared(shop, count="20")
    ref = await orders.checkout.reserve(buyer, variant_id, 2, TAP)
    await import_shared(shop, "seat/one", "SHARED-SECRET-2", "2")
    await orders.settlement.pay(buyer, ref.number)
    order = await orders.history.detail(buyer, ref.number)
    assert (order.status, [key.uses for key in order.keys]) == (OrderStatus.DELIVERED, [2])
    assert (await orders.delivery.reveal(buyer, ref.number, 1)).text == "SHARED-SECRET-2"
    async with uow() as tx:
        assert await catalog.count_available(tx, variant_id) == 0


async def test_a_refund_leaves_the_number_because_the_key_is_known(
    uow: UnitOfWork, orders: OrdersServices, shop: CatalogServices, buyer: Actor
) -> None:
    variant_id = await add_shared(shop, count="20")
    order = await orders.checkout.place(buyer, variant_id, 2, TAP)
    await orders.refunds.refund(
        Actor.system(), order.number, order.total, RefundTarget.WALLET, "did not work", idempotency_key="refund-001"
    )
    async with uow() as tx:
        assert await catalog.count_available(tx, variant_id) == 18
    assert (await orders.history.detail(buyer, order.number)).status is OrderStatus.REFUNDED
