"""A promo code in the sheets before a purchase, in the API, and in the order."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from backend.bootstrap import Services
from backend.growth.service.promos import TRIES
from backend.growth.types.promos import NewPromo
from backend.orders.types import OrderFilter
from tests.factories.promos import add_promo
from tests.factories.shop import Goods
from tests.factories.wallet import usd
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, goods, links, number_of, plain

TENTH = NewPromo(code="SALE10", basis_points=1000)
USED = "Promo code −$0.72"


def read(answer: httpx.Response) -> str:
    return plain(answer.text.replace("<", " <"))


async def confirm(visitor: Visitor, thing: Goods, promo: str = "", more: str = "") -> httpx.Response:
    query = f"variant={thing.variant_id}&quantity=1{more}"
    return await visitor.get(f"/shop/{thing.slug}/confirm?{query}&promo={quote(promo)}")


async def buy(visitor: Visitor, thing: Goods, sheet: httpx.Response, **changes: str) -> httpx.Response:
    """Tap the button of a sheet."""
    data = {name: field(sheet, name) for name in ("variant", "quantity", "intent", "total")}
    if 'type="hidden" name="promo"' in sheet.text:
        data["promo"] = field(sheet, "promo")
    path = "/orders/reserve" if "method" in changes else "/orders"
    return await visitor.post(path, data={**data, **changes})


async def test_a_code_is_applied_removed_and_bought_with(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720, keys=9), visitor(61)
    await arrive(services, buyer, 5000)
    await add_promo(services, TENTH)
    sheet = await confirm(buyer, thing, " sale-10 ")
    assert sheet.status_code == 200
    assert USED in read(sheet)
    assert "Pay $6.48" in read(sheet)
    removed = links(sheet, f"/shop/{thing.slug}/confirm?variant={thing.variant_id}&quantity=1")
    assert "promo" not in removed[0]
    assert "Pay $7.20" in read(await buyer.get(removed[0]))
    order = await buy(buyer, thing, sheet)
    assert order.status_code == 200
    shown = read(await buyer.get(f"/orders/{number_of(order)}"))
    assert USED in shown
    (row,) = (await buyer.get("/api/v1/orders", html=False)).json()["items"]
    assert [(part["kind"], part["amount"]["amount"]) for part in row["parts"]] == [("base", 720), ("promo", -72)]


async def test_a_code_stays_when_the_payment_method_changes(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720, keys=9), visitor(62)
    actor = await arrive(services, buyer, 5000)
    await add_promo(services, TENTH)
    (other,) = links(
        await confirm(buyer, thing, "SALE10"), f"/shop/{thing.slug}/confirm?variant={thing.variant_id}&quantity=1&use"
    )
    sheet = await buyer.get(other)
    assert "Pay $6.48" in read(sheet)
    started = await buy(buyer, thing, sheet, method="usdt_tron", use_balance="off")
    assert started.status_code == 200, started.text
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    assert row.total == usd(648)


@pytest.mark.parametrize(
    ("typed", "changes", "words"),
    [
        ("NOPE99", {}, "This code doesn't exist"),
        ("x", {}, "This code doesn't exist"),
        ("SALE10", {"minimum": usd(2000)}, "This code needs a purchase of $20 or more."),
    ],
)
async def test_a_code_that_does_not_work_says_why(
    services: Services, visitor: MakeVisitor, typed: str, changes: dict[str, object], words: str
) -> None:
    thing, buyer = await goods(services, price=720, keys=9), visitor(63)
    await arrive(services, buyer, 5000)
    await add_promo(services, NewPromo(code="SALE10", basis_points=1000, **changes))  # type: ignore[arg-type]
    sheet = await confirm(buyer, thing, typed)
    assert (sheet.status_code, words in read(sheet), "Pay $7.20" in read(sheet)) == (422, True, True)
    assert f'value="{typed}"' in sheet.text


async def test_codes_cannot_be_guessed(services: Services, visitor: MakeVisitor) -> None:
    thing, guesser = await goods(services, price=720, keys=9), visitor(64)
    await arrive(services, guesser, 5000)
    await add_promo(services, TENTH)
    for _ in range(3):  # a code that exists is no guess
        assert USED in read(await confirm(guesser, thing, "SALE10"))
    for number in range(TRIES.times):
        assert "doesn't exist" in read(await confirm(guesser, thing, f"GUESS{number}"))
    refused = await confirm(guesser, thing, "SALE10")
    assert (refused.status_code, "Too many attempts. Try again in" in read(refused)) == (422, True)
    data = {"variant_id": str(thing.variant_id), "promo_codes": ["SALE10"]}
    headers = {"Idempotency-Key": "guessing-1"}
    answer = await guesser.post("/api/v1/orders", json=data, headers=headers, html=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")


async def test_a_free_order_needs_no_money_and_no_provider(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720, keys=9), visitor(65)
    await arrive(services, buyer)
    await add_promo(services, NewPromo(code="GIFT", basis_points=10_000, uses=1))
    sheet = await confirm(buyer, thing, "GIFT")
    assert "Get it for free" in read(sheet)
    order = await buy(buyer, thing, sheet)
    assert order.status_code == 200
    assert "Promo code −$7.20" in read(await buyer.get(f"/orders/{number_of(order)}"))


async def test_a_code_that_was_used_up_before_the_tap_needs_a_new_yes(services: Services, visitor: MakeVisitor) -> None:
    thing, slow, fast = await goods(services, price=720, keys=9), visitor(66), visitor(67)
    for one in (slow, fast):
        await arrive(services, one, 5000)
    await add_promo(services, NewPromo(code="LAST", basis_points=1000, uses=1))
    sheet = await confirm(slow, thing, "LAST")
    other = await confirm(slow, thing, "LAST", "&use_balance=off")
    await buy(fast, thing, await confirm(fast, thing, "LAST"))
    for answer in (
        await buy(slow, thing, sheet),
        await buy(slow, thing, other, method="usdt_tron", use_balance="off"),
    ):
        assert (answer.status_code, answer.headers["x-error-code"]) == (409, "promo_code_refused")
        assert "This code has been used up." in read(answer)
        assert field(answer, "total") == "720"


async def test_the_api_takes_codes_and_uses_the_best(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720, keys=9), visitor(68)
    actor = await arrive(services, buyer, 5000)
    await add_promo(services, TENTH)
    await add_promo(services, NewPromo(code="HALF", basis_points=5000, per_person=1))
    data = {"variant_id": str(thing.variant_id), "promo_codes": ["SALE10", "HALF"]}
    placed = await buyer.post("/api/v1/orders", json=data, headers={"Idempotency-Key": "with-code-1"}, html=False)
    assert placed.status_code == 201, placed.text
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    assert row.total == usd(360)
    again = await buyer.post("/api/v1/orders", json=data, headers={"Idempotency-Key": "with-code-2"}, html=False)
    error = again.json()["error"]
    assert (again.status_code, error["code"], error["params"]["reason"]) == (409, "promo_code_refused", "already_used")
    many = {**data, "promo_codes": ["A" * 3] * 6}
    refused = await buyer.post("/api/v1/orders", json=many, headers={"Idempotency-Key": "with-code-3"}, html=False)
    assert refused.status_code == 400
