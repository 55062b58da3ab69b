"""Promo codes in the checkout of the cart."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.growth.service.promos import TRIES
from backend.growth.types.promos import NewPromo, PromoScope
from backend.identity.types import Actor
from backend.orders.types import OrderFilter, OrderView
from backend.orders.types.prices import PartKind
from tests.factories.promos import add_promo
from tests.factories.shop import Goods
from tests.factories.wallet import usd
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.carts import add, pay, sheet_of
from tests.webapp.sale import arrive, field, goods, links, number_of, plain

THIRD = NewPromo(code="THIRD", basis_points=3333)
FULL, LESS = 1440 + 505, 648
"""The cart of ``filled`` in cents, and what THIRD takes off it."""


def read(answer: httpx.Response) -> str:
    return plain(answer.text.replace("<", " <"))


async def filled(
    services: Services, buyer: Visitor, cents: int = 0, new: NewPromo = THIRD
) -> tuple[Actor, Goods, Goods]:
    """A buyer with two of one product and one of another in the cart, in a shop with a code."""
    vpn, card = await goods(services, price=720, keys=9), await goods(services, price=505, keys=9)
    actor = await arrive(services, buyer, cents)
    await add(buyer, vpn, 2)
    await add(buyer, card)
    await add_promo(services, new)
    return actor, vpn, card


async def only_order(services: Services, actor: Actor) -> OrderView:
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    return await services.orders.history.detail(actor, row.number)


async def untouched(services: Services, actor: Actor, cents: int) -> bool:
    """Nothing was bought: the cart and the money are there, and no order is."""
    orders = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items
    balance = (await services.wallet.statement.overview(actor)).balance
    return (orders, balance, await services.orders.cart.count(actor)) == ([], usd(cents), 2)


async def test_a_code_is_applied_removed_and_bought_with(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(81)
    actor, *_ = await filled(services, buyer, 5000)
    sheet = await sheet_of(buyer, "?promo=%20third%20")
    words = read(sheet)
    assert all(part in words for part in ("$14.40", "$5.05", "Promo code −$6.48", "Pay $12.97"))
    removed = links(sheet, "/cart/checkout")[0]
    assert removed == "/cart/checkout"
    without = await sheet_of(buyer)
    assert "Pay $19.45" in read(without)
    assert "−$" not in read(without)
    bought = await pay(buyer, sheet)
    assert number_of(await pay(buyer, sheet)) == number_of(bought), "the same tap is the same order"
    order = await only_order(services, actor)
    saved = [line.price.part(PartKind.PROMO) for line in order.lines]
    assert (order.total, saved) == (usd(FULL - LESS), [-480, -168])
    assert (await services.wallet.statement.overview(actor)).balance == usd(5000 - FULL + LESS)


async def test_one_product_shows_its_price_and_the_code(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(82)
    _, _, card = await filled(services, buyer, 5000)
    await buyer.post(f"/cart/{card.variant_id}/remove")
    words = read(await sheet_of(buyer, "?promo=THIRD"))
    assert all(part in words for part in ("× 2 $14.40", "Promo code −$4.79", "Pay $9.61"))


async def test_a_code_stays_when_the_payment_method_changes(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(83)
    actor, *_ = await filled(services, buyer, 297)
    part = await sheet_of(buyer, "?promo=THIRD")
    assert "You need $10.00 more" in read(part)
    (whole,) = links(part, "/cart/checkout?use_balance=off")
    sheet = await buyer.get(whole)
    assert "Pay $12.97" in read(sheet)
    assert "/cart/checkout?promo=THIRD" in links(sheet, "/cart/checkout")
    assert links(sheet, "/cart/checkout")[0] == "/cart/checkout?use_balance=off", "removed, and paid the same way"
    paid = await pay(buyer, part, "demo")
    assert paid.status_code == 200, paid.text
    order = await only_order(services, actor)
    assert (order.total, order.held) == (usd(FULL - LESS), usd(297))
    assert await services.orders.cart.count(actor) == 0


@pytest.mark.parametrize(
    ("typed", "changes", "words"),
    [
        ("NOPE99", {}, "This code doesn't exist"),
        ("THIRD", {"minimum": usd(2000)}, "This code needs a purchase of $20 or more."),
        ("THIRD", {"scope": PromoScope.PRODUCT}, "This code isn't for the products in your cart."),
    ],
)
async def test_a_code_that_does_not_work_says_why(
    services: Services, visitor: MakeVisitor, typed: str, changes: dict[str, object], words: str
) -> None:
    buyer = visitor(84)
    if "scope" in changes:
        changes = {**changes, "target": (await goods(services)).slug}
    new = NewPromo(code="THIRD", basis_points=3333, **changes)  # type: ignore[arg-type]
    await filled(services, buyer, 5000, new)
    sheet = await buyer.get(f"/cart/checkout?promo={typed}")
    assert (sheet.status_code, words in read(sheet), "Pay $19.45" in read(sheet)) == (422, True, True)
    assert f'value="{typed}"' in sheet.text
    assert 'type="hidden" name="promo"' not in sheet.text


async def test_codes_cannot_be_guessed(services: Services, visitor: MakeVisitor) -> None:
    guesser = visitor(85)
    await filled(services, guesser, 5000)
    for number in range(TRIES.times):
        assert "doesn't exist" in read(await guesser.get(f"/cart/checkout?promo=GUESS{number}"))
    refused = await guesser.get("/cart/checkout?promo=THIRD")
    assert (refused.status_code, "Too many attempts. Try again in" in read(refused)) == (422, True)


@pytest.mark.parametrize("method", ["", "demo"])
async def test_a_code_that_ended_before_the_tap_needs_a_new_yes(
    services: Services, visitor: MakeVisitor, method: str
) -> None:
    buyer = visitor(86)
    actor, *_ = await filled(services, buyer, 5000, NewPromo(code="ENDS", basis_points=5000))
    sheet = await sheet_of(buyer, "?promo=ENDS" + ("&use_balance=off" if method else ""))
    for promo, _ in await services.growth.promos.list_all(Actor.system()):
        await services.growth.promos.stop(Actor.system(), promo.id)
    answer = await pay(buyer, sheet, method, **({"use_balance": "off"} if method else {}))
    assert (answer.status_code, answer.headers["x-error-code"]) == (409, "promo_code_refused")
    assert "This code has expired." in read(answer)
    assert "The price has changed. You haven't been charged." in answer.headers["hx-trigger"]
    assert field(answer, "total") == str(FULL)
    assert await untouched(services, actor, 5000)


@pytest.mark.parametrize("method", ["", "demo"])
async def test_a_price_that_rose_needs_a_new_yes_and_keeps_the_code(
    services: Services, visitor: MakeVisitor, method: str
) -> None:
    buyer = visitor(87)
    actor, vpn, _ = await filled(services, buyer, 5000)
    sheet = await sheet_of(buyer, "?promo=THIRD" + ("&use_balance=off" if method else ""))
    async with services.uow() as tx:
        await tx.execute(text("UPDATE variants SET price_amount = 800 WHERE id = :id"), {"id": vpn.variant_id})
    keeps = {"use_balance": "off"} if method else {}
    answer = await pay(buyer, sheet, method, **keeps)
    assert (answer.status_code, answer.headers["x-error-code"]) == (409, "price_changed")
    assert await untouched(services, actor, 5000)
    total = 2105 - 701
    assert (field(answer, "total"), field(answer, "promo")) == (str(total), "THIRD")
    assert (await pay(buyer, answer, method, **keeps)).status_code == 200
    assert (await only_order(services, actor)).total == usd(total)


async def test_a_balance_that_was_spent_meanwhile_asks_for_the_rest_at_the_lower_price(
    services: Services, visitor: MakeVisitor
) -> None:
    buyer = visitor(88)
    await filled(services, buyer, 1400)
    sheet = await sheet_of(buyer, "?promo=THIRD")
    other = await goods(services, price=400)
    actor = await arrive(services, buyer)
    await services.orders.checkout.place(actor, other.variant_id, 1, "spent-meanwhile")
    answer = await pay(buyer, sheet)
    assert answer.status_code == 402
    assert "You need $2.97 more" in read(answer)
    assert field(answer, "promo") == "THIRD"


async def test_a_free_cart_needs_no_money_and_no_provider(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(89)
    actor, *_ = await filled(services, buyer, new=NewPromo(code="GIFT", basis_points=10_000, uses=1))
    sheet = await sheet_of(buyer, "?promo=GIFT")
    assert "Get it for free" in read(sheet)
    assert "/cart/reserve" not in sheet.text
    assert (await pay(buyer, sheet)).status_code == 200
    order = await only_order(services, actor)
    assert (order.total, len(order.keys)) == (usd(0), 3)
    assert await services.orders.cart.count(actor) == 0
