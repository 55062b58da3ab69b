"""The line for what is sold out, as a browser in Telegram gets it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from tests.factories.shop import Goods, stock_up
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods


@pytest.fixture
def clock() -> FakeClock:
    """Noon, when nobody's quiet hours are."""
    return FakeClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


async def restock(services: Services, thing: Goods, keys: int = 1) -> None:
    """Put keys into the stock and serve the line."""
    async with services.uow() as tx:
        await stock_up(tx, services.ring, thing.variant_id, [f"BACK-{number}" for number in range(keys)])
    await services.catalog.waiting.serve_all()


async def test_two_people_in_line_the_first_buys_then_the_second(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=0)
    first, second = visitor(42), visitor(43, first_name="Omar")
    for person in (first, second):
        await arrive(services, person, cents=5000)
    path, form = f"/shop/{thing.slug}/waiting", {"variant": str(thing.variant_id)}
    page = (await first.get(f"/shop/{thing.slug}")).text
    assert "Notify me" in page
    assert f'hx-get="{path}?variant={thing.variant_id}"' in page
    joined = await first.post(path, data=form)
    assert "Your place in line" in joined.text
    assert "<b>1</b> of 1" in joined.text
    again = await second.post(path, data=form)
    assert "<b>2</b> of 2" in again.text
    assert "Leave the line" in again.text
    await restock(services, thing)
    held = (await first.get(f"{path}?variant={thing.variant_id}")).text
    assert "Reserved for you" in held
    assert re.search(r'data-left="1800"', held)
    assert "Buy · $7.20" in held
    me = (await first.get("/me")).text
    assert "Reserved for you" in me
    assert 'data-left="1800"' in me
    assert "Reserved for you" not in (await second.get("/me")).text
    assert "1 of 1 in line" in (await second.get("/me/waiting")).text
    assert "Sold out" in (await second.get(f"/shop/{thing.slug}/confirm?variant={thing.variant_id}")).text
    sheet = await first.get(f"/shop/{thing.slug}/confirm?variant={thing.variant_id}&quantity=1")
    intent = re.search(r'name="intent" value="([^"]*)"', sheet.text)
    assert intent
    order = await first.post("/orders", data={**form, "quantity": "1", "intent": intent[1]})
    assert order.status_code == 200, order.text
    assert order.headers["hx-push-url"].startswith("/orders/")
    assert "In line" not in (await first.get("/me")).text
    left = await second.post(f"{path}/leave", data=form)
    assert "Notify me" in left.text
    assert "not in line" in (await second.get("/me/waiting")).text


async def test_what_is_in_stock_has_no_line(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=2)
    reader = visitor()
    await arrive(services, reader)
    answer = await reader.post(f"/shop/{thing.slug}/waiting", data={"variant": str(thing.variant_id)})
    assert "In stock again" in answer.headers["hx-trigger"]
    assert "Buy · $7.20" in answer.text
    for query, status in (("", 400), ("?variant=nonsense", 400), (f"?variant={thing.product_id}", 404)):
        assert (await reader.get(f"/shop/{thing.slug}/waiting{query}")).status_code == status


async def test_a_line_is_left_from_the_list_when_the_product_is_gone(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=0)
    reader = visitor()
    await arrive(services, reader)
    await reader.post(f"/shop/{thing.slug}/waiting", data={"variant": str(thing.variant_id)})
    async with services.uow() as tx:
        await tx.execute(text("UPDATE products SET listed = false"))
    assert "No longer sold" in (await reader.get("/me/waiting")).text
    assert "not in line" in (await reader.post(f"/me/waiting/{thing.variant_id}/leave")).text


async def test_the_api_joins_lists_and_leaves(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=0)
    reader = visitor()
    await arrive(services, reader)
    path = f"/api/v1/waiting/{thing.variant_id}"
    joined = await reader.ask("PUT", path, html=False)
    assert (joined.status_code, joined.json()["number"], joined.json()["waiting"]) == (200, 1, 1)
    await restock(services, thing)
    (row,) = (await reader.get("/api/v1/waiting", html=False)).json()
    assert row["held_until"].startswith("2026-11-28T12:30")
    assert (row["variant_id"], row["number"], row["available"]) == (str(thing.variant_id), 0, 1)
    assert (await reader.ask("DELETE", path, html=False)).status_code == 204
    assert (await reader.get("/api/v1/waiting", html=False)).json() == []
    refused = await reader.ask("PUT", path, html=False)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "still_in_stock")


async def test_admins_see_who_waits(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services, keys=0)
    admin = visitor()
    actor = await arrive(services, admin)
    assert (await admin.get("/admin/stock/waiting")).status_code == 403
    await services.identity.admins.set_permissions(Actor.system(), actor.id, frozenset({Permission.STOCK}))
    admin.token = None  # rights have changed
    assert "Nobody is in line" in (await admin.get("/admin/stock/waiting")).text
    await admin.post(f"/shop/{thing.slug}/waiting", data={"variant": str(thing.variant_id)})
    assert "1 in line" in (await admin.get("/admin/stock/waiting")).text
