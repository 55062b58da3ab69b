"""Where a price has several parts, each place that shows it shows them; a plain price is one figure."""

from __future__ import annotations

import msgspec
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, confirm, goods, number_of, plain

SHOWN = "Price 3 × $7.20 $21.60 Reseller discount −$3.90"


def read(html: str) -> str:
    """What is read of a page, a tag parting words too."""
    return plain(html.replace("<", " <"))


@pytest.fixture
async def root(services: Services, visitor: MakeVisitor) -> Visitor:
    """The shop's first admin."""
    return visitor(services.settings.root_admin_id)


async def reseller(services: Services, root: Visitor, visitor: Visitor, cents: int) -> Actor:
    """The visitor buys at reseller prices."""
    actor, admin = await arrive(services, visitor, cents), await arrive(services, root)
    await services.identity.people.set_reseller(admin, actor.id, on=True)
    visitor.token = None
    return msgspec.structs.replace(actor, is_reseller=True)


async def test_from_the_product_to_the_order(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=720, reseller_price=590, keys=5), visitor(52)
    await reseller(services, root, buyer, 5000)
    product = read((await buyer.get(f"/shop/{thing.slug}")).text)
    assert "Price $7.20 Reseller discount −$1.30" in product
    assert "Buy · $5.90" in product
    chosen = read((await buyer.get(f"/shop/{thing.slug}/buy?variant={thing.variant_id}&quantity=3")).text)
    assert SHOWN in chosen
    assert "Buy · $17.70" in chosen
    sheet = await confirm(buyer, thing, 3)
    assert SHOWN in read(sheet.text)
    assert read(sheet.text).count("3 × $7.20") == 1
    assert "$50.00 now, $32.30 after purchase" in sheet.text
    number = number_of(await buy(buyer, thing, 3))
    assert SHOWN in read((await buyer.get(f"/orders/{number}")).text)
    assert SHOWN in read((await root.get(f"/admin/orders/{number}")).text)
    (order,) = (await buyer.get("/api/v1/orders", html=False)).json()["items"]
    assert order["total"]["amount"] == sum(part["amount"]["amount"] for part in order["parts"]) == 1770
    assert [part["kind"] for part in order["parts"]] == ["base", "reseller"]
    (variant,) = (await buyer.get(f"/api/v1/products/{thing.slug}", html=False)).json()["variants"]
    assert (variant["price"]["amount"], variant["public_price"]["amount"]) == (590, 720)


async def test_a_ladder_is_shown_and_each_step_chooses_its_quantity(services: Services, visitor: MakeVisitor) -> None:
    steps = [(3, 450), (6, 400), (12, 350)]
    thing, buyer = await goods(services, price=500, keys=9, quantity_prices=steps), visitor(52)
    actor = await arrive(services, buyer, 5000)
    page = await buyer.get(f"/shop/{thing.slug}")
    assert "3 for $4.50 each 6 for $4.00 each 12 for $3.50 each" in read(page.text)
    assert page.text.count('aria-pressed="true"') == 0
    chosen = (await buyer.get(f"/shop/{thing.slug}/buy?variant={thing.variant_id}&quantity=6")).text
    shown = "Price 6 × $5.00 $30.00 Quantity discount −$6.00"
    assert shown in read(chosen)
    assert "Buy · $24.00" in read(chosen)
    pressed = [part.partition(">")[0] for part in chosen.split("<button")[1:] if 'id="step-' in part]
    assert [('aria-pressed="true"' in step, step.endswith(" disabled")) for step in pressed] == [
        (False, False), (True, False), (False, True),
    ]  # fmt: skip
    assert shown in read((await confirm(buyer, thing, 6)).text)
    number = number_of(await buy(buyer, thing, 6))
    assert shown in read((await buyer.get(f"/orders/{number}")).text)
    await services.orders.cart.add(actor, thing.variant_id, 3)
    assert "Price $15.00 Quantity discount −$1.50 Total $13.50" in read((await buyer.get("/cart")).text)
    (variant,) = (await buyer.get(f"/api/v1/products/{thing.slug}", html=False)).json()["variants"]
    assert [(step["quantity"], step["price"]["amount"]) for step in variant["quantity_prices"]] == steps
    (line,) = (await buyer.get("/api/v1/cart", html=False)).json()["lines"]
    assert (line["unit_price"]["amount"], line["total"]["amount"]) == (450, 1350)
    assert [part["kind"] for part in line["parts"]] == ["base", "quantity"]


async def test_an_order_that_awaits_payment(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=720, reseller_price=590, keys=20), visitor(52)
    actor = await reseller(services, root, buyer, 0)
    assert SHOWN in read((await confirm(buyer, thing, 3)).text)
    held = await services.orders.checkout.reserve(actor, thing.variant_id, 3, "a-tap-0001")
    for path in (f"/orders/{held.number}", f"/orders/{held.number}/pay", f"/admin/orders/{held.number}"):
        who = root if path.startswith("/admin") else buyer
        assert SHOWN in read((await who.get(path)).text), path


async def test_a_plain_price_has_no_parts(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=720, reseller_price=590, keys=5), visitor(53)
    await arrive(services, buyer, 5000)
    pages = [
        await buyer.get(f"/shop/{thing.slug}"),
        await buyer.get(f"/shop/{thing.slug}/buy?variant={thing.variant_id}&quantity=3"),
        await confirm(buyer, thing, 3),
    ]
    number = number_of(await buy(buyer, thing, 3))
    await arrive(services, root)
    pages += [await buyer.get(f"/orders/{number}"), await root.get(f"/admin/orders/{number}")]
    for page in pages:
        assert "Reseller" not in page.text
        assert "Price $" not in read(page.text)
    assert "3 × $7.20" in read(pages[2].text)
    (order,) = (await buyer.get("/api/v1/orders", html=False)).json()["items"]
    assert order["parts"] == [{"kind": "base", "amount": {"amount": 2160, "currency": "USD"}}]
