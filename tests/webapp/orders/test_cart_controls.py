"""Adding to the cart from lists of products."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import insert, text

from backend.bootstrap import Services
from backend.catalog.models import Variant
from backend.kernel.ids import new_id
from tests.factories.shop import Goods
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods, plain

LIST = "/shop?sort=new"


async def shown(visitor: Visitor, **numbers: int) -> httpx.Response:
    """The controls that differ from what a page shows, a product's id and how many."""
    return await visitor.get("/cart/controls", params={name.replace("_", "-"): n for name, n in numbers.items()})


def steppers(response: httpx.Response) -> dict[str, int]:
    """The products that an answer has a stepper for, and how many of each are in the cart."""
    matches = re.findall(
        r'<form hx-post="/cart/controls/.*?name="([0-9a-f-]{36})" value="(\d+)"', response.text, re.DOTALL
    )
    return {variant: int(quantity) for variant, quantity in matches}


def name_of(thing: Goods) -> str:
    """The product as a query names it."""
    return str(thing.variant_id)


async def set_to(visitor: Visitor, thing: Goods, quantity: int | str) -> httpx.Response:
    """A tap on a stepper."""
    return await visitor.post(f"/cart/controls/{thing.variant_id}", data={name_of(thing): str(quantity)})


async def add(visitor: Visitor, thing: Goods) -> httpx.Response:
    """A tap on the button that adds."""
    return await visitor.post(f"/cart/controls/{thing.variant_id}/add")


async def test_only_a_product_with_nothing_to_choose_is_added_from_its_list(
    services: Services, visitor: MakeVisitor
) -> None:
    one, several, gone, premium = [
        await goods(services, **how) for how in ({}, {}, {"keys": 0}, {"premium_only": True})
    ]
    async with services.uow() as tx:
        second = {"id": new_id(), "product_id": several.product_id, "code": "1y", "name": {"en": "1 year"}, "note": {}}
        await tx.execute(insert(Variant), {**second, "price_amount": 900, "currency": "USD"})
    buyer = visitor()
    await arrive(services, buyer)
    for path in (LIST, "/shop"):
        page = (await buyer.get(path)).text
        addable = set(re.findall(r"/cart/controls/([0-9a-f-]{36})/add", page))
        assert addable == {name_of(one)}, path
        assert page.count('hx-get="/cart/controls"') == 1
        assert all(f"/shop/{thing.slug}" in page for thing in (one, several, gone, premium))


async def test_a_tap_adds_and_the_stepper_counts_to_none(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer)
    added = await add(buyer, vpn)
    assert steppers(added) == {name_of(vpn): 1}
    assert "Added to cart" in plain(added.text)
    assert '<span id="cart-count" hx-swap-oob="innerHTML">' in added.text
    assert "1 product" in plain(added.text)
    more = await set_to(buyer, vpn, "٣")
    assert more.headers["hx-reswap"] == "none", "the page shows it already"
    assert [line.quantity for line in (await services.orders.cart.show(actor)).lines] == [3]
    gone = await set_to(buyer, vpn, 0)
    assert (steppers(gone), "autofocus" in gone.text) == ({}, True)
    assert f"/cart/controls/{vpn.variant_id}/add" in gone.text
    assert await services.orders.cart.count(actor) == 0
    again = await set_to(buyer, vpn, 2)
    assert again.headers["hx-reswap"] == "none", "another device removed it, and this one has two"
    assert await services.orders.cart.count(actor) == 1


async def test_the_smallest_order_is_one_step(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services, keys=20), visitor()
    await arrive(services, buyer)
    async with services.uow() as tx:
        await tx.execute(text("UPDATE variants SET min_quantity = 5, max_quantity = 8"))
    assert steppers(await add(buyer, vpn)) == {name_of(vpn): 5}
    assert 'data-max="8"' in (await shown(buyer, **{name_of(vpn): 0})).text
    assert steppers(await set_to(buyer, vpn, 4)) == {}
    await add(buyer, vpn)
    over = await set_to(buyer, vpn, 9)
    assert steppers(over) == {name_of(vpn): 5}
    assert '"kind":"bad"' in over.headers["hx-trigger"]


async def test_a_page_is_told_what_differs_from_what_it_shows(services: Services, visitor: MakeVisitor) -> None:
    vpn, card, other = [await goods(services) for _ in range(3)]
    buyer = visitor()
    await arrive(services, buyer)
    await add(buyer, vpn)
    await add(buyer, other)
    first = await shown(buyer, **{name_of(vpn): 0, name_of(card): 0})
    assert steppers(first) == {name_of(vpn): 1}
    assert f'id="c-{vpn.variant_id}" hx-swap-oob="true"' in first.text
    assert f"c-{card.variant_id}" not in first.text
    assert "2 products" in plain(first.text)
    assert "data-live" in first.text
    same = await shown(buyer, **{name_of(vpn): 1, name_of(card): 0})
    assert "c-" + name_of(vpn) not in same.text
    await set_to(buyer, vpn, 0)
    removed = await shown(buyer, **{name_of(vpn): 1, name_of(card): 0})
    assert f"/cart/controls/{vpn.variant_id}/add" in removed.text
    stranger = visitor(78)
    await arrive(services, stranger)
    assert steppers(await shown(stranger, **{name_of(vpn): 0})) == {}


async def test_what_can_not_be_bought_any_more_keeps_its_number(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services, keys=2), visitor()
    await arrive(services, buyer)
    await add(buyer, vpn)
    await set_to(buyer, vpn, 2)
    async with services.uow() as tx:
        await tx.execute(text("UPDATE stock_keys SET state = 'removed'"))
    assert steppers(await shown(buyer, **{name_of(vpn): 0})) == {name_of(vpn): 2}
    assert steppers(await set_to(buyer, vpn, 0)) == {}


@pytest.mark.parametrize("quantity", ["-1", "1001", str(2**63), "1e3", "three"])
async def test_numbers_that_are_none(services: Services, visitor: MakeVisitor, quantity: str) -> None:
    vpn, buyer = await goods(services), visitor()
    actor = await arrive(services, buyer)
    await add(buyer, vpn)
    assert (await set_to(buyer, vpn, quantity)).status_code == 400
    assert (await buyer.get("/cart/controls", params={name_of(vpn): quantity})).status_code == 400
    assert (await buyer.get("/cart/controls", params={"vpn": "1"})).status_code == 400
    assert (await buyer.post(f"/cart/controls/{new_id()}/add")).status_code == 404
    assert [line.quantity for line in (await services.orders.cart.show(actor)).lines] == [1]
