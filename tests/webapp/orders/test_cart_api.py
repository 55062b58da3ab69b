"""The checkout of a cart by the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.orders.types import OrderFilter
from tests.factories.shop import Goods
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods

CART = "/api/v1/cart"
KEY = "api-cart-0001"


async def filled(caller: Visitor, *things: tuple[Goods, int]) -> dict[str, Any]:
    """The checkout of a cart with so many of each thing, as the API shows it."""
    for thing, quantity in things:
        await caller.post(CART, html=False, json={"variant_id": str(thing.variant_id), "quantity": quantity})
    cart = (await caller.get(CART, html=False)).json()
    lines = [{"variant_id": row["variant_id"], "quantity": row["quantity"]} for row in cart["lines"] if row["total"]]
    return {"version": cart["version"], "lines": lines, "total": cart["total"]["amount"]}


async def check_out(caller: Visitor, order: dict[str, Any], key: str = KEY) -> httpx.Response:
    """Buy the cart."""
    return await caller.post(f"{CART}/orders", html=False, json=order, headers={"Idempotency-Key": key})


def refusal(response: httpx.Response) -> tuple[int, str]:
    """The status and the code of an error."""
    return response.status_code, response.json()["error"]["code"]


async def test_a_cart_is_bought_once_with_the_same_key(services: Services, visitor: MakeVisitor) -> None:
    vpn, card, gone = await goods(services, price=720), await goods(services, price=500), await goods(services)
    caller = visitor()
    actor = await arrive(services, caller, cents=5000)
    await filled(caller, (gone, 1))
    async with services.uow() as tx:
        await tx.execute(text("DELETE FROM stock_keys WHERE variant_id = :id"), {"id": gone.variant_id})
    order = await filled(caller, (vpn, 2), (card, 1))
    assert order["total"] == 2 * 720 + 500
    first, again = await check_out(caller, order), await check_out(caller, order)
    assert (first.status_code, first.json()) == (201, again.json())
    detail = (await caller.get(f"/api/v1/orders/{first.json()['number']}", html=False)).json()
    assert [(line["quantity"], line["status"]) for line in detail["lines"]] == [(2, "delivered"), (1, "delivered")]
    left = (await caller.get(CART, html=False)).json()
    assert [row["state"] for row in left["lines"]] == ["sold_out"]
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000 - 1940
    another = await check_out(caller, {**order, "lines": order["lines"][:1]})
    assert refusal(another) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE variants SET price_amount = price_amount + 1 WHERE id = :id", (409, "price_changed")),
        ("UPDATE variants SET hidden = true WHERE id = :id", (404, "not_found")),
        ("UPDATE variants SET currency = 'EUR' WHERE id = :id", (404, "not_found")),
        ("UPDATE variants SET max_quantity = 1 WHERE id = :id", (400, "quantity_not_allowed")),
        ("DELETE FROM stock_keys WHERE variant_id = :id", (409, "sold_out")),
        ("UPDATE products SET premium_only = true FROM variants v WHERE v.product_id = products.id AND v.id = :id",
         (403, "premium_only")),
    ],
)  # fmt: skip
async def test_what_changed_before_the_checkout_refuses_it(
    services: Services, visitor: MakeVisitor, change: str, code: tuple[int, str]
) -> None:
    vpn, caller = await goods(services, price=720), visitor()
    actor = await arrive(services, caller, cents=5000)
    order = await filled(caller, (vpn, 2))
    async with services.uow() as tx:
        await tx.execute(text(change), {"id": vpn.variant_id})
    assert refusal(await check_out(caller, order)) == code
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000
    assert await services.orders.cart.count(actor) == 1


async def test_a_price_that_fell_is_passed_on(services: Services, visitor: MakeVisitor) -> None:
    vpn, caller = await goods(services, price=720), visitor()
    actor = await arrive(services, caller, cents=5000)
    order = await filled(caller, (vpn, 2))
    async with services.uow() as tx:
        await tx.execute(text("UPDATE variants SET price_amount = 700"))
    assert (await check_out(caller, order)).status_code == 201
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000 - 1400


async def test_another_version_too_little_money_and_unknown_codes_buy_nothing(
    services: Services, visitor: MakeVisitor
) -> None:
    vpn, caller = await goods(services, price=720), visitor()
    actor = await arrive(services, caller, cents=1000)
    order = await filled(caller, (vpn, 2))
    assert refusal(await check_out(caller, order)) == (402, "insufficient_funds")
    assert refusal(await check_out(caller, {**order, "version": order["version"] + 1})) == (409, "cart_changed")
    code = await check_out(caller, {**order, "promo_codes": ["NO-SUCH-CODE"]})
    assert refusal(code)[1] == "promo_code_refused"
    assert (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": []}, {"quantity": 0}, {"quantity": -1}, {"quantity": 2**63}, {"quantity": "2"}, {"copies": 2},
        {"copies": 51}, {"total": None}, {"total": -1}, {"version": 0}, {"method": "stars"},
    ],
)  # fmt: skip
async def test_checkouts_that_are_none(services: Services, visitor: MakeVisitor, wrong: dict[str, Any]) -> None:
    vpn, caller = await goods(services), visitor()
    actor = await arrive(services, caller, cents=5000)
    order = await filled(caller, (vpn, 1))
    if "quantity" in wrong:
        order["lines"] = [{**order["lines"][0], **wrong}]
    elif "copies" in wrong:
        order["lines"] *= wrong["copies"]
    else:
        order |= wrong
    assert refusal(await check_out(caller, order)) == (400, "invalid_input")
    missing = await caller.post(f"{CART}/orders", html=False, json=order)
    assert missing.status_code == 400
    assert await services.orders.cart.count(actor) == 1
