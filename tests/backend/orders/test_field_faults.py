"""Faults that carts and codes of other shops have had, which no other file here is about."""

from __future__ import annotations

from itertools import permutations

import pytest

from backend.bootstrap import Services
from backend.growth.errors import PromoCodeRefused
from backend.growth.types.promos import NewPromo, PromoCodeId, PromoRefusal
from backend.identity.types import Actor
from backend.orders.types import OrderStatus, RefundTarget, RequestedLine
from backend.orders.types.cart import CartState
from backend.orders.types.lines import LineQuantity
from tests.factories.promos import add_promo, typed
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import give, usd


@pytest.fixture
async def buyer(services: Services) -> Actor:
    """Somebody with 100.00."""
    return (await buyers(services.uow, 1, 10_000))[0]


async def stocked(services: Services, **how: object) -> Goods:
    async with services.uow() as tx:
        return await add_goods(tx, services.ring, **how)  # type: ignore[arg-type]


async def code(services: Services, actor: Actor, **terms: object) -> list[PromoCodeId]:
    await add_promo(services, NewPromo(code="TENTH", basis_points=1000, **terms))  # type: ignore[arg-type]
    return await typed(services, actor, "TENTH")


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_discounted_order_gives_back_what_was_paid_in_whatever_order_its_lines_go_back(
    services: Services, buyer: Actor, order: tuple[int, ...]
) -> None:
    things = [await stocked(services, price=price, keys=9) for price in (333, 199, 101)]
    lines = [RequestedLine(thing.variant_id, quantity) for thing, quantity in zip(things, (3, 2, 1), strict=True)]
    codes = await code(services, buyer)
    sold = await services.orders.checkout.place_all(buyer, lines, "discounted-01", codes=codes)
    back = services.orders.refunds.refund
    for place in order:
        line = sold.lines[place]
        for unit in range(line.quantity):
            one = [LineQuantity(line.id, 1)]
            key = f"back-{place}-{unit}-0"
            now = await back(Actor.system(), sold.number, one, RefundTarget.WALLET, "broken", idempotency_key=key)
        assert now.lines[place].refunded == line.price.total, "a line takes nothing from the others"
    assert (now.status, now.refunded) == (OrderStatus.REFUNDED, sold.total)
    assert (await services.wallet.statement.overview(buyer)).balance == usd(10_000)


@pytest.mark.parametrize("path", ["wallet", "provider", "cart", "free"])
async def test_a_first_purchase_is_one_by_whatever_path(services: Services, buyer: Actor, path: str) -> None:
    thing, free = await stocked(services), await stocked(services, price=0)
    orders, key = services.orders, "first-of-all-1"
    if path == "wallet":
        await orders.checkout.place(buyer, thing.variant_id, 1, key)
    elif path == "provider":
        async with services.uow() as tx:
            await give(tx, buyer.id, usd(720))
        held = await orders.checkout.reserve(buyer, thing.variant_id, 1, key)
        await orders.settlement.pay(buyer, held.number)
    elif path == "cart":
        cart = await orders.cart.add(buyer, thing.variant_id, 1)
        await orders.checkout.place_all(buyer, cart.requested_lines, key, cart=cart.version)
    else:
        await orders.checkout.place(buyer, free.variant_id, 1, key)
    codes = await code(services, buyer, first_only=True)
    for buying in (orders.checkout.place, orders.checkout.reserve):
        with pytest.raises(PromoCodeRefused) as refused:
            await buying(buyer, thing.variant_id, 1, "second-of-all", codes=codes)  # type: ignore[operator]
        assert refused.value.params["reason"] is PromoRefusal.FIRST_ONLY


async def test_two_unpaid_orders_are_not_both_the_first(services: Services, buyer: Actor) -> None:
    thing, codes = await stocked(services, keys=40), await code(services, buyer, first_only=True)
    await services.orders.checkout.reserve(buyer, thing.variant_id, 1, "first-unpaid-1", codes=codes)
    with pytest.raises(PromoCodeRefused):
        await services.orders.checkout.reserve(buyer, thing.variant_id, 1, "second-unpaid-1", codes=codes)


async def test_two_devices_that_add_the_last_one_buy_it(services: Services, buyer: Actor) -> None:
    thing = await stocked(services, keys=1)
    for _device in range(2):
        cart = await services.orders.cart.add(buyer, thing.variant_id, 1)
    (line,) = cart.lines
    assert (line.state, line.requested, line.quantity) == (CartState.FEWER, 2, 1)
    order = await services.orders.checkout.place_all(buyer, cart.requested_lines, "the-last-one1", cart=cart.version)
    assert order.status is OrderStatus.DELIVERED
    assert await services.orders.cart.count(buyer) == 0
