"""Orders of several lines: by the API, on their page, in their file."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.orders.types import OrderStatus, OrderView, RefundTarget, RequestedLine
from backend.orders.types.lines import LineQuantity
from tests.factories.shop import Goods
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods, plain

API = "/api/v1/orders"


async def two_lines(services: Services, visitor: Visitor) -> tuple[OrderView, Goods, Goods]:
    """Two keys of one product for 14.40, one of another for 5.00."""
    first, second = await goods(services, price=720), await goods(services, price=500)
    actor = await arrive(services, visitor, cents=2000)
    lines = [RequestedLine(first.variant_id, 2), RequestedLine(second.variant_id, 1)]
    return await services.orders.checkout.place_all(actor, lines, "two-lines-0001"), first, second


async def put(services: Services, order: OrderView, place: int, status: str) -> None:
    """A line as a kind that takes its time leaves it."""
    async with services.uow() as tx:
        line = {"line": order.lines[place].id, "status": status}
        await tx.execute(text("UPDATE order_lines SET status = :status WHERE id = :line"), line)
        await tx.execute(text("UPDATE orders SET status = 'paid' WHERE id = :id"), {"id": order.id})


async def test_several_lines_are_bought_by_the_api_all_or_none(services: Services, visitor: MakeVisitor) -> None:
    first, second, caller = await goods(services, price=720), await goods(services, price=500, keys=1), visitor()
    actor = await arrive(services, caller, cents=5000)
    lines = [{"variant_id": str(first.variant_id), "quantity": 2}, {"variant_id": str(second.variant_id)}]
    headers = {"Idempotency-Key": "one-cart-0001"}
    for _ in range(2):
        placed = await caller.post(API, html=False, json={"lines": lines, "total": 1940}, headers=headers)
        assert placed.status_code == 201, placed.text
    (order,) = (await caller.get(API, html=False)).json()["items"]
    assert order["number"] == placed.json()["number"]
    detail = (await caller.get(f"{API}/{order['number']}", html=False)).json()
    assert [(line["quantity"], line["status"], line["total"]["amount"]) for line in detail["lines"]] == [
        (2, "delivered", 1440), (1, "delivered", 500)
    ]  # fmt: skip
    other = await caller.post(API, html=False, json={"lines": lines[:1]}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    gone = await caller.post(API, html=False, json={"lines": lines}, headers={"Idempotency-Key": "one-cart-0002"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (409, "sold_out")
    assert (await services.wallet.statement.overview(actor)).balance.amount == 5000 - 1940
    assert (await visitor(77).get(f"{API}/{order['number']}", html=False)).status_code == 404


@pytest.mark.parametrize("wrong", ["none", "both", "twice", "many", "zero", "huge"])
async def test_lines_that_are_no_order(services: Services, visitor: MakeVisitor, wrong: str) -> None:
    thing, caller = await goods(services), visitor()
    line: dict[str, object] = {"variant_id": str(thing.variant_id)}
    body: dict[str, object] = {
        "none": {"lines": []}, "both": {**line, "lines": [line]}, "twice": {"lines": [line, line]},
        "many": {"lines": [line] * 51}, "zero": {"lines": [{**line, "quantity": 0}]},
        "huge": {"lines": [{**line, "quantity": 2**63}]},
    }[wrong]  # fmt: skip
    answer = await caller.post(API, html=False, json=body, headers={"Idempotency-Key": "no-order-0001"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_input")


async def test_each_line_stands_over_its_own_keys(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    order, first, second = await two_lines(services, buyer)
    page = (await buyer.get(f"/orders/{order.number}")).text
    places = [page.index(f'id="key-{ordinal}"') for ordinal in (1, 2, 3)]
    lines = [page.index('<div class="list list--m56">'), page.rindex('<div class="list list--m56">')]
    assert lines[0] < places[0] < places[1] < lines[1] < places[2]
    opened = await services.orders.delivery.open_file(await arrive(services, buyer), order.number)
    assert [key.text for key in opened] == [*first.keys[:2], second.keys[0]]


async def test_a_line_that_takes_its_time_is_in_preparation(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    order, *_ = await two_lines(services, buyer)
    await put(services, order, 1, "pending")
    page = (await buyer.get(f"/orders/{order.number}")).text
    assert "We're preparing your order" in plain(page)
    assert page.count("In preparation") == 2
    assert "data-live=" in page
    assert 'id="key-2"' in page
    assert 'id="key-3"' not in page
    assert "Paid" in plain((await buyer.get("/orders")).text)
    root = visitor(services.settings.root_admin_id)
    assert order.number in (await root.get(f"/admin/orders?status={OrderStatus.PAID}")).text


async def test_a_refunded_line_says_so_and_hides_its_keys(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    order, *_ = await two_lines(services, buyer)
    requested = [LineQuantity(order.lines[0].id, 1), LineQuantity(order.lines[1].id, 1)]
    await services.orders.refunds.refund(
        Actor.system(), order.number, requested, RefundTarget.WALLET, "broken", idempotency_key="refund-1"
    )
    page = (await buyer.get(f"/orders/{order.number}")).text
    assert "1 of 2" in plain(page)
    assert page.count("Partly refunded") == 2
    assert 'id="key-2"' in page
    assert 'id="key-3"' not in page
