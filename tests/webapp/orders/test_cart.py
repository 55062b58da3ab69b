"""The cart by its pages and by the API."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.ids import new_id
from backend.orders.types import OrderFilter, OrderStatus
from tests.factories.shop import Goods
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.carts import add, pay, sheet_of
from tests.webapp.sale import arrive, fund, goods, number_of, plain, settle

API = "/api/v1/cart"


async def test_from_the_product_to_the_order(services: Services, visitor: MakeVisitor) -> None:
    vpn, card, buyer = await goods(services, price=720), await goods(services, price=500), visitor()
    actor = await arrive(services, buyer, cents=5000)
    page = (await buyer.get(f"/shop/{vpn.slug}")).text
    assert 'hx-post="/cart"' in page
    assert f"/shop/{vpn.slug}/confirm" in page, "Buy stays one tap"
    assert "Your cart is empty" in plain((await buyer.get("/cart")).text)
    assert plain((await buyer.get("/cart/count")).text).strip() == ""
    added = await add(buyer, vpn, 2)
    assert "Added to cart" in added.text
    assert 'href="/cart"' in added.text
    await add(buyer, card)
    assert "2 products" in plain((await buyer.get("/cart/count")).text)
    cart = plain((await buyer.get("/cart")).text)
    assert "Total $19.40" in cart
    assert "Checkout · $19.40" in cart
    sheet = await sheet_of(buyer)
    assert "Private VPN key · 3 months +1" in plain(sheet.text)
    assert "$50.00 now, $30.60 after purchase" in plain(sheet.text)
    order = await pay(buyer, sheet)
    again = await pay(buyer, sheet)
    assert number_of(order) == number_of(again)
    assert "Your keys are here" in order.text
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000 - 1940
    assert "Your cart is empty" in (await buyer.get("/cart")).text


async def test_a_line_is_changed_removed_and_put_back(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services, price=720), visitor()
    await arrive(services, buyer)
    await add(buyer, vpn)
    answer = await buyer.post(f"/cart/{vpn.variant_id}/quantity", data={"quantity": "٣"})
    assert "Total $21.60" in plain(answer.text)
    assert 'id="bottom" hx-swap-oob="outerHTML:body:has(#cart) #bottom"' in answer.text
    removed = await buyer.post(f"/cart/{vpn.variant_id}/remove")
    assert removed.headers["hx-retarget"] == "#app"
    assert "Your cart is empty" in removed.text
    assert f"/cart/{vpn.variant_id}/restore" in removed.text
    back = await buyer.post(f"/cart/{vpn.variant_id}/restore")
    assert "Total $21.60" in plain(back.text)
    assert (await buyer.post(f"/cart/{new_id()}/restore")).status_code == 404


@pytest.mark.parametrize("quantity", ["0", "-1", str(2**63), "1e3", "three", "1001"])
async def test_quantities_that_are_none(services: Services, visitor: MakeVisitor, quantity: str) -> None:
    vpn, buyer = await goods(services), visitor()
    await arrive(services, buyer)
    assert (await add(buyer, vpn, quantity)).status_code == 400
    await add(buyer, vpn)
    changed = await buyer.post(f"/cart/{vpn.variant_id}/quantity", data={"quantity": quantity})
    assert changed.status_code == 400
    assert 'name="quantity" value="1"' in (await buyer.get("/cart")).text


@pytest.mark.parametrize("lines", ["", "nothing", "{id}", "{id}*0", "{id}*9223372036854775808", "{id}*1 {id}*1"])
async def test_lines_that_are_no_cart(services: Services, visitor: MakeVisitor, lines: str) -> None:
    vpn, buyer = await goods(services), visitor()
    await arrive(services, buyer, cents=5000)
    await add(buyer, vpn)
    answer = await pay(buyer, await sheet_of(buyer), lines=lines.replace("{id}", str(vpn.variant_id)))
    assert answer.status_code == 400
    assert 'name="quantity" value="1"' in (await buyer.get("/cart")).text


async def _sql(services: Services, statement: str, thing: Goods) -> None:
    async with services.uow() as tx:
        await tx.execute(text(statement), {"id": thing.variant_id})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE variants SET price_amount = 800 WHERE id = :id", "Price changed: $8.00, was $7.20"),
        ("UPDATE variants SET max_quantity = 1 WHERE id = :id", "You can buy 1 now, you chose 2"),
        ("UPDATE variants SET min_quantity = 3 WHERE id = :id", "The smallest order is 3"),
        ("UPDATE variants SET hidden = true WHERE id = :id", "No longer sold"),
        ("UPDATE stock_keys SET state = 'removed' WHERE variant_id = :id", "Sold out"),
        ("UPDATE products SET premium_only = true FROM variants v WHERE v.product_id = products.id AND v.id = :id",
         "For premium members"),
    ],
)  # fmt: skip
async def test_what_has_changed_is_said_before_paying_and_again_when_it_is_late(
    services: Services, visitor: MakeVisitor, change: str, said: str
) -> None:
    vpn, card, buyer = await goods(services, price=720), await goods(services, price=500), visitor()
    actor = await arrive(services, buyer, cents=5000)
    await add(buyer, vpn, 2)
    await add(buyer, card)
    sheet = await sheet_of(buyer)
    await _sql(services, change, vpn)
    assert said in plain((await buyer.get("/cart")).text)
    late = await pay(buyer, sheet)
    assert late.status_code == 409 or late.headers["x-error-code"] in {"not_found", "premium_only"}, late.status_code
    assert late.headers["hx-retarget"] == "#app"
    assert said in plain(late.text)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000


async def test_the_limits_of_a_line_are_said_before_paying(services: Services, visitor: MakeVisitor) -> None:
    bounded, plain_one = await goods(services, keys=9, per_person_limit=6), await goods(services, keys=50)
    buyer = visitor()
    await arrive(services, buyer)
    await _sql(services, "UPDATE variants SET min_quantity = 2 WHERE id = :id", bounded)
    await add(buyer, plain_one)
    page = plain((await buyer.get("/cart")).text)
    assert not any(words in page for words in ("per person", "At least", "left"))
    await add(buyer, bounded, 2)
    page = plain((await buyer.get("/cart")).text)
    assert "Up to 6 per person · At least 2 · 9 left" in page


async def test_another_device_has_changed_it(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services), visitor()
    await arrive(services, buyer, cents=5000)
    await add(buyer, vpn)
    sheet = await sheet_of(buyer)
    await add(buyer, vpn)
    late = await pay(buyer, sheet)
    assert (late.status_code, late.headers["x-error-code"]) == (409, "cart_changed")
    assert 'name="quantity" value="2"' in late.text


async def test_the_rest_is_paid_by_a_method_and_all_is_reserved(services: Services, visitor: MakeVisitor) -> None:
    vpn, card, buyer = await goods(services, price=720), await goods(services, price=500), visitor()
    actor = await arrive(services, buyer, cents=220)
    await add(buyer, vpn)
    await add(buyer, card)
    sheet = await sheet_of(buyer)
    assert "You need $10.00 more" in plain(sheet.text)
    assert all(f"${sum_}" in plain(sheet.text) for sum_ in ("7.20", "5.00"))
    whole = await sheet_of(buyer, "?use_balance=off")
    assert "Pay $12.20" in plain(whole.text)
    paid = await pay(buyer, sheet, "demo")
    assert paid.status_code == 200, paid.text
    (order,) = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    assert (await services.orders.history.detail(actor, order.number)).held.amount == 220
    assert await services.orders.cart.count(actor) == 0


async def test_a_total_below_the_minimum_of_a_method_leaves_the_rest_in_the_balance(
    services: Services, visitor: MakeVisitor
) -> None:
    vpn, buyer = await goods(services, price=30), visitor()
    actor = await arrive(services, buyer)
    await add(buyer, vpn)
    sheet = await sheet_of(buyer)
    assert "$4.70 stays in your balance" in plain(sheet.text)  # five dollars of Stars for thirty cents
    assert (await pay(buyer, sheet, "stars")).status_code == 200
    (intent,) = await services.payments.intents.list_mine(actor)
    assert intent.amount.amount == 500


async def test_a_cart_below_the_minimum_of_every_method(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    sticker, buyer = await goods(services, price=20), visitor()
    actor = await arrive(services, buyer)
    await add(buyer, sticker, 2)
    sheet = await sheet_of(buyer)
    methods = await services.payments.methods.enabled(actor)
    assert all(method.minimum > usd(40) for method in methods)
    assert sheet.text.count("stays in your balance") == len(methods)
    paid = await pay(buyer, sheet, "demo")
    (intent,) = await services.payments.intents.list_mine(actor)
    clock.move(seconds=6)
    await buyer.get(paid.headers["hx-push-url"])
    await settle(services)
    (order,) = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    assert (order.status, order.total) == (OrderStatus.DELIVERED, usd(40))
    assert (await services.wallet.statement.overview(actor)).balance == intent.amount - usd(40)
    assert (await services.wallet.ledger.verify(Actor.system())).balanced


async def test_a_top_up_buys_no_cart_and_leads_back_to_it(services: Services, visitor: MakeVisitor) -> None:
    vpn, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer)
    assert plain((await buyer.get("/cart/resume")).text).strip() == ""
    await add(buyer, vpn, 2)
    await fund(services, actor.id, 5000)
    await settle(services)
    assert (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items == []
    link = await buyer.get("/cart/resume")
    assert "Continue with your cart" in link.text
    assert "1 product" in link.text
    assert "$14.40" in link.text
    assert re.search(r'href="/cart"', link.text)


async def test_the_cart_by_the_api(services: Services, visitor: MakeVisitor) -> None:
    vpn, caller = await goods(services, price=720, max_quantity=5), visitor()
    await arrive(services, caller, cents=5000)
    line = {"variant_id": str(vpn.variant_id), "quantity": 2}
    assert (await caller.get(API, html=False)).json() == {
        "version": 0, "lines": [], "total": {"amount": 0, "currency": "USD"}
    }  # fmt: skip
    for _ in range(2):
        cart = (await caller.post(API, html=False, json=line)).json()
    assert [(row["state"], row["quantity"], row["total"]["amount"]) for row in cart["lines"]] == [("ready", 4, 2880)]
    over = await caller.post(API, html=False, json=line)
    assert (over.status_code, over.json()["error"]["code"]) == (400, "quantity_not_allowed")
    bad = await caller.post(API, html=False, json={**line, "quantity": 2**63})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "invalid_input")
    gone = await caller.post(API, html=False, json={"variant_id": str(new_id())})
    assert gone.status_code == 404
    assert await services.orders.cart.count(await arrive(services, visitor(77))) == 0
