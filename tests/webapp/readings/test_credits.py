"""Packages of credits: chosen, bought by the checkout, and back to the question."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.readings.types.rooms import PackageFields, Period
from tests.factories.readings import credits_of
from tests.factories.shop import add_goods
from tests.factories.wallet import give
from tests.webapp.readings.conftest import Guest, MakeGuest
from tests.webapp.sale import field, plain


@pytest.fixture
async def packages(services: Services) -> None:
    """Two packages on sale, and one that renews."""
    async with services.uow() as tx:
        await add_goods(tx, services.ring)
    category = (await services.catalog.storefront.categories(Actor.system()))[0].slug
    for credits, cents, period in ((5, 490, Period.ONCE), (20, 1490, Period.ONCE), (10, 790, Period.MONTHLY)):
        fields = PackageFields(
            name={"en": f"{credits} credits"}, credits=credits, price=Money(cents, "USD"), period=period
        )
        await services.readings.packages.add(Actor.system(), f"c-{credits}", fields, category=category)


async def _fund(one: Guest, cents: int) -> None:
    async with one.services.uow() as tx:
        await give(tx, one.actor.id, Money(cents, "USD"))


async def test_packages_say_what_a_credit_costs(guest: MakeGuest, packages: None) -> None:
    one = await guest(2)
    page = plain((await one.visitor.get("/readings/credits")).text)
    assert "5 credits" in page and "$0.98 a credit" in page and "20 credits" in page and "$0.75 a credit" in page
    assert "renews every month" in page
    assert "/readings/credits" in (await one.visitor.get("/readings")).text


async def test_without_packages_the_page_says_so(guest: MakeGuest) -> None:
    one = await guest(0)
    assert "No packages on sale" in (await one.visitor.get("/readings/credits")).text


async def test_the_smallest_package_that_is_enough_is_chosen(guest: MakeGuest, packages: None) -> None:
    one = await guest(0)
    committed = await one.services.readings.asking.commit(one.actor, "celtic-cross")
    form = {"reading": str(committed.reading_id), "seed": "0" * 32, "language": "en"}
    sheet = await one.visitor.post("/readings/new/celtic-cross", data=form)
    assert sheet.status_code == 402 and "3 credits missing" in sheet.text
    chosen = sheet.text.split(" checked")[0].rpartition('value="')[2].rstrip('"')
    confirm = await one.visitor.get(f"/shop/credits/confirm?variant={chosen}")
    assert "$4.90" in plain(confirm.text)


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ("https://souk.test/readings/new/celtic-cross", "/readings/new/celtic-cross"),
        ("https://souk.test/readings/credits", "/readings"),
        ("https://souk.test/readings/new/gone", "/readings"),
        ("https://evil.test/readings/new/../../admin", "/readings"),
    ],
)
async def test_a_purchase_leads_back_to_the_question(guest: MakeGuest, packages: None, over: str, path: str) -> None:
    one = await guest(0)
    await _fund(one, 1000)
    shelf = await one.services.readings.shelf.packages()
    variant = next(variant for variant, credits in shelf.credits.items() if credits == 5)
    sheet = await one.visitor.get(f"/shop/credits/confirm?variant={variant}")
    form = {"variant": str(variant), "intent": field(sheet, "intent"), "total": "490"}
    bought = await one.visitor.post("/orders", data=form, headers={"HX-Current-URL": over})
    assert bought.status_code == 200 and bought.headers["hx-push-url"] == path
    assert "Credits added" in bought.headers["hx-trigger"]
    assert await credits_of(one.services.uow, one.actor.id) == 5
    order = (await one.services.orders.history.list_of(Actor.system(), one.actor.id))[0]
    receipt = (await one.visitor.get(f"/orders/{order.number}")).text
    assert "Ask the cards" in receipt and 'href="/readings"' in receipt
