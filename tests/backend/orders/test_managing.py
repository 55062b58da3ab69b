"""An admin's lists of orders: each filter, pages under inserts, counts, files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import UserId
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus, RefundTarget
from backend.orders.types.criteria import OrderCriteria
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd
from tests.fakes.clock import FakeClock

ADMIN = Actor.system()
ALL = OrderCriteria()


class Shop:
    """Two people and two products."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
        self.uow, self.ring, self.clock = uow, ring, clock
        self.taps = 0
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
        )

    async def open(self) -> None:
        self.layla, self.omar = await buyers(self.uow, 2, 10_000_000)
        async with self.uow() as tx:
            self.vpn = await add_goods(tx, self.ring, keys=200, price=500)
            self.esim = await add_goods(tx, self.ring, keys=20, price=1250)

    async def buy(self, who: Actor, goods: object, quantity: int = 1) -> str:
        self.taps += 1
        placed = await self.orders.checkout.place(who, goods.variant_id, quantity, f"tap-{self.taps:06}")  # type: ignore[attr-defined]
        return placed.number

    async def listed(self, chosen: OrderCriteria = ALL) -> list[str]:
        page = await self.orders.managing.list_orders(ADMIN, chosen)
        numbers = [row.order.number for row in page.items]
        assert (await self.orders.managing.count(ADMIN, chosen)).counted == len(numbers)
        return numbers


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Shop:
    shop = Shop(uow, ring, clock)
    await shop.open()
    return shop


async def test_each_filter_finds_what_it_names(shop: Shop) -> None:
    first = await shop.buy(shop.layla, shop.vpn)
    second = await shop.buy(shop.omar, shop.esim)
    waiting = await shop.orders.checkout.reserve(shop.omar, shop.vpn.variant_id, 1, "tap-reserved")
    await shop.orders.refunds.refund(ADMIN, first, usd(100), RefundTarget.WALLET, "test", idempotency_key="refund-00")

    assert await shop.listed() == [waiting.number, second, first]
    assert await shop.listed(OrderCriteria(status=OrderStatus.AWAITING_PAYMENT)) == [waiting.number]
    assert await shop.listed(OrderCriteria(method="balance")) == [second, first]
    assert await shop.listed(OrderCriteria(method="stars")) == []
    assert await shop.listed(OrderCriteria(product=shop.esim.product_id)) == [second]
    assert await shop.listed(OrderCriteria(product=shop.vpn.product_id, buyer=shop.omar.id)) == [waiting.number]
    assert await shop.listed(OrderCriteria(refunded=True)) == [first]
    assert await shop.listed(OrderCriteria(by_hand=True)) == []
    assert await shop.listed(OrderCriteria(least=usd(501))) == [second]
    assert await shop.listed(OrderCriteria(most=usd(1249))) == [waiting.number, first]
    assert await shop.listed(OrderCriteria(buyer=shop.layla.id)) == [first]
    assert await shop.listed(OrderCriteria(only=(second, "S-nothing"))) == [second]
    updated = {row.order.number: row for row in (await shop.orders.managing.list_orders(ADMIN)).items}
    assert updated[first].refunded == usd(100)


async def test_days_narrow_by_when_an_order_was_placed(shop: Shop) -> None:
    start = shop.clock.now()
    old = await shop.buy(shop.layla, shop.vpn)
    shop.clock.move(days=2)
    new = await shop.buy(shop.layla, shop.esim)
    day = timedelta(days=1)

    assert await shop.listed(OrderCriteria(until=start + day)) == [old]
    assert await shop.listed(OrderCriteria(since=start + day)) == [new]
    assert await shop.listed(OrderCriteria(since=start, until=start + 3 * day)) == [new, old]
    assert await shop.listed(OrderCriteria(since=start + 3 * day)) == []
    assert await shop.listed(OrderCriteria(until=start)) == []
    assert await shop.listed(OrderCriteria(since=start, until=start + day, product=shop.vpn.product_id)) == [old]


@pytest.mark.parametrize("filtered", ["all", "status", "product", "method", "days"])
async def test_pages_repeat_and_skip_nothing_while_orders_come_in(shop: Shop, filtered: str) -> None:
    chosen = {
        "all": ALL,
        "status": OrderCriteria(status=OrderStatus.DELIVERED),
        "product": OrderCriteria(product=shop.vpn.product_id),
        "method": OrderCriteria(method="balance"),
        "days": OrderCriteria(since=shop.clock.now() - timedelta(days=1), until=shop.clock.now() + timedelta(days=1)),
    }[filtered]
    async with shop.uow() as tx:
        await tx.execute(
            text("""
                INSERT INTO orders (id, user_id, idempotency_key, status, total_amount, currency, created_at, paid_at, method)
                SELECT uuidv7(), :buyer, 'seeded-' || n, 'delivered', 500, 'USD', :now, :now, 'balance'
                FROM generate_series(1, 70) n
            """),  # noqa: E501
            {"buyer": shop.layla.id, "now": tx.now},
        )
        await tx.execute(
            text("""
                INSERT INTO order_lines (id, order_id, user_id, variant_id, position, quantity, unit_amount, base_part,
                                         total_amount, status, slug, name, variant_name, hue, icon)
                SELECT uuidv7(), o.id, o.user_id, :variant, 0, 1, 500, 500, 500, 'delivered', 'vpn', '{"en": "VPN"}', '{}',
                       'blue', 'card' FROM orders o
            """),  # noqa: E501
            {"variant": shop.vpn.variant_id},
        )
    before = [row.order.number for row in (await shop.orders.managing.list_orders(ADMIN, chosen)).items]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await shop.orders.managing.list_orders(ADMIN, chosen, cursor)
        seen += [row.order.number for row in page.items]
        await shop.buy(shop.omar, shop.vpn)  # comes in while somebody scrolls
        cursor = page.next_cursor
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 70
    assert seen[:30] == before


async def test_a_count_says_where_it_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await shop.buy(shop.layla, shop.vpn)
    monkeypatch.setattr("backend.orders.service.managing.MOST_COUNTED", 2)
    counted = await shop.orders.managing.count(ADMIN, ALL)

    assert (counted.counted, counted.more) == (2, True)


async def test_only_admins_with_the_permission_list_count_and_export(shop: Shop) -> None:
    managing = shop.orders.managing
    lesser = msgspec.structs.replace(shop.layla, permissions=frozenset(Permission) - {Permission.ORDERS})
    for attempt in (
        managing.list_orders(lesser), managing.count(lesser, ALL), managing.export(lesser, ALL),
        managing.list_by_id(lesser, []), managing.category_names(lesser),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await attempt
    with pytest.raises(Invalid):
        await managing.list_orders(ADMIN, ALL, "not-a-cursor")


async def _file(pieces: AsyncIterator[str]) -> list[str]:
    return "".join([piece async for piece in pieces]).splitlines()


async def test_a_file_has_exact_amounts_times_with_offsets_and_no_formulas(shop: Shop) -> None:
    async with shop.uow() as tx:
        await tx.execute(
            text("UPDATE users SET first_name = '=1+1', last_name = 'x', username = '@evil' WHERE id = :id"),
            {"id": shop.layla.id},
        )
    number = await shop.buy(shop.layla, shop.vpn, 2)
    head, row = await _file(await shop.orders.managing.export(ADMIN, ALL))

    assert head == (
        "\ufefforder,status,customer,username,telegram_id,goods,payment_method,amount,refunded,currency,"
        "created_at,paid_at,updated_at"
    )
    cells = row.split(",")
    assert cells[0] == number
    assert cells[1:4] == ["delivered", "'=1+1 x", "'@evil"]
    assert cells[6:10] == ["balance", "10.00", "0.00", "USD"]
    assert all(cell.endswith("+00:00") for cell in cells[10:13])


async def test_a_file_goes_on_batch_by_batch_and_stops_with_its_reader(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.orders.service.managing._BATCH", 2)
    numbers = [await shop.buy(shop.layla, shop.vpn) for _ in range(5)]
    rows = await _file(await shop.orders.managing.export(ADMIN, ALL))
    assert [row.split(",")[0] for row in rows[1:]] == numbers[::-1]

    pieces = await shop.orders.managing.export(ADMIN, ALL)
    await anext(pieces)
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_an_export_is_recorded_with_what_narrowed_it(shop: Shop) -> None:
    await shop.orders.managing.export(ADMIN, OrderCriteria(status=OrderStatus.DELIVERED, buyer=UserId(shop.layla.id)))
    async with shop.uow.read() as tx:
        rows = await tx.execute(text("SELECT params FROM audit_entries WHERE action = 'orders.export'"))
        details = rows.scalar_one()

    assert details == {"status": "delivered", "buyer": str(shop.layla.id)}
