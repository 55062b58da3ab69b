"""What the checkout refuses, and how it says so; and the page of its own."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.orders.types import OrderFilter
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, confirm, field, goods, number_of, plain


async def test_sold_out_between_page_and_tap_charges_nothing(services: Services, visitor: MakeVisitor) -> None:
    thing, slow, quick = await goods(services, price=100, keys=1), visitor(61), visitor(62)
    actor = await arrive(services, slow, cents=1000)
    await arrive(services, quick, cents=1000)
    intent = field(await confirm(slow, thing), "intent")
    assert (await buy(quick, thing)).status_code == 200
    for response in (
        await buy(slow, thing, 1, intent),
        await confirm(slow, thing),
        await slow.post(
            "/orders/reserve", data={"variant": str(thing.variant_id), "intent": "another-one", "method": "demo"}
        ),
    ):
        assert response.status_code == 409
        assert response.headers["hx-retarget"] == "#app"
        assert "Just sold out" in response.headers["hx-trigger"]
        assert "Sold out. Tap" in response.text
    assert (await services.wallet.statement.overview(actor)).balance.amount == 1000


async def test_who_has_the_last_one_reserved_is_led_to_their_order(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer, other = await goods(services, price=100, keys=1), visitor(), visitor(78)
    actor = await arrive(services, buyer)
    await arrive(services, other)
    ref = await services.orders.checkout.reserve(actor, thing.variant_id, 1, "the-last-one-1")
    assert f'hx-get="/shop/{thing.slug}/reserved"' in (await buyer.get(f"/shop/{thing.slug}")).text
    answer = await buyer.get(f"/shop/{thing.slug}/reserved")
    assert f'href="/orders/{ref.number}"' in answer.text
    assert "Reserved for you" in answer.text
    assert (await other.get(f"/shop/{thing.slug}/reserved")).text.strip() == ""
    await services.orders.reservations.cancel(actor, ref.number)
    assert (await buyer.get(f"/shop/{thing.slug}/reserved")).text.strip() == ""


async def test_who_reserves_too_much_is_led_to_the_open_order_or_to_a_top_up(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    thing, buyer = await goods(services, price=100, keys=8), visitor()
    actor = await arrive(services, buyer, cents=0)

    async def reserve(quantity: int, tap: str) -> httpx.Response:
        data = {"variant": str(thing.variant_id), "quantity": str(quantity), "intent": tap, "method": "demo"}
        return await buyer.post("/orders/reserve", data=data)

    refused = await reserve(3, "tap-0000001")
    assert refused.status_code == 409
    assert refused.headers["hx-retarget"] == "#sheet"
    assert refused.headers["x-error-code"] == "reservation_too_large"
    assert "You can reserve up to 2<" in refused.text
    assert 'href="/wallet/topup"' in refused.text
    assert (await reserve(2, "tap-0000002")).status_code == 200
    (order,) = [
        row.number for row in (await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)).items
    ]
    refused = await reserve(1, "tap-0000003")
    assert "is not paid yet. Pay or cancel it" in refused.text
    assert f'href="/orders/{order}"' in refused.text
    for tap in range(4):
        clock.move(hours=1)
        await services.orders.reservations.expire_lapsed()
        await reserve(1, f"lapse-{tap:04}")
    refused = await reserve(1, "tap-0000009")
    assert refused.headers["x-error-code"] == "reservations_paused"
    assert "Top up your balance first" in refused.text


@pytest.mark.parametrize(
    ("changes", "quantity", "code", "status"),
    [
        ({"premium_only": True}, 1, "premium_only", 403),
        ({"max_quantity": 2}, 3, "quantity_not_allowed", 400),
        ({"per_person_limit": 1}, 2, "person_limit_reached", 409),
    ],
)
async def test_limits_are_told_in_words(
    services: Services,
    visitor: MakeVisitor,
    changes: dict[str, object],
    quantity: int,
    code: str,
    status: int,
) -> None:
    thing, buyer = await goods(services, price=100, **changes), visitor(language_code="ru")
    await arrive(services, buyer, cents=1000)
    response = await buy(buyer, thing, quantity, "some-intent-or-other")
    assert response.status_code == status
    assert response.headers["x-error-code"] == code
    assert "data-toast=" in response.text


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"variant": "not-an-id", "quantity": "1", "intent": "long-enough"},
        {"variant": "0199c0de-0000-7000-8000-000000000000", "quantity": "0", "intent": "long-enough"},
        {"variant": "0199c0de-0000-7000-8000-000000000000", "quantity": "1e9", "intent": "long-enough"},
        {"variant": "0199c0de-0000-7000-8000-000000000000", "quantity": "1", "intent": "short"},
        {"variant": "0199c0de-0000-7000-8000-000000000000", "quantity": "1", "intent": "with\0nul-in-it"},
        {"variant": ["0199c0de-0000-7000-8000-000000000000"] * 2, "quantity": "1", "intent": "long-enough"},
    ],
)
async def test_a_bad_form_is_refused_whole(visitor: MakeVisitor, data: dict[str, object]) -> None:
    for path in ("/orders", "/orders/reserve"):
        response = await visitor().post(path, data=data)
        assert response.status_code == 400
        assert response.headers["x-error-code"] == "invalid_input"


async def test_an_unknown_variant_is_not_there(visitor: MakeVisitor) -> None:
    data = {"variant": "0199c0de-0000-7000-8000-000000000000", "quantity": "1", "intent": "long-enough"}
    assert (await visitor().post("/orders", data=data)).status_code == 404


async def test_checkout_is_a_page_of_its_own(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    path = f"/checkout?variant={thing.variant_id}&quantity=1"
    poor = await buyer.get(path)
    assert poor.status_code == 200
    assert "You need $7.20 more" in poor.text
    assert "<main" in poor.text
    await arrive(services, buyer, cents=1000)
    page = await buyer.get(path)
    assert "Confirm purchase" in page.text
    assert f'data-back="/shop/{thing.slug}"' in page.text
    assert (await buy(buyer, thing, 1, field(page, "intent"))).status_code == 200


async def test_too_many_purchases_are_told_to_wait(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services), visitor()
    await arrive(services, buyer)
    answers = [await buy(buyer, thing, 1, f"intent-number-{number}") for number in range(21)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"]
    assert "Too many requests" in answers[-1].text


async def test_a_price_that_moved_is_shown_again_and_not_charged(services: Services, visitor: MakeVisitor) -> None:
    thing, layla = await goods(services, price=500), visitor()
    await arrive(services, layla, cents=2000)
    sheet = await confirm(layla, thing)
    async with services.uow() as tx:
        await tx.execute(text("UPDATE variants SET price_amount = 700 WHERE id = :id"), {"id": thing.variant_id})
    tapped = {name: field(sheet, name) for name in ("variant", "quantity", "intent", "total")}
    refused = await layla.post("/orders", data=tapped)
    assert (refused.status_code, refused.headers["x-error-code"]) == (409, "price_changed")
    assert refused.headers["hx-retarget"] == "#sheet"
    assert "$7.00" in refused.text
    assert field(refused, "intent") != tapped["intent"]
    again = {name: field(refused, name) for name in tapped}
    assert (await layla.post("/orders", data=again)).status_code == 200
    assert "$13.00" in (await layla.get("/wallet")).text


async def test_picture_and_country_of_what_was_bought_are_shown_everywhere(
    services: Services, visitor: MakeVisitor
) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    await arrive(services, buyer, cents=2000)
    picture = f"{'a1' * 20}.svg"
    change = text("UPDATE products SET picture = :picture, country = 'JP' WHERE slug = :slug")
    async with services.uow() as tx:
        await tx.execute(change, {"picture": picture, "slug": thing.slug})
    sheet = await confirm(buyer, thing)
    order = await buy(buyer, thing, 1, field(sheet, "intent"))
    for page in (sheet, order, await buyer.get("/orders"), await buyer.get(f"/shop/{thing.slug}")):
        assert "Private VPN key · Japan" in plain(page.text)
        assert picture in page.text
    assert "Private VPN key · Japan" in plain((await buyer.get("/wallet")).text)
    # A picture that is replaced stays with what was bought before.
    async with services.uow() as tx:
        await tx.execute(change, {"picture": None, "slug": thing.slug})
    assert picture in (await buyer.get(f"/orders/{number_of(order)}")).text
