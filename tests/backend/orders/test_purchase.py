"""One buyer at a time: what a purchase does, and what it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from sqlalchemy import text

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import AppError, Forbidden, Invalid, NotFound
from backend.orders.errors import (
    IdempotencyKeyReused,
    OrderNotPayable,
    PersonLimitReached,
    PremiumOnly,
    PriceChanged,
    QuantityNotAllowed,
    TooManyReservations,
)
from backend.orders.service import OrdersServices
from backend.orders.types import OrderFilter, OrderStatus, OrderStep
from backend.wallet import domain as wallet
from backend.wallet.errors import InsufficientFunds
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import USD, usd
from tests.fakes.clock import FakeClock

KEY = "tap-0000001"


@pytest.fixture
async def buyer(uow: UnitOfWork) -> Actor:
    """Somebody with 23.80."""
    return (await buyers(uow, 1, 2380))[0]


@pytest.fixture
def shelf(uow: UnitOfWork, ring: KeyRing) -> Callable[..., Awaitable[Goods]]:
    """Puts goods on the shelf."""

    async def put(**how: object) -> Goods:
        async with uow() as tx:
            return await add_goods(tx, ring, **how)  # type: ignore[arg-type]

    return put


Shelf = Callable[..., Awaitable[Goods]]


async def _left(uow: UnitOfWork, goods: Goods) -> int:
    async with uow.read() as tx:
        return await catalog.count_available(tx, goods.variant_id)


async def _balance(uow: UnitOfWork, buyer: Actor) -> int:
    async with uow.read() as tx:
        return (await wallet.balance(tx, buyer.id, USD)).amount


async def test_a_purchase_moves_money_and_keys(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf()
    placed = await orders.checkout.place(buyer, goods.variant_id, 2, KEY)
    order = await orders.history.detail(buyer, placed.number)
    assert (order.status, order.total) == (OrderStatus.DELIVERED, usd(1440))
    assert [entry.step for entry in order.timeline] == [OrderStep.PLACED, OrderStep.PAID, OrderStep.DELIVERED]
    assert (await _left(uow, goods), await _balance(uow, buyer)) == (3, 2380 - 1440)
    opened = [(await orders.delivery.reveal(buyer, placed.number, key.ordinal)).text for key in order.keys]
    assert opened == goods.keys[:2]
    async with uow.read() as tx:
        tasks = (await tx.execute(text("SELECT task FROM outbox_jobs ORDER BY task"))).scalars().all()
    assert tasks == ["notifications.order_paid_buyer"]


async def test_the_same_tap_is_the_same_order(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf()
    first = await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    assert await orders.checkout.place(buyer, goods.variant_id, 1, KEY) == first
    with pytest.raises(IdempotencyKeyReused):
        await orders.checkout.place(buyer, goods.variant_id, 2, KEY)
    assert (await _left(uow, goods), await _balance(uow, buyer)) == (4, 2380 - 720)


async def test_a_purchase_returns_the_order_as_it_is_stored(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(price=100)
    placed = await orders.checkout.place(buyer, goods.variant_id, 3, KEY)
    assert [key.ordinal for key in placed.keys] == [1, 2, 3]
    assert placed == await orders.history.detail(buyer, placed.number)


async def test_a_repeated_tap_returns_the_order_as_it_is_now(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=100)
    placed = await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    async with uow() as tx:
        changed = text("UPDATE orders SET status = 'refunded', refunded_amount = total_amount WHERE id = :id")
        await tx.execute(changed, {"id": placed.id})
    again = await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    assert (again.id, again.status, again.refunded) == (placed.id, OrderStatus.REFUNDED, usd(100))


async def test_a_tap_that_reserved_before_returns_the_unpaid_order(
    orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=100)
    reserved = await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
    again = await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    assert again == await orders.history.detail(buyer, reserved.number)
    assert (again.status, again.held) == (OrderStatus.AWAITING_PAYMENT, usd(100))


async def test_too_little_money_changes_nothing(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=4820)
    with pytest.raises(InsufficientFunds) as refused:
        await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    assert refused.value.params["missing"] == usd(2440)
    assert (await _left(uow, goods), await _balance(uow, buyer)) == (5, 2380)
    assert (await orders.history.list_mine(buyer, OrderFilter.ALL, None)).items == []
    quote = await orders.checkout.quote(buyer, goods.variant_id, 1)
    assert (quote.due.total, quote.due.rest, quote.due.balance) == (usd(4820), usd(2440), usd(2380))


async def test_sold_out_charges_nothing(uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(keys=1)
    with pytest.raises(SoldOut) as refused:
        await orders.checkout.place(buyer, goods.variant_id, 2, KEY)
    assert refused.value.params["available"] == 1
    assert (await _left(uow, goods), await _balance(uow, buyer)) == (1, 2380)


REFUSALS: list[tuple[dict[str, object], int, type[AppError]]] = [
    ({"premium_only": True}, 1, PremiumOnly),
    ({"max_quantity": 2}, 3, QuantityNotAllowed),
    ({}, 0, QuantityNotAllowed),
    ({}, -1, QuantityNotAllowed),
    ({}, 10**6, QuantityNotAllowed),
    ({"per_person_limit": 1}, 2, PersonLimitReached),
]


@pytest.mark.parametrize(("how", "quantity", "error"), REFUSALS)
async def test_refusals(
    orders: OrdersServices, buyer: Actor, shelf: Shelf, how: dict[str, object], quantity: int, error: type[AppError]
) -> None:
    goods = await shelf(price=1, **how)
    with pytest.raises(error):
        await orders.checkout.place(buyer, goods.variant_id, quantity, KEY)
    with pytest.raises(error):
        await orders.checkout.reserve(buyer, goods.variant_id, quantity, KEY)


async def test_the_limit_for_a_person_counts_what_he_has(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(price=1, per_person_limit=2)
    await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY + "b")
    with pytest.raises(PersonLimitReached):
        await orders.checkout.place(buyer, goods.variant_id, 1, KEY + "c")


async def test_resellers_pay_their_own_price(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(reseller_price=590)
    reseller = msgspec.structs.replace(buyer, is_reseller=True)
    assert (await orders.checkout.quote(reseller, goods.variant_id, 1)).due.total == usd(590)
    assert (await orders.checkout.quote(buyer, goods.variant_id, 1)).due.total == usd(720)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "ключ-ключ", "tab\tinside"])
async def test_a_bad_idempotency_key(orders: OrdersServices, buyer: Actor, shelf: Shelf, key: str) -> None:
    goods = await shelf()
    with pytest.raises(Invalid):
        await orders.checkout.place(buyer, goods.variant_id, 1, key)


async def test_a_reservation_holds_the_goods_until_it_is_paid(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(keys=5)
    held = await orders.checkout.reserve(buyer, goods.variant_id, 2, KEY)
    assert await _left(uow, goods) == 3
    waiting = await orders.history.detail(buyer, held.number)
    assert (waiting.status, waiting.keys) == (OrderStatus.AWAITING_PAYMENT, [])
    assert [
        row.number for row in (await orders.history.list_mine(buyer, OrderFilter.AWAITING_PAYMENT, None)).items
    ] == [held.number]
    paid = await orders.settlement.pay(buyer, held.number)
    assert await orders.settlement.pay(buyer, held.number) == paid
    assert len((await orders.history.detail(buyer, held.number)).keys) == 2
    assert await _balance(uow, buyer) == 2380 - 1440


async def test_a_reservation_lapses_and_gives_the_goods_back(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf, clock: FakeClock
) -> None:
    goods = await shelf(keys=1)
    held = await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY)
    clock.move(minutes=14, seconds=59)
    assert await orders.reservations.expire_lapsed() == 0
    clock.move(seconds=1)
    with pytest.raises(OrderNotPayable):
        await orders.settlement.pay(buyer, held.number)
    assert await orders.reservations.expire_lapsed() == 1
    assert (await orders.history.detail(buyer, held.number)).status is OrderStatus.EXPIRED
    assert (await _left(uow, goods), await _balance(uow, buyer)) == (1, 2380)


async def test_a_cancelled_reservation_gives_the_goods_back(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(keys=1)
    held = await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY)
    await orders.reservations.cancel(buyer, held.number)
    assert await orders.reservations.cancel(buyer, held.number) == held
    assert await _left(uow, goods) == 1
    bought = await orders.checkout.place(buyer, goods.variant_id, 1, KEY + "b")
    with pytest.raises(OrderNotPayable):
        await orders.reservations.cancel(buyer, bought.number)


async def test_three_reservations_are_enough(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(keys=20)
    for number in range(3):
        await orders.checkout.reserve(buyer, goods.variant_id, 1, f"{KEY}-{number}")
    with pytest.raises(TooManyReservations) as refusal:
        await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY)
    (oldest,) = [
        row.number for row in (await orders.history.list_mine(buyer, OrderFilter.AWAITING_PAYMENT, None)).items
    ][-1:]
    assert refusal.value.params == {"limit": 3, "order": oldest}


async def test_anothers_order_does_not_exist(
    uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf()
    number = (await orders.checkout.place(buyer, goods.variant_id, 1, KEY)).number
    held = (await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY + "b")).number
    other = (await buyers(uow, 1, 9999))[0]
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: orders.history.detail(other, number),
        lambda: orders.delivery.reveal(other, number, 1),
        lambda: orders.delivery.open_file(other, number),
        lambda: orders.delivery.send_to_chat(other, number),
        lambda: orders.settlement.pay(other, held),
        lambda: orders.reservations.cancel(other, held),
        lambda: orders.history.detail(buyer, "S-000000"),
        lambda: orders.history.detail(buyer, "nonsense"),
        lambda: orders.delivery.reveal(buyer, number, 2),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt()


async def test_every_opening_is_logged(uow: UnitOfWork, orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf()
    number = (await orders.checkout.place(buyer, goods.variant_id, 2, KEY)).number
    await orders.delivery.reveal(buyer, number, 1)
    await orders.delivery.open_file(buyer, number)
    async with uow.read() as tx:
        log = (await tx.execute(text("SELECT channel, count(*) FROM order_reveals GROUP BY 1 ORDER BY 1"))).all()
    assert [tuple(row) for row in log] == [("file", 2), ("page", 1)]


async def test_lists_page_without_gaps(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf(keys=70, price=1)
    numbers = [(await orders.checkout.place(buyer, goods.variant_id, 1, f"{KEY}-{n}")).number for n in range(65)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await orders.history.list_mine(buyer, OrderFilter.ALL, cursor)
        seen += [row.number for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == numbers[::-1]


async def test_the_back_office_needs_its_permission(orders: OrdersServices, buyer: Actor, shelf: Shelf) -> None:
    goods = await shelf()
    number = (await orders.checkout.place(buyer, goods.variant_id, 1, KEY)).number
    admin = msgspec.structs.replace(buyer, permissions=frozenset({Permission.ORDERS}))
    assert (await orders.history.admin_detail(admin, number)).number == number
    assert (await orders.history.list_all(admin, None, None)).items[0].number == number
    order = await orders.history.find_by_number(admin, number.lower())
    assert order is not None
    assert order.number == number
    assert await orders.history.find_by_number(admin, "vpn") is None
    for attempt in (orders.history.admin_detail(buyer, number), orders.history.list_all(buyer, None, None)):
        with pytest.raises(Forbidden):
            await attempt


async def _hide(uow: UnitOfWork, goods: Goods) -> None:
    async with uow() as tx:
        await tx.execute(text("UPDATE variants SET hidden = true WHERE id = :id"), {"id": goods.variant_id})


async def test_a_repeated_tap_finds_its_order_though_the_goods_are_gone_from_the_shelf(
    orders: OrdersServices, uow: UnitOfWork, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=100, keys=2)
    bought = await orders.checkout.place(buyer, goods.variant_id, 1, KEY)
    reserved = await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY + "r")
    await _hide(uow, goods)
    assert await orders.checkout.place(buyer, goods.variant_id, 1, KEY) == bought
    assert await orders.checkout.reserve(buyer, goods.variant_id, 1, KEY + "r") == reserved
    with pytest.raises(IdempotencyKeyReused):
        await orders.checkout.place(buyer, goods.variant_id, 2, KEY)
    with pytest.raises(NotFound):
        await orders.checkout.place(buyer, goods.variant_id, 1, KEY + "new")
    assert (await orders.settlement.pay(buyer, reserved.number)) == reserved


async def test_what_was_confirmed_is_what_is_charged(
    orders: OrdersServices, uow: UnitOfWork, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=100, keys=4)
    seen = (await orders.checkout.quote(buyer, goods.variant_id, 2)).due.total
    async with uow() as tx:
        await tx.execute(text("UPDATE variants SET price_amount = 150 WHERE id = :id"), {"id": goods.variant_id})
    with pytest.raises(PriceChanged) as refused:
        await orders.checkout.place(buyer, goods.variant_id, 2, KEY, confirmed=seen)
    assert refused.value.params["total"] == usd(300)
    async with uow.read() as tx:
        assert await wallet.balance(tx, buyer.id, USD) == usd(2380)
    bought = await orders.checkout.place(buyer, goods.variant_id, 2, KEY, confirmed=usd(300))
    # The second tap of a purchase that went through is no change of price.
    assert await orders.checkout.place(buyer, goods.variant_id, 2, KEY, confirmed=seen) == bought


async def test_goods_in_another_currency_than_the_shops_are_not_for_sale(
    orders: OrdersServices, uow: UnitOfWork, buyer: Actor, shelf: Shelf
) -> None:
    goods = await shelf(price=100)
    async with uow() as tx:
        await tx.execute(text("UPDATE variants SET currency = 'EUR' WHERE id = :id"), {"id": goods.variant_id})
    for verb in (orders.checkout.place, orders.checkout.reserve):
        with pytest.raises(NotFound):
            await verb(buyer, goods.variant_id, 1, KEY)
    with pytest.raises(NotFound):
        await orders.checkout.quote(buyer, goods.variant_id, 1)


async def test_what_costs_nothing_is_bought_without_money(
    orders: OrdersServices, uow: UnitOfWork, shelf: Shelf
) -> None:
    goods, (poor,) = await shelf(price=0, keys=1), await buyers(uow, 1, 1)
    placed = await orders.checkout.place(poor, goods.variant_id, 1, KEY)
    assert (await orders.history.detail(poor, placed.number)).total == usd(0)
    assert (await orders.delivery.reveal(poor, placed.number, 1)).text == goods.keys[0]
