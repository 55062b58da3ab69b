"""Orders and keys, as their buyer gets them and nobody else."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, links, number_of


async def test_a_key_is_shown_saved_and_sent_on_demand(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=100), visitor()
    await arrive(services, buyer, cents=1000)
    number = number_of(await buy(buyer, thing, 2))
    page = await buyer.get(f"/orders/{number}")
    assert not any(key in page.text for key in thing.keys)
    shown = await buyer.post(f"/orders/{number}/keys/2/reveal")
    assert shown.status_code == 200
    assert sum(key in shown.text for key in thing.keys) == 1
    assert 'id="key-2"' in shown.text
    assert (await buyer.post(f"/orders/{number}/keys/3/reveal")).status_code == 404
    file = await buyer.client.get(links(page, f"/orders/files/{number}-1.txt")[0])
    assert file.status_code == 200
    assert file.headers["content-type"] == "text/plain; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{number}-1.txt"'
    assert sum(key in file.text for key in thing.keys) == 1
    sent = await buyer.post(f"/orders/{number}/keys/1/chat")
    assert sent.status_code == 204
    assert "Sent to chat" in sent.headers["hx-trigger"]


async def test_an_order_of_another_does_not_exist(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer, other = await goods(services, price=100), visitor(71), visitor(72)
    await arrive(services, buyer, cents=1000)
    await arrive(services, other)
    number = number_of(await buy(buyer, thing))
    for path in (f"/orders/{number}", f"/orders/{number}/pay", "/orders/S-000000", "/orders/no-number"):
        response = await other.get(path)
        assert response.status_code == 404
        assert "<main" in response.text
    for path in ("pay", "cancel", "keys/1/reveal", "keys/1/chat"):
        assert (await other.post(f"/orders/{number}/{path}")).status_code == 404


async def test_a_file_address_holds_for_one_person_and_a_time(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    thing, buyer = await goods(services, price=100), visitor()
    actor = await arrive(services, buyer, cents=1000)
    number = number_of(await buy(buyer, thing))
    address = links(await buyer.get(f"/orders/{number}"), f"/orders/files/{number}-1.txt")[0]
    assert (await buyer.client.get(address)).status_code == 200
    assert (await buyer.client.get(address.partition("?")[0])).status_code == 403
    assert (await buyer.client.get(address.replace("-1.txt", "-2.txt"))).status_code == 403
    assert (await buyer.client.get(address[:-9] + address[-9:].swapcase())).status_code == 403
    clock.move(hours=1, seconds=1)
    assert (await buyer.client.get(address)).status_code == 403
    fresh = visitor(42)
    address = links(await fresh.get(f"/orders/{number}"), f"/orders/files/{number}-1.txt")[0]
    root = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert root is not None
    await services.identity.people.block(root, actor.id, "chargebacks")
    assert (await buyer.client.get(address)).status_code == 401


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_the_list_is_by_day_and_goes_on(
    services: Services, visitor: MakeVisitor, clock: FakeClock, language: str
) -> None:
    buyer = visitor(language_code=language)
    empty = await buyer.get("/orders")
    assert empty.status_code == 200
    assert 'href="/shop"' in empty.text
    thing = await goods(services, price=1, keys=40)
    actor = await arrive(services, buyer, cents=1000)
    for number in range(32):
        await services.orders.checkout.place(actor, thing.variant_id, 1, f"order-number-{number}")
    await services.orders.checkout.reserve(actor, thing.variant_id, 1, "waiting-order")
    page = await buyer.get("/orders", headers={"HX-Target": "app"})
    assert page.status_code == 200
    assert page.text.count('href="/orders/S-') == 30
    more = await buyer.get(links(page, "/orders?cursor=")[0])
    assert more.text.count('href="/orders/S-') == 3
    assert "<main" not in more.text
    waiting = await buyer.get("/orders?segment=awaiting_payment")
    assert waiting.text.count('href="/orders/S-') == 1
    by_its_former_name = await buyer.get("/orders?segment=waiting")
    assert links(by_its_former_name, "/orders/S-") == links(waiting, "/orders/S-")
    if language != "en":
        assert "Delivered" not in page.text


async def test_an_unpaid_order_lapses_before_the_eyes(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    thing, buyer = await goods(services, price=100), visitor()
    actor = await arrive(services, buyer)
    ref = await services.orders.checkout.reserve(actor, thing.variant_id, 1, "waiting-order")
    page = await buyer.get(f"/orders/{ref.number}")
    assert 'data-left="900"' in page.text
    clock.move(minutes=16)
    part = await buyer.get(f"/orders/{ref.number}", headers={"HX-Target": "order"})
    assert "<main" not in part.text
    assert "Expired" in part.text
    assert 'id="bottom" hx-swap-oob="outerHTML:body:has(#order) #bottom"' in part.text
    await services.orders.reservations.expire_lapsed()
    assert "Payment time expired" in (await buyer.get(f"/orders/{ref.number}")).text
