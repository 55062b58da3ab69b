"""The back office's first page: what needs attention, and figures that are the ledger's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.support.types import ChatPost
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods
from webapp.admin import screens as present
from webapp.admin.screens import HandRow, Range


async def test_todays_figures_stand_beside_the_same_weekday_and_are_the_ledgers(
    services: Services, root: Visitor, visitor: MakeVisitor, clock: FakeClock
) -> None:
    if clock.now().hour == 0:
        clock.move(hours=1)  # a week ago, too, a day has passed its first minutes
    async with services.uow() as tx:
        await tx.execute(text("UPDATE users SET created_at = created_at - interval '30 days'"))
    thing, buyer = await goods(services, price=1000, keys=9), visitor(42, first_name="Omar")
    actor = await arrive(services, buyer, cents=50_000)
    place = services.orders.checkout.place
    for number, (days, quantity) in enumerate(((7, 2), (3, 1), (0, 3)), start=1):
        order = await place(actor, thing.variant_id, quantity, f"order-00{number}")
        async with services.uow() as tx:
            moved = "UPDATE orders SET paid_at = paid_at - make_interval(days => :days, mins => :days) WHERE id = :id"
            await tx.execute(text(moved), {"days": days, "id": order.id})
    home = (await root.get("/admin")).text
    assert re.search(r'Sales</span>\s*<bdi class="stat__v">\$30<', home)
    assert re.search(r'Orders</span>\s*<bdi class="stat__v">3<', home) is None
    assert "+50%</bdi> vs last week" in home
    assert "same as last week" in home  # one order then, one now
    chief = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert chief is not None
    points = await services.orders.reports.sales(chief, [clock.now() - timedelta(days=8), clock.now()])
    async with services.uow.read() as tx:
        earned = (
            "SELECT sum(l.amount) FROM ledger_legs l JOIN ledger_accounts a ON a.id = l.account_id "
            "WHERE a.name = 'revenue'"
        )
        revenue = (await tx.execute(text(earned))).scalar_one()
    assert sum(point.revenue.amount for point in points) == abs(int(revenue)) == 6000
    assert home.count("<rect") == 7
    for chosen, bars in (("month", 30), ("year", 12)):
        page = (await root.get(f"/admin?range={chosen}")).text
        assert page.count("<rect") == bars
        assert "$60" in page
    assert (await root.get("/admin?range=day")).status_code == 200
    assert (await root.get("/admin?range=odd")).status_code == 400


async def test_what_needs_attention_says_more_and_one_count_is_red(
    services: Services, root: Visitor, visitor: MakeVisitor, clock: FakeClock
) -> None:
    await arrive(services, visitor(42, first_name="Omar"))
    await services.support.chat.receive(42, ChatPost(message_id=1, text="hello"))
    clock.move(minutes=12)
    home = (await root.get("/admin")).text
    assert "Oldest: 12 min" in home
    assert 'href="/admin/tickets"' in home
    counts = (await root.get("/admin/counts")).text
    assert re.search(r"beforeend:.side a\[href='/admin/tickets'\]\"><span[^>]*>1</span>", counts)
    assert "/admin/orders" not in counts, "where nothing is open stands no number"
    rows = present.ordered(
        [HandRow("work", "", 1), HandRow("claims", "", 2, urgent=True), HandRow("deliveries", "", 3, urgent=True)]
    )
    assert [(row.key, row.urgent) for row in rows] == [("claims", True), ("deliveries", False), ("work", False)]


async def test_home_is_a_bounded_number_of_statements(services: Services, root: Visitor, visitor: MakeVisitor) -> None:
    await arrive(services, root)
    thing, buyer = await goods(services, price=100, keys=40), visitor(42)
    await arrive(services, buyer, cents=50_000)
    for _ in range(12):
        await buy(buyer, thing)
    await root.get("/admin")
    before = await _statements(services, root)
    for _ in range(12):
        await buy(buyer, thing)
    assert await _statements(services, root) <= before


async def _statements(services: Services, reader: Visitor) -> int:
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    engine = services.engine.sync_engine
    event.listen(engine, "before_cursor_execute", counted)
    try:
        assert (await reader.get("/admin")).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    assert 0 < count <= 24
    return count


@pytest.mark.parametrize("held", [Permission.STOCK, Permission.TEACHING, Permission.USERS])
async def test_who_may_not_see_orders_sees_no_sales(make_admin: MakeAdmin, held: Permission) -> None:
    home = await (await make_admin(81, held)).get("/admin")
    assert home.status_code == 200
    assert "chart__bars" not in home.text
    assert "spark" not in home.text


@pytest.mark.parametrize("chosen", list(Range))
def test_bars_stay_in_their_box(chosen: Range) -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in range(1, 8)]
    sales = [Money(amount, "USD") for amount in (0, 500, -300, 0, 0, 0, 1000)]
    view = present.chart(chosen, days, sales, Locale.AR)
    assert [bar.height for bar in view.bars] == [0, 50, 0, 0, 0, 0, 100]
    assert view.total == Money(1200, "USD")
    points = [point.split(",") for point in present.spark([0, -5, 10, 3]).split()]
    assert all(0 <= float(x) <= 100 and 0 <= float(y) <= 28 for x, y in points)
