"""The shop as JSON."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods


async def test_products_orders_and_wallet(services: Services, visitor: MakeVisitor) -> None:
    thing, caller = await goods(services, price=720, max_quantity=3), visitor(language_code="ru")
    listed = await caller.get("/api/v1/products", html=False)
    assert listed.status_code == 200
    assert listed.json()["items"][0]["name"] == "Ключ VPN"
    one = (await caller.get(f"/api/v1/products/{thing.slug}", html=False)).json()
    assert one["variants"][0]["id"] == str(thing.variant_id)
    assert one["variants"][0]["price"] == {"amount": 720, "currency": "USD"}
    body = {"variant_id": str(thing.variant_id), "quantity": 1}
    poor = await caller.post("/api/v1/orders", html=False, json=body, headers={"Idempotency-Key": "first-try"})
    assert poor.status_code == 402
    assert poor.json()["error"]["params"]["missing"] == {"amount": 720, "currency": "USD"}
    await arrive(services, caller, cents=1000)
    for _ in range(2):
        placed = await caller.post("/api/v1/orders", html=False, json=body, headers={"Idempotency-Key": "second-try"})
        assert placed.status_code == 201
    orders = (await caller.get("/api/v1/orders", html=False)).json()["items"]
    assert [order["number"] for order in orders] == [placed.json()["number"]]
    wallet = (await caller.get("/api/v1/wallet", html=False)).json()
    assert wallet["balance"] == {"amount": 280, "currency": "USD"}


async def test_bad_calls_get_one_shape(services: Services, visitor: MakeVisitor) -> None:
    thing, caller = await goods(services), visitor()
    body = {"variant_id": str(thing.variant_id), "quantity": 1}
    assert (await caller.post("/api/v1/orders", html=False, json=body)).status_code == 400
    for bad in ({}, {**body, "quantity": 0}, {**body, "extra": 1}, {**body, "variant_id": "x"}):
        answer = await caller.post("/api/v1/orders", html=False, json=bad, headers={"Idempotency-Key": "some-key-here"})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid_input"
    assert (await caller.get("/api/v1/products/nothing", html=False)).status_code == 404
    assert (await caller.client.get("/api/v1/products")).status_code == 401


@pytest.mark.parametrize("quantity", ["1E0", "1.0", '"1"', "true", "1e400", "9" * 5000, '1, "quantity": 2', "NaN"])
async def test_numbers_of_json_are_digits_and_fields_stand_once(
    services: Services, visitor: MakeVisitor, quantity: str
) -> None:
    thing, caller = await goods(services, max_quantity=3), visitor()
    body = f'{{"variant_id": "{thing.variant_id}", "quantity": {quantity}}}'
    headers = {"Idempotency-Key": "some-key-here", "content-type": "application/json"}
    answer = await caller.post("/api/v1/orders", html=False, content=body.encode(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_input")


async def test_a_refusal_in_json_holds_no_html(services: Services, visitor: MakeVisitor) -> None:
    thing, caller = await goods(services, price=720), visitor()
    body = {"variant_id": str(thing.variant_id)}
    poor = await caller.post("/api/v1/orders", html=False, json=body, headers={"Idempotency-Key": "first-try"})
    assert "7.20" in poor.json()["error"]["message"]
    assert "<" not in poor.json()["error"]["message"]


async def test_the_schema_names_every_call(visitor: MakeVisitor) -> None:
    schema = (await visitor().get("/api/v1/openapi.json", html=False)).json()
    assert {"/api/v1/products", "/api/v1/products/{slug}", "/api/v1/orders", "/api/v1/wallet"} <= schema["paths"].keys()
    assert not any(path.startswith(("/shop", "/admin", "/orders")) for path in schema["paths"])


async def test_the_schema_tells_how_it_refuses_and_who_may_call(services: Services, visitor: MakeVisitor) -> None:
    thing, caller = await goods(services, price=720), visitor()
    schema = (await caller.get("/api/v1/openapi.json", html=False)).json()
    assert {item["scheme"] for item in schema["components"]["securitySchemes"].values()} == {"bearer", "tma"}
    place = schema["paths"]["/api/v1/orders"]["post"]
    assert {"201", "400", "401", "402", "403", "404", "409", "413", "429", "503"} <= place["responses"].keys()
    (header,) = place["parameters"]
    assert (header["name"], header["in"], header["required"]) == ("Idempotency-Key", "header", True)
    refused = {
        answer["content"]["application/json"]["schema"]["$ref"]
        for path in schema["paths"].values() for call in path.values()
        for status, answer in call["responses"].items() if status[0] in "45"
    }  # fmt: skip
    assert refused == {"#/components/schemas/Refused"}
    wrong = await caller.ask("PUT", "/api/v1/orders", html=False)
    assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, {"GET", "OPTIONS", "POST"})
    await arrive(services, caller, cents=1000)
    order = {"variant_id": str(thing.variant_id), "total": 500}
    changed = await caller.post("/api/v1/orders", html=False, json=order, headers={"Idempotency-Key": "a-key-of-mine"})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "price_changed")
    assert changed.json()["error"]["params"]["total"] == {"amount": 720, "currency": "USD"}


async def test_a_search_forgives_and_says_what_is_near(services: Services, visitor: MakeVisitor) -> None:
    thing, caller = await goods(services, price=720), visitor()
    await services.catalog.searches.refresh_index()
    for typed in ("vpn", "мзт", "vpn key", "ключ vpn"):
        response = (await caller.get("/api/v1/search", html=False, params={"q": typed})).json()
        assert [item["slug"] for item in response["items"]] == [thing.slug], typed
    response = (await caller.get("/api/v1/search", html=False, params={"q": "vpn zanzibar"})).json()
    assert ([], [thing.slug]) == (response["items"], [item["slug"] for item in response["near"]])
    for bad in ({"q": "vpn", "most": "x"}, {"q": "vpn", "country": "T"}, {"q": "vpn", "cursor": "x"}, {}):
        assert (await caller.get("/api/v1/search", html=False, params=bad)).status_code == 400
    dear = await caller.get("/api/v1/search", html=False, params={"q": "vpn", "most": "719"})
    assert (dear.status_code, dear.json()["items"]) == (200, [])
