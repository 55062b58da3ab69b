"""The parts of a price are stored with the order and stay as they were."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.bootstrap import make_fulfillers
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.errors import PriceChanged
from backend.orders.service import OrdersServices
from backend.orders.types import OrderFilter, OrderLine, RequestedLine
from backend.orders.types.prices import PartKind
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd

KEY = "tap-0000001"
RESOLD = [(PartKind.BASE, usd(2160)), (PartKind.RESELLER, usd(-390))]


@pytest.fixture
def orders(uow: UnitOfWork, ring: KeyRing) -> OrdersServices:
    """The use cases, in a transaction that is rolled back."""
    return OrdersServices.build(
        uow=uow,
        ring=ring,
        fulfillers=make_fulfillers(ring),
        single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15),
    )


@pytest.fixture
async def reseller(uow: UnitOfWork) -> Actor:
    """A reseller with 50.00."""
    (somebody,) = await buyers(uow, 1, 5000)
    return msgspec.structs.replace(somebody, is_reseller=True)


def parts(line: OrderLine) -> list[tuple[PartKind, object]]:
    return [(part.kind, part.amount) for part in line.price.parts]


async def test_quote_order_and_list_have_the_same_parts(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, reseller_price=590, keys=6)
    quote = await orders.checkout.quote(reseller, goods.variant_id, 3)
    placed = await orders.checkout.place(reseller, goods.variant_id, 3, KEY)
    assert await orders.history.detail(reseller, placed.number) == placed
    (row,) = (await orders.history.list_mine(reseller, OrderFilter.ALL, None)).items
    for line in (quote.line, placed.lines[0], row.line):
        assert parts(line) == RESOLD
        assert (line.quantity, line.price.unit_price, line.price.total) == (3, usd(720), usd(1770))
    assert placed.total == quote.due.total == usd(1770)


async def test_each_line_has_its_own_parts(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        resold = await add_goods(tx, ring, price=720, reseller_price=590, keys=6)
        plain = await add_goods(tx, ring, price=333, keys=6)
    lines = [RequestedLine(plain.variant_id, 2), RequestedLine(resold.variant_id, 3)]
    placed = await orders.checkout.place_all(reseller, lines, KEY, confirmed=usd(2436))
    assert [parts(line) for line in placed.lines] == [[(PartKind.BASE, usd(666))], RESOLD]
    assert await orders.history.detail(reseller, placed.number) == placed


async def test_a_reservation_keeps_its_parts_until_it_is_paid(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, reseller_price=590, keys=20)
    held = await orders.checkout.reserve(reseller, goods.variant_id, 3, KEY)
    async with uow() as tx:
        await tx.execute(text("UPDATE variants SET price_amount = 990, reseller_amount = NULL"))
    await orders.settlement.pay(reseller, held.number)
    paid = await orders.history.detail(reseller, held.number)
    assert (parts(paid.lines[0]), paid.total) == (RESOLD, usd(1770))


async def test_a_larger_order_pays_less_for_one_and_says_so_everywhere(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(
            tx, ring, price=500, reseller_price=460, keys=30, quantity_prices=[(3, 480), (6, 430), (9, 400)]
        )
    (person,) = await buyers(uow, 1, 9000)
    saved = {}
    for quantity in (2, 3, 6):
        await orders.cart.add(person, goods.variant_id, quantity)
        (in_cart,) = (await orders.cart.show(person)).lines
        await orders.cart.remove(person, goods.variant_id)
        quote = await orders.checkout.quote(person, goods.variant_id, quantity)
        placed = await orders.checkout.place(person, goods.variant_id, quantity, f"{KEY}-{quantity}")
        assert in_cart.price == quote.line.price == placed.lines[0].price
        assert await orders.history.detail(person, placed.number) == placed
        saved[quantity] = (-placed.lines[0].price.part(PartKind.QUANTITY), placed.total.amount)
    assert saved == {2: (0, 1000), 3: (60, 1440), 6: (420, 2580)}
    resold = [await orders.checkout.quote(reseller, goods.variant_id, quantity) for quantity in (3, 6)]
    assert [parts(quote.line) for quote in resold] == [
        [(PartKind.BASE, usd(1500)), (PartKind.RESELLER, usd(-120))],
        [(PartKind.BASE, usd(3000)), (PartKind.RESELLER, usd(-240)), (PartKind.QUANTITY, usd(-180))],
    ]


async def test_a_step_that_is_out_of_reach_is_said_as_a_changed_price_before_paying(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=500, keys=4, quantity_prices=[(3, 450)])
    (person,) = await buyers(uow, 1, 9000)
    await orders.cart.add(person, goods.variant_id, 4)
    assert not (await orders.cart.show(person)).lines[0].price_changed
    await orders.checkout.place(person, goods.variant_id, 2, KEY)
    (line,) = (await orders.cart.show(person)).lines
    assert (line.quantity, line.seen, line.unit_price, line.price_changed) == (2, usd(450), usd(500), True)
    assert line.price is not None
    assert line.price.total == usd(1000)


async def test_a_plain_price_is_one_part(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, keys=6)
    placed = await orders.checkout.place(reseller, goods.variant_id, 2, KEY)
    assert parts(placed.lines[0]) == [(PartKind.BASE, usd(1440))]


async def test_the_buyer_agrees_to_the_whole_and_not_to_the_base(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, reseller_price=590, keys=6)
    with pytest.raises(PriceChanged) as changed:
        await orders.checkout.place(reseller, goods.variant_id, 3, KEY, confirmed=usd(1769))
    assert changed.value.params == {"total": usd(1770)}
    # A lower price than the one that was seen is passed on.
    assert (await orders.checkout.place(reseller, goods.variant_id, 3, KEY, confirmed=usd(2160))).total == usd(1770)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("promo_part = -1", "parts_add_up"),
        ("quantity_part = 1, total_amount = total_amount + 1", "parts_signed"),
        ("total_amount = total_amount - 1", "parts_add_up"),
        ("promo_part = 1, total_amount = total_amount + 1", "parts_signed"),
        ("already_paid_part = -base_part - 1, total_amount = -1", "total_not_negative|never_more_back_than_paid"),
    ],
)
async def test_the_database_refuses_parts_that_do_not_come_to_the_total(
    uow: UnitOfWork, ring: KeyRing, orders: OrdersServices, reseller: Actor, change: str, refused: str
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, keys=6)
    await orders.checkout.place(reseller, goods.variant_id, 1, KEY)
    with pytest.raises(IntegrityError, match=refused):
        async with uow() as tx:
            await tx.execute(text(f"UPDATE order_lines SET {change}"))
