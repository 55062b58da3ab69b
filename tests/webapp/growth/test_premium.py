"""Premium on the pages: what members see, the way to become one, and months from admins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.bootstrap import Services
from backend.catalog.types import StockKind
from backend.identity.types import Actor
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, confirm, goods, number_of

START = datetime(2026, 12, 12, 9, 30, tzinfo=UTC)


@pytest.fixture
async def start(services: Services, clock: FakeClock) -> None:
    """It is 12 December."""
    clock.move(seconds=(START - clock.now()).total_seconds())


async def months(services: Services, count: int = 1) -> Any:
    """A product of so many months of premium."""
    return await goods(services, keys=0, price=500, kind=StockKind.PREMIUM.value, premium_months=count)


async def test_a_purchase_opens_what_is_for_members(services: Services, visitor: MakeVisitor, start: None) -> None:
    premium, closed = await months(services), await goods(services, premium_only=True)
    buyer, other = visitor(41), visitor(42)
    await arrive(services, buyer, 5000)
    await arrive(services, other, 5000)
    page = await buyer.get(f"/shop/{closed.slug}")
    assert "premium members" in page.text
    assert f'href="/shop/{premium.slug}"' in page.text
    assert "Get premium" in page.text
    assert (await confirm(buyer, closed)).status_code == 403
    bought = await buy(buyer, premium)
    assert bought.status_code == 200, bought.text
    order = await buyer.get(f"/orders/{number_of(bought)}")
    for shown in (bought, order):
        assert "Until 12 Jan 2027" in shown.text
    # The same session, at once: the page, the sheet and the purchase.
    assert "/confirm" in (await buyer.get(f"/shop/{closed.slug}")).text
    assert (await buy(buyer, closed)).status_code == 200
    assert "/confirm" not in (await other.get(f"/shop/{closed.slug}")).text


async def test_an_open_page_follows_its_reader_s_premium(services: Services, visitor: MakeVisitor, start: None) -> None:
    premium, closed = await months(services), await goods(services, premium_only=True)
    buyer = visitor(41)
    actor = await arrive(services, buyer, 5000)
    page = await buyer.get(f"/shop/{closed.slug}")
    asks = f"/premium/note?slug={closed.slug}&amp;member=0"
    assert f'hx-get="{asks}"' in page.text
    note = await buyer.get(asks.replace("&amp;", "&"))
    assert ("data-live" in note.text, "hx-retarget" in note.headers) == (True, False)
    assert f"identity%3A{actor.id}" in note.text or f"identity:{actor.id}" in note.text
    await buy(buyer, premium)
    note = await buyer.get(asks.replace("&amp;", "&"))
    assert note.headers["hx-retarget"] == "#app"
    assert "/confirm" in note.text
    assert "member=1" in note.text
    assert "You have premium until 12 Jan 2027" in (await buyer.get(f"/premium/note?slug={premium.slug}&member=1")).text
    assert "/premium/note" not in (await buyer.get(f"/shop/{(await goods(services)).slug}")).text


async def test_one_s_own_page_says_until_when(
    services: Services, visitor: MakeVisitor, clock: FakeClock, start: None
) -> None:
    buyer = visitor(41)
    await arrive(services, buyer, 5000)
    assert "Premium" not in (await buyer.get("/me")).text
    premium = await months(services)
    page = (await buyer.get("/me")).text
    assert "Opens products for members" in page
    assert f'href="/shop/{premium.slug}"' in page
    await buy(buyer, premium)
    for moved, said, member in (
        (timedelta(0), "Until 12 Jan 2027", True),
        (timedelta(days=31, hours=1), "Ended on 12 Jan 2027, open until 15 Jan 2027", True),
        (timedelta(days=3), "Ended on 12 Jan 2027", False),
    ):
        clock.move(seconds=moved.total_seconds())
        buyer.token = None
        reader = visitor(41)
        page = (await reader.get("/me")).text
        assert said in page
        assert ("badge--accent" in page) is member
        assert "Renew" in page
        me = (await reader.get("/api/v1/me")).json()
        assert (me["is_premium"], me["premium_until"]) == (member, "2027-01-12T09:30:00Z")


async def test_premium_ends_at_its_moment_within_a_session(
    services: Services, visitor: MakeVisitor, clock: FakeClock, start: None
) -> None:
    closed = await goods(services, premium_only=True)
    buyer = visitor(41)
    actor = await arrive(services, buyer, 5000)
    await services.growth.premium.give(Actor.system(), actor.id, 1, "a present")
    clock.move(seconds=(datetime(2027, 1, 15, 9, 29, tzinfo=UTC) - START).total_seconds())
    buyer = visitor(41)
    assert "/confirm" in (await buyer.get(f"/shop/{closed.slug}")).text
    clock.move(minutes=1)
    assert "/confirm" not in (await buyer.get(f"/shop/{closed.slug}")).text
    assert (await confirm(buyer, closed)).status_code == 403


async def test_what_is_too_long_is_told_before_paying(services: Services, visitor: MakeVisitor, start: None) -> None:
    years = await months(services, 60)
    buyer = visitor(41)
    await arrive(services, buyer, 50_000)
    assert (await confirm(buyer, years, 2)).status_code == 200
    refused = await confirm(buyer, years, 3)
    assert (refused.status_code, refused.headers["x-error-code"]) == (409, "premium_too_long")
    assert "120 months" in refused.text
    await buyer.post("/cart", data={"variant": str(years.variant_id), "quantity": "3"})
    assert "120 months" in (await buyer.get("/cart")).text
    refused = await buy(buyer, years, 3, "an-intent-of-mine")
    assert (refused.status_code, refused.headers["x-error-code"]) == (409, "premium_too_long")
