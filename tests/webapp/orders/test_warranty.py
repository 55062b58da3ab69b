"""A key that doesn't work: the buyer's sheet, and the page after it."""

from __future__ import annotations

from backend.bootstrap import Services
from tests.factories.shop import stock_up
from tests.webapp.conftest import MakeVisitor
from tests.webapp.orders.claims import bought, claim
from tests.webapp.sale import arrive, plain


async def test_a_buyer_gets_another_key_in_two_taps(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    number, thing = await bought(services, buyer)
    async with services.uow() as tx:
        await stock_up(tx, services.ring, thing.variant_id, ["SECOND-BATCH-KEY"])
    page = plain((await buyer.get(f"/orders/{number}")).text)
    assert "Key doesn't work?" in page
    after = await claim(buyer, number)
    assert "Key replaced" in after
    assert "Replaced" in after
    shown = await buyer.post(f"/orders/{number}/keys/1/reveal")
    assert "SECOND-BATCH-KEY" in shown.text


async def test_without_another_key_the_money_is_in_the_balance(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    number, _ = await bought(services, buyer, 2)
    after = await claim(buyer, number)
    assert "Refunded" in after
    actor = await arrive(services, buyer)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 500
    assert "We review this claim" in plain((await buyer.get(f"/orders/{number}/claim")).text)


async def test_what_is_in_review_is_not_offered_again(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    number, _ = await bought(services, buyer, 2)
    await claim(buyer, number)
    assert "Key doesn't work?" not in await claim(buyer, number)
    assert (await buyer.get(f"/orders/{number}/claim")).status_code == 409


async def test_no_warranty_says_so(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    number, _ = await bought(services, buyer, warranty_days=0)
    assert "doesn't work" not in plain((await buyer.get(f"/orders/{number}")).text)
    assert (await buyer.get(f"/orders/{number}/claim")).status_code == 409
    assert (await visitor(77).get(f"/orders/{number}/claim")).status_code == 404
