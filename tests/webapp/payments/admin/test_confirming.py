"""Money is asked about last: once the form is right, with the sum and the person."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.kernel.money import Money
from backend.payments.types import ProviderReport, ProviderState
from tests.factories.wallet import usd
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, number_of


async def balance(services: Services, visitor: Visitor) -> Money:
    """What somebody has."""
    return (await services.wallet.statement.overview(await arrive(services, visitor))).balance


async def test_a_refund_is_checked_then_asked_about_then_made(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    thing, buyer = await goods(services, price=720, keys=1), visitor(first_name="Emma")
    await arrive(services, buyer, cents=720)
    path = f"/admin/orders/{number_of(await buy(buyer, thing))}/refund"
    form = {"ask": "on", "intent": "refund-sheet", "amount": "2.90", "target": "wallet"}
    assert "Enter a reason." in (await root.post(path, data=form)).text
    assert "The maximum is" in (await root.post(path, data=form | {"reason": "broken", "amount": "9"})).text
    asked = await root.post(path, data=form | {"reason": "broken"})
    assert "Refund $2.90 to \u2068Emma" in asked.text
    assert 'name="ask"' not in asked.text
    assert 'name="amount" value="2.90"' in asked.text
    assert (await balance(services, buyer)).amount == 0
    del form["ask"]
    assert (await root.post(path, data=form | {"reason": "broken"})).status_code == 200
    assert (await balance(services, buyer)).amount == 290


async def test_an_adjustment_and_a_gift_card_are_asked_about(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    buyer = visitor(first_name="Emma")
    actor = await arrive(services, buyer, cents=5000)
    path = f"/admin/people/{actor.id}/adjust"
    form = {"ask": "on", "intent": "adjust-sheet", "direction": "debit", "amount": "5", "reason": "twice"}
    asked = (await root.post(path, data=form)).text
    assert "Take $5.00 from \u2068Emma" in asked
    assert "$45.00" in asked
    card = {"ask": "on", "intent": "gift-sheet", "amount": "10"}
    asked = (await buyer.post("/wallet/gifts", data=card)).text
    assert "Buy a $10 gift card?" in asked
    assert "$40.00" in asked
    assert "You need" in (await buyer.post("/wallet/gifts", data=card | {"amount": "60"})).text
    assert (await balance(services, buyer)).amount == 5000
    quoted = (await buyer.get("/wallet/gifts/quote", params={"amount": "25"})).text
    assert "Buy · $25" in quoted
    assert 'id="gift-hero"' in quoted


async def test_the_single_admin_limit_is_told_only_where_another_admin_could_be_needed(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin, top_up: TopUp
) -> None:
    buyer = visitor(first_name="Emma")
    actor = await arrive(services, buyer, cents=12_000)
    orders = [number_of(await buy(buyer, await goods(services, price=cents, keys=1))) for cents in (720, 10_100)]
    deposit = await top_up(actor, method="deposit")
    await services.payments.intents.settle(
        "fake", ProviderReport(event_id="nobody", state=ProviderState.PAID, received=usd(10_100))
    )
    event = (await services.payments.inbox.unmatched(Actor.system())).items[0]
    small, large = (f"/admin/orders/{order}/refund" for order in orders)
    sheets = [
        f"/admin/people/{actor.id}/adjust", f"/admin/payments/{deposit.id}/confirm", "/admin/vouchers/new", large,
        f"/admin/payments/unmatched/{event.id}/assign?person={actor.id}",
    ]  # fmt: skip

    async def is_shown() -> list[bool]:
        return ["in 24 hours" in (await root.get(path)).text for path in (*sheets, small)]

    assert await is_shown() == [False] * 6
    await make_admin(82, Permission.MONEY, Permission.ORDERS)
    assert await is_shown() == [True] * 5 + [False]
    # What is given away in these hours counts: the small refund may need a second admin now.
    form = {"intent": "adjust-sheet", "direction": "credit", "amount": "95", "reason": "a sorry"}
    assert (await root.post(sheets[0], data=form)).status_code == 200
    assert await is_shown() == [True] * 6
