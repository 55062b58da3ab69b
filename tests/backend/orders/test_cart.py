"""The cart: what it holds, what has changed in it, its checkout, and the reminder of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.identity.types import Actor
from backend.infra.jobs import list_open
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import new_id
from backend.orders.domain import carts
from backend.orders.errors import CartChanged, CartFull, PremiumOnly, QuantityNotAllowed
from backend.orders.types import MOST_LINES, OrderRef, OrderView, RequestedLine
from backend.orders.types.cart import Cart, CartState
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock


async def _goods(services: Services, **changes: object) -> Goods:
    async with services.uow() as tx:
        return await add_goods(tx, services.ring, **changes)  # type: ignore[arg-type]


async def _buyer(services: Services, cents: int = 10_000) -> Actor:
    return (await buyers(services.uow, 1, cents))[0]


async def _sql(services: Services, statement: str, **values: object) -> None:
    async with services.uow() as tx:
        await tx.execute(text(statement), values)


def _content(cart: Cart) -> list[tuple[VariantId, int]]:
    return [(line.offer.variant_id, line.quantity) for line in cart.lines]


async def test_adding_twice_is_one_line_and_sums_up(services: Services) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services, price=500)
    await services.orders.cart.add(buyer, vpn.variant_id, 1)
    await services.orders.cart.add(buyer, card.variant_id, 1)
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 2)
    assert _content(cart) == [(vpn.variant_id, 3), (card.variant_id, 1)]
    assert cart.total == usd(3 * 720 + 500)
    assert cart == await services.orders.cart.show(buyer)
    assert await services.orders.cart.count(buyer) == 2
    assert _content(await services.orders.cart.show(await _buyer(services))) == []


async def test_a_removed_line_can_be_put_back_as_it_was(services: Services, clock: FakeClock) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services)
    await services.orders.cart.add(buyer, vpn.variant_id, 3)
    await services.orders.cart.add(buyer, card.variant_id, 1)
    cart = await services.orders.cart.remove(buyer, vpn.variant_id)
    assert _content(cart) == [(card.variant_id, 1)]
    assert _content(await services.orders.cart.remove(buyer, vpn.variant_id)) == [(card.variant_id, 1)]
    for _ in range(2):
        cart = await services.orders.cart.put_back(buyer, vpn.variant_id)
        assert _content(cart) == [(vpn.variant_id, 3), (card.variant_id, 1)]
    with pytest.raises(NotFound):
        await services.orders.cart.put_back(buyer, VariantId(new_id()))
    await services.orders.cart.remove(buyer, vpn.variant_id)
    _wait(clock, timedelta(seconds=1))
    again = await services.orders.cart.add(buyer, vpn.variant_id, 1)
    assert _content(again) == [(card.variant_id, 1), (vpn.variant_id, 1)]


@pytest.mark.parametrize("quantity", [0, -1, 4, 2**63])
async def test_quantities_outside_the_limits_are_refused(services: Services, quantity: int) -> None:
    buyer, vpn = await _buyer(services), await _goods(services, max_quantity=3)
    with pytest.raises(QuantityNotAllowed):
        await services.orders.cart.add(buyer, vpn.variant_id, quantity)
    await services.orders.cart.add(buyer, vpn.variant_id, 3)
    with pytest.raises(QuantityNotAllowed):
        await services.orders.cart.add(buyer, vpn.variant_id, 1)
    with pytest.raises(QuantityNotAllowed):
        await services.orders.cart.set_quantity(buyer, vpn.variant_id, quantity)
    assert _content(await services.orders.cart.show(buyer)) == [(vpn.variant_id, 3)]
    assert _content(await services.orders.cart.set_quantity(buyer, vpn.variant_id, 2)) == [(vpn.variant_id, 2)]


async def test_what_is_not_sold_to_the_person_does_not_come_into_the_cart(services: Services) -> None:
    buyer, foreign, hidden = await _buyer(services), await _goods(services), await _goods(services)
    await _sql(services, "UPDATE variants SET currency = 'EUR' WHERE id = :id", id=foreign.variant_id)
    await _sql(services, "UPDATE variants SET hidden = true WHERE id = :id", id=hidden.variant_id)
    for variant in (foreign.variant_id, hidden.variant_id, VariantId(new_id())):
        with pytest.raises(NotFound):
            await services.orders.cart.add(buyer, variant, 1)
    with pytest.raises(PremiumOnly):
        await services.orders.cart.add(buyer, (await _goods(services, premium_only=True)).variant_id, 1)
    with pytest.raises(NotFound):
        await services.orders.cart.set_quantity(buyer, (await _goods(services)).variant_id, 1)
    assert await services.orders.cart.count(buyer) == 0


async def test_a_cart_has_as_many_lines_as_an_order(services: Services) -> None:
    buyer, first, extra = await _buyer(services), await _goods(services), await _goods(services)
    await services.orders.cart.add(buyer, first.variant_id, 1)
    async with services.uow() as tx:
        others = [await add_goods(tx, services.ring, keys=0) for _ in range(MOST_LINES - 1)]
    for goods in others:
        await services.orders.cart.add(buyer, goods.variant_id, 1)
    with pytest.raises(CartFull):
        await services.orders.cart.add(buyer, extra.variant_id, 1)
    await services.orders.cart.add(buyer, first.variant_id, 1)
    await services.orders.cart.remove(buyer, first.variant_id)
    await services.orders.cart.add(buyer, extra.variant_id, 1)
    with pytest.raises(CartFull):
        await services.orders.cart.put_back(buyer, first.variant_id)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("UPDATE variants SET hidden = true WHERE id = :variant", CartState.NOT_SOLD),
        ("UPDATE products SET listed = false WHERE id = :product", CartState.NOT_SOLD),
        ("UPDATE variants SET currency = 'EUR' WHERE id = :variant", CartState.NOT_SOLD),
        ("UPDATE products SET premium_only = true WHERE id = :product", CartState.PREMIUM_ONLY),
        ("UPDATE stock_keys SET state = 'removed' WHERE variant_id = :variant", CartState.SOLD_OUT),
    ],
)
async def test_a_line_that_cannot_be_bought_is_unavailable(services: Services, change: str, state: CartState) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services, price=500)
    await services.orders.cart.add(buyer, vpn.variant_id, 2)
    await services.orders.cart.add(buyer, card.variant_id, 1)
    values = {"variant": vpn.variant_id, "product": vpn.product_id}
    await _sql(services, change, **{name: value for name, value in values.items() if f":{name}" in change})
    cart = await services.orders.cart.show(buyer)
    assert [(line.state, line.requested, line.price) for line in cart.unavailable] == [(state, 2, None)]
    assert (_content(cart), cart.total) == ([(card.variant_id, 1)], usd(500))
    await services.orders.checkout.place_all(buyer, cart.requested_lines, "what-is-left-1", cart=cart.version)
    left = await services.orders.cart.show(buyer)
    assert (left.lines, [line.state for line in left.unavailable]) == ((), [state])


_THREE_KEYS = "SELECT id FROM stock_keys WHERE variant_id = :id LIMIT 3"


@pytest.mark.parametrize(
    ("change", "state", "quantity"),
    [
        ("UPDATE variants SET max_quantity = 2 WHERE id = :id", CartState.FEWER, 2),
        ("UPDATE variants SET per_person_limit = 1 WHERE id = :id", CartState.FEWER, 1),
        ("UPDATE variants SET min_quantity = 4 WHERE id = :id", CartState.MORE, 4),
        (f"UPDATE stock_keys SET state = 'removed' WHERE id IN ({_THREE_KEYS})", CartState.FEWER, 2),
    ],
)
async def test_a_quantity_outside_the_limits_is_cut(
    services: Services, change: str, state: CartState, quantity: int
) -> None:
    buyer, vpn = await _buyer(services), await _goods(services)
    await services.orders.cart.add(buyer, vpn.variant_id, 3)
    await _sql(services, change, id=vpn.variant_id)
    (line,) = (await services.orders.cart.show(buyer)).lines
    assert (line.state, line.requested, line.quantity) == (state, 3, quantity)


async def test_a_person_who_has_enough_cannot_buy_more(services: Services) -> None:
    buyer, vpn = await _buyer(services), await _goods(services, per_person_limit=2)
    await services.orders.checkout.place(buyer, vpn.variant_id, 1, "one-of-two-1")
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 2)
    assert [(line.state, line.quantity) for line in cart.lines] == [(CartState.FEWER, 1)]
    await services.orders.checkout.place_all(buyer, cart.requested_lines, "two-of-two-1", cart=cart.version)
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 1)
    assert [line.state for line in cart.unavailable] == [CartState.LIMIT_REACHED]


@pytest.mark.parametrize("now", [700, 740])
async def test_a_price_that_changed_is_seen_until_the_line_is_touched(services: Services, now: int) -> None:
    buyer, vpn = await _buyer(services), await _goods(services)
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 2)
    assert not cart.lines[0].price_changed
    await _sql(services, "UPDATE variants SET price_amount = :now WHERE id = :id", now=now, id=vpn.variant_id)
    cart = await services.orders.cart.show(buyer)
    assert (cart.lines[0].price_changed, cart.lines[0].seen, cart.total) == (True, usd(720), usd(2 * now))
    cart = await services.orders.cart.set_quantity(buyer, vpn.variant_id, 1)
    assert not cart.lines[0].price_changed


async def test_what_is_bought_leaves_the_cart_with_the_order(services: Services) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services, keys=1)
    await services.orders.cart.add(buyer, vpn.variant_id, 2)
    cart = await services.orders.cart.add(buyer, card.variant_id, 1)
    order = await services.orders.checkout.place_all(buyer, cart.requested_lines, "the-cart-0001", cart=cart.version)
    assert [line.quantity for line in order.lines] == [2, 1]
    assert await services.orders.cart.count(buyer) == 0
    again = await services.orders.checkout.place_all(buyer, cart.requested_lines, "the-cart-0001", cart=cart.version)
    assert again.number == order.number
    with pytest.raises(NotFound):
        await services.orders.cart.put_back(buyer, vpn.variant_id)


async def test_a_checkout_that_fails_leaves_the_cart(services: Services) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services, keys=1)
    await services.orders.cart.add(buyer, vpn.variant_id, 2)
    cart = await services.orders.cart.add(buyer, card.variant_id, 1)
    await services.orders.checkout.place(await _buyer(services), card.variant_id, 1, "the-last-one1")
    for verb in (services.orders.checkout.place_all, services.orders.checkout.reserve_all):
        with pytest.raises(SoldOut):
            await verb(buyer, cart.requested_lines, "too-late-0001", cart=cart.version)
    now = await services.orders.cart.show(buyer)
    assert now.version == cart.version
    assert (len(now.lines), len(now.unavailable)) == (1, 1)


async def test_a_cart_that_another_device_changed_is_not_bought(services: Services) -> None:
    buyer, vpn = await _buyer(services), await _goods(services)
    seen = await services.orders.cart.add(buyer, vpn.variant_id, 2)
    await services.orders.cart.set_quantity(buyer, vpn.variant_id, 1)
    for verb in (services.orders.checkout.place_all, services.orders.checkout.reserve_all):
        with pytest.raises(CartChanged):
            await verb(buyer, seen.requested_lines, "stale-cart-01", cart=seen.version)
    assert _content(await services.orders.cart.show(buyer)) == [(vpn.variant_id, 1)]


async def test_what_is_reserved_leaves_the_cart_too(services: Services) -> None:
    buyer, vpn = await _buyer(services, 100), await _goods(services)
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 1)
    quote = await services.orders.cart.quote(buyer)
    assert (quote.due.total, quote.due.rest) == (usd(720), usd(620))
    ref = await services.orders.checkout.reserve_all(
        buyer, cart.requested_lines, "kept-cart-01", hold=True, cart=cart.version
    )
    assert (await services.orders.history.detail(buyer, ref.number)).held == usd(100)
    assert await services.orders.cart.count(buyer) == 0


async def test_two_devices_that_add_at_once_sum_up(services: Services) -> None:
    buyer, vpn, card = await _buyer(services), await _goods(services), await _goods(services)
    adds = [services.orders.cart.add(buyer, goods.variant_id, 1) for goods in (vpn, card) for _ in range(8)]
    await asyncio.gather(*adds)
    assert sorted(line.requested for line in (await services.orders.cart.show(buyer)).lines) == [8, 8]


async def test_two_devices_that_check_out_at_once_buy_once(services: Services) -> None:
    buyer, vpn = await _buyer(services), await _goods(services, keys=20)
    cart = await services.orders.cart.add(buyer, vpn.variant_id, 2)

    async def pay(number: int) -> object:
        verb = services.orders.checkout.place_all if number % 2 else services.orders.checkout.reserve_all
        return await verb(buyer, cart.requested_lines, f"device-{number:04}", cart=cart.version)

    results = await asyncio.gather(*(pay(number) for number in range(10)), return_exceptions=True)
    assert sum(isinstance(one, OrderRef | OrderView) for one in results) == 1, results
    assert {type(one) for one in results if isinstance(one, BaseException)} == {CartChanged}


async def test_two_carts_for_the_last_key(services: Services) -> None:
    people, vpn = await buyers(services.uow, 6, 5000), await _goods(services, keys=1)
    carts = [await services.orders.cart.add(person, vpn.variant_id, 1) for person in people]
    results = await asyncio.gather(
        *(
            services.orders.checkout.place_all(
                person, [RequestedLine(vpn.variant_id, 1)], "the-last-one1", cart=cart.version
            )
            for person, cart in zip(people, carts, strict=True)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, OrderView) for one in results) == 1
    assert all(isinstance(one, OrderView | AppError) for one in results), results
    assert sorted([await services.orders.cart.count(person) for person in people]) == [0, 1, 1, 1, 1, 1]


def _wait(clock: FakeClock, time: timedelta) -> None:
    clock.move(seconds=time.total_seconds())


async def _reminders(services: Services) -> list[int]:
    """The versions of carts whose reminders wait."""
    async with services.uow.read() as tx:
        return [payload["version"] for payload, _ in await list_open(tx, "notifications.cart_filled")]


async def test_a_cart_is_reminded_of_once_from_its_first_line_until_it_is_empty(services: Services) -> None:
    buyer, vpn = await _buyer(services), await _goods(services)
    first = await services.orders.cart.add(buyer, vpn.variant_id, 1)
    for quantity in (2, 3):
        cart = await services.orders.cart.set_quantity(buyer, vpn.variant_id, quantity)
    assert await _reminders(services) == [first.version]
    await services.orders.checkout.place_all(buyer, cart.requested_lines, "bought-now-01", cart=cart.version)
    again = await services.orders.cart.add(buyer, vpn.variant_id, 1)
    await services.orders.cart.remove(buyer, vpn.variant_id)
    back = await services.orders.cart.put_back(buyer, vpn.variant_id)
    assert await _reminders(services) == [first.version, again.version, back.version]


async def test_the_time_of_a_reminder_is_a_setting_and_zero_turns_it_off(services: Services) -> None:
    one, other, vpn = await _buyer(services), await _buyer(services), await _goods(services)
    await services.shop_settings.change(Actor.system(), "CART_REMINDER_HOURS", "0")
    silent = await services.orders.cart.add(one, vpn.variant_id, 1)
    await services.shop_settings.change(Actor.system(), "CART_REMINDER_HOURS", "48")
    cart = await services.orders.cart.add(other, vpn.variant_id, 1)
    assert await _reminders(services) == [cart.version]
    async with services.uow.read() as tx:
        assert await carts.find_reminder(tx, one.id, silent.version) is None
        assert await carts.find_reminder(tx, other.id, cart.version) == services.clock.now() + timedelta(hours=48)
