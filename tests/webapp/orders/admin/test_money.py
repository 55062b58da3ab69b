"""An order's money goes back; orders are found by their buyer and cancelled; wallets are corrected by two admins."""

from __future__ import annotations

import re

import httpx
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.orders.types import OrderStatus, Wanted
from backend.payments.types import ProviderReport
from backend.worker import all_tasks
from tests.factories.wallet import usd
from tests.fakes.provider import FakeProvider
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, field, goods, number_of, plain

NOBODY = "0199c0de-0000-7000-8000-000000000000"
KEY = "k" * 32


async def balance(services: Services, visitor: Visitor) -> int:
    return (await services.wallet.statement.overview(await arrive(services, visitor))).balance.amount


async def bought(services: Services, visitor: Visitor, price: int = 1500) -> str:
    """An order paid from the balance."""
    thing = await goods(services, price=price)
    await arrive(services, visitor, cents=price)
    return number_of(await buy(visitor, thing))


async def paid_by_provider(services: Services, actor: Actor, fake: FakeProvider) -> str:
    """An order that money came for by the fake provider."""
    thing = await goods(services, price=1500)
    reference = await services.orders.checkout.reserve(actor, thing.variant_id, 1, "kept-for-the-provider")
    intent = await services.payments.intents.start_top_up(
        actor, "fake", usd(1500), reference.id, idempotency_key="pay-it"
    )
    report: ProviderReport = fake.paid(intent.id, usd(1500))
    await services.payments.intents.settle("fake", report)
    await services.orders.settlement.pay(actor, reference.number)
    return reference.number


def typed(response: httpx.Response) -> str:
    found = re.search(r'id="amount" name="amount" type="text" value="([^"]*)"', response.text)
    assert found is not None, response.text[:2000]
    return found.group(1)


async def test_each_verb_asks_for_its_permission(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    number = await bought(services, visitor())
    actor = await arrive(services, visitor())
    wanted = {
        f"/admin/orders/{number}/refund": Permission.ORDERS,
        f"/admin/orders/{number}/cancel": Permission.ORDERS,
        f"/admin/people/{actor.id}/wallet": Permission.MONEY,
        f"/admin/people/{actor.id}/adjust": Permission.MONEY,
        "/admin/adjustments": Permission.MONEY,
        f"/admin/adjustments/{NOBODY}/refuse": Permission.MONEY,
    }
    for held, number_ in ((Permission.ORDERS, 81), (Permission.MONEY, 82), (Permission.USERS, 83)):
        helper = await make_admin(number_, held)
        for path, needed in wanted.items():
            allowed = 404 if str(NOBODY) in path else 200
            assert (await helper.get(path)).status_code == (allowed if needed is held else 403), (path, held)
        for path in (*wanted, f"/admin/adjustments/{NOBODY}/approve"):
            if path.endswith(("wallet", "adjustments")):
                continue
            needed = wanted.get(path, Permission.MONEY)
            status = (await helper.post(path, data={"intent": KEY})).status_code
            assert (status == 403) == (needed is not held), (path, held, status)


async def test_an_order_goes_back_to_the_wallet_in_parts(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    buyer = visitor(first_name="Omar")
    number = await bought(services, buyer)
    path = f"/admin/orders/{number}/refund"
    sheet = await root.get(path)
    assert typed(sheet) == "15.00"
    assert "Paid from the balance" in sheet.text
    form = {"intent": field(sheet, "intent"), "amount": "5", "reason": "late", "target": "wallet"}
    for _ in range(2):
        answer = await root.post(path, data=form)
        assert answer.status_code == 200
    assert await balance(services, buyer) == 500
    assert "To their balance" in answer.text
    assert "late" in answer.text
    more = {**form, "intent": KEY, "amount": "10.01"}
    refused = await root.post(path, data=more)
    assert refused.status_code == 422
    assert "The maximum is" in refused.text
    assert (await root.post(path, data={**more, "amount": "10"})).status_code == 200
    assert await balance(services, buyer) == 1500
    page = (await root.get(f"/admin/orders/{number}")).text
    assert f"{path}" not in page
    assert "Nothing left to refund" in (await root.get(path)).text
    assert (await services.wallet.ledger.verify(await arrive(services, root))).balanced


async def test_an_order_goes_back_by_the_way_it_was_paid(
    services: Services, visitor: MakeVisitor, root: Visitor, fake: FakeProvider
) -> None:
    buyer = visitor()
    number = await paid_by_provider(services, await arrive(services, buyer), fake)
    page = (await root.get(f"/admin/orders/{number}")).text
    assert 'href="/admin/payments/0' in page
    sheet = await root.get(f"/admin/orders/{number}/refund")
    assert "Fake" in sheet.text
    form = {"intent": field(sheet, "intent"), "amount": "15", "reason": "broken", "target": "provider"}
    answer = await root.post(f"/admin/orders/{number}/refund", data=form)
    assert answer.status_code == 200
    assert "Processing" in answer.text
    assert await balance(services, buyer) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services.payments.methods, "is_enabled", lambda _way: False)
        assert "Method disabled" in (await root.get(f"/admin/orders/{number}")).text
    task = next(task for task in all_tasks(services) if task.name == "payments.send_refund")
    order = await services.orders.history.admin_detail(await arrive(services, root), number)
    assert order.status is OrderStatus.REFUNDED
    (refund,) = await services.payments.refunds.list_for(await arrive(services, root), order_id=order.id)
    await task.run(task.payload(refund.id), None)  # type: ignore[arg-type]
    assert list(fake.refunds.values()) == [usd(1500)]
    assert "Sent" in (await root.get(f"/admin/orders/{number}")).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "much"}, "Enter a number"),
        ({"reason": ""}, "Enter a reason."),
    ],
)
async def test_a_wrong_refund_of_an_order_comes_back(
    services: Services, visitor: MakeVisitor, root: Visitor, changes: dict[str, str], words: str
) -> None:
    buyer = visitor()
    number = await bought(services, buyer)
    form = {"intent": KEY, "amount": "5", "reason": "late", "target": "wallet", **changes}
    answer = await root.post(f"/admin/orders/{number}/refund", data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert await balance(services, buyer) == 0
    assert (await root.post(f"/admin/orders/{number}/refund", data={**form, "target": "moon"})).status_code == 400


async def test_an_order_that_waits_is_cancelled_with_a_reason(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    actor, thing = await arrive(services, visitor()), await goods(services, price=1500)
    number = (await services.orders.checkout.reserve(actor, thing.variant_id, 1, "waiting-order")).number
    page = (await root.get(f"/admin/orders/{number}")).text
    assert f"/admin/orders/{number}/cancel" in page
    assert f"/admin/orders/{number}/refund" not in page
    assert (await root.post(f"/admin/orders/{number}/cancel", data={"reason": ""})).status_code == 422
    answer = await root.post(f"/admin/orders/{number}/cancel", data={"reason": "a test"})
    assert answer.status_code == 200
    assert f"/admin/orders/{number}/cancel" not in answer.text
    assert (await root.post(f"/admin/orders/{number}/cancel", data={"reason": "again"})).status_code == 409


async def test_orders_are_found_by_what_the_placeholder_promises(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    number = await bought(services, visitor(4242421, first_name="Omar", username="omar_the_buyer"))
    other = await bought(services, visitor(5252521, first_name="Lina"))
    assert "Number, customer, product, amount…" in (await root.get("/admin/orders")).text
    for query in (number, number.lower(), number[2:], "omar", "@omar_the", "4242421"):
        found = (await root.get(f"/admin/orders?q={query}", headers={"HX-Target": "results"})).text
        assert f'href="/admin/orders/{number}"' in found, query
        assert other not in found, query
    assert "No orders found" in (await root.get("/admin/orders?q=nobody-at-all")).text
    assert (await root.get("/admin/orders?q=%00")).status_code in {200, 400}


async def test_a_wallet_shows_its_history_to_who_may_see_money(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin, top_up: TopUp
) -> None:
    buyer = visitor(first_name="Omar")
    actor = await arrive(services, buyer)
    assert "No transactions yet" in (await root.get(f"/admin/people/{actor.id}/wallet")).text
    intent = await top_up(actor)
    number = await bought(services, buyer)
    page = (await root.get(f"/admin/people/{actor.id}/wallet")).text
    assert f'href="/admin/payments/{intent.id}"' in page
    assert f'href="/admin/orders/{number}"' in page
    person = (await root.get(f"/admin/people/{actor.id}")).text
    assert f"/admin/people/{actor.id}/wallet" in person
    assert f"/admin/payments?person={actor.id}" in person
    listed = (await root.get(f"/admin/payments?person={actor.id}")).text
    assert f"/admin/payments/{intent.id}" in listed
    assert "No payments found" in (await root.get(f"/admin/payments?person={NOBODY}")).text
    keeper = await make_admin(82, Permission.MONEY)
    alone = (await keeper.get(f"/admin/people/{actor.id}/wallet")).text
    assert "/admin/orders/" not in alone
    assert (await keeper.get(f"/admin/people/{actor.id}")).status_code == 403
    helper = await make_admin(83, Permission.USERS)
    assert f"/admin/people/{actor.id}/wallet" not in (await helper.get(f"/admin/people/{actor.id}")).text
    assert (await root.get(f"/admin/people/{NOBODY}/wallet")).status_code == 404


async def test_a_small_correction_is_done_at_once_and_once(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    buyer = visitor(first_name="Omar")
    actor = await arrive(services, buyer)
    path = f"/admin/people/{actor.id}/adjust"
    sheet = await root.get(path)
    form = {"intent": field(sheet, "intent"), "way": "credit", "amount": "3", "reason": "sorry"}
    for _ in range(2):
        answer = await root.post(path, data=form)
        assert answer.status_code == 200
        assert "sorry" in answer.text
    assert await balance(services, buyer) == 300
    debit = {**form, "intent": KEY, "way": "debit", "amount": "5"}
    refused = await root.post(path, data=debit)
    assert refused.status_code == 422
    assert "Their balance is too low" in refused.text
    assert (await root.post(path, data={**debit, "amount": "1"})).status_code == 200
    assert await balance(services, buyer) == 200
    for changes, words in (
        ({"amount": "x"}, "Enter a number"),
        ({"reason": ""}, "Enter a reason."),
        ({"amount": "-3"}, "Enter a number"),
    ):
        wrong = await root.post(path, data={**form, "intent": "w" * 32, **changes})
        assert wrong.status_code == 422
        assert words in wrong.text
    assert await balance(services, buyer) == 200


async def test_a_large_correction_waits_for_a_second_admin(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    buyer, keeper = visitor(first_name="Omar"), await make_admin(82, Permission.MONEY)
    actor = await arrive(services, buyer)
    limit = services.wallet.adjustments.limit
    amount = str((limit + usd(100)).decimal())
    sheet = await root.get(f"/admin/people/{actor.id}/adjust")
    assert "another admin must approve it" in sheet.text
    form = {"intent": KEY, "way": "credit", "amount": amount, "reason": "a large sorry"}
    asked = await root.post(f"/admin/people/{actor.id}/adjust", data=form)
    assert asked.status_code == 200
    assert "Needs approval" in asked.text
    assert await balance(services, buyer) == 0
    assert "Approvals" in (await root.get("/admin")).text
    assert "/admin/adjustments" in (await keeper.get("/admin/approvals")).text
    mine = (await root.get("/admin/adjustments")).text
    assert "another admin must approve it" in mine
    assert "/approve" not in mine
    item = re.search(r"/admin/adjustments/([0-9a-f-]+)/refuse", mine)
    assert item is not None
    path = f"/admin/adjustments/{item.group(1)}"
    assert (await root.post(f"{path}/approve")).status_code == 403
    offered = (await keeper.get("/admin/adjustments")).text
    assert f"{path}/approve" in offered
    assert "Add $101.00 to the balance of \u2068Omar" in offered
    assert "Reject the adjustment of +$101.00 for \u2068Omar" in (await keeper.get(f"{path}/refuse")).text
    assert "Withdraw the adjustment of +$101.00 for \u2068Omar" in (await root.get(f"{path}/refuse")).text
    done = await keeper.post(f"{path}/approve")
    assert done.status_code == 200
    assert "Nothing to approve" in done.text
    assert (await keeper.post(f"{path}/approve")).status_code == 409
    assert await balance(services, buyer) == limit.amount + 100


async def test_a_large_correction_is_refused_with_a_reason(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    await make_admin(82, Permission.MONEY)
    keeper_actor = await services.identity.access.actor_by_telegram_id(82)
    assert keeper_actor is not None
    adjustments = services.wallet.adjustments
    amount = adjustments.limit + usd(100)
    asked = await adjustments.adjust(keeper_actor, actor.id, amount, "why not", idempotency_key="large-one")
    path = f"/admin/adjustments/{asked.id}/refuse"
    assert (await root.get(path)).status_code == 200
    assert (await root.post(path, data={"reason": ""})).status_code == 422
    done = await root.post(path, data={"reason": "why indeed"})
    assert done.status_code == 200
    page = (await root.get(f"/admin/people/{actor.id}/wallet")).text
    assert "why indeed" in page
    assert "Rejected" in page
    assert await balance(services, buyer) == 0


async def test_a_debit_that_the_balance_cannot_bear_goes_on_waiting(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    actor = await arrive(services, visitor())
    await make_admin(82, Permission.MONEY)
    keeper_actor = await services.identity.access.actor_by_telegram_id(82)
    assert keeper_actor is not None
    adjustments = services.wallet.adjustments
    amount = adjustments.limit + usd(100)
    asked = await adjustments.adjust(keeper_actor, actor.id, -amount, "a fraud", idempotency_key="large-one")
    answer = await root.post(f"/admin/adjustments/{asked.id}/approve")
    assert answer.status_code == 200
    assert "too low" in answer.headers["hx-trigger"]
    assert "a fraud" in answer.text


async def test_a_large_refund_waits_for_a_second_admin(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    buyer, keeper = visitor(first_name="Omar"), await make_admin(82, Permission.ORDERS)
    path = f"/admin/orders/{await bought(services, buyer, price=20_000)}"
    form = {"intent": KEY, "amount": "200", "reason": "dead", "target": "wallet"}
    for intent in ("first-intent-0001", "first-intent-0002"):
        asked = await keeper.post(f"{path}/refund", data={**form, "intent": intent})
        assert "A second admin must approve this refund" in asked.headers["hx-trigger"]
        item = re.search(r"/admin/approvals/([0-9a-f-]+)/withdraw", asked.text)
        assert item is not None
        if intent.endswith("1"):
            assert "Nothing to approve" in (await keeper.post(item.group(0))).text
            assert (await keeper.post(item.group(0))).status_code == 404
    assert await balance(services, buyer) == 0
    assert path in (await root.get("/admin/approvals")).text
    assert "Approvals" in (await keeper.get("/admin")).text
    shown = (await root.get(path)).text
    assert "First approval" in shown
    assert "repeat it with the same amount" in shown
    done = await root.post(f"{path}/refund", data=form)
    assert "Refunded to their balance" in done.headers["hx-trigger"]
    assert await balance(services, buyer) == 20_000
    assert "Nothing to approve" in (await root.get("/admin/approvals")).text


async def test_nobody_refunds_their_own_order(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    keeper = await make_admin(82, Permission.ORDERS)
    path = f"/admin/orders/{await bought(services, keeper)}"
    assert f"{path}/refund" not in (await keeper.get(path)).text
    form = {"intent": KEY, "amount": "15", "reason": "mine", "target": "wallet"}
    refused = await keeper.post(f"{path}/refund", data=form)
    assert refused.status_code == 403
    assert "Another admin must do it" in plain(refused.text)
    assert await balance(services, keeper) == 0


async def _two_lines(services: Services, buyer: Visitor) -> str:
    """Two of one thing for 20.00 and one of another for 5.00, paid from the balance."""
    first, second = await goods(services, price=1000), await goods(services, price=500)
    actor = await arrive(services, buyer, cents=2500)
    wanted = [Wanted(first.variant_id, 2), Wanted(second.variant_id, 1)]
    return (await services.orders.checkout.place_all(actor, wanted, "two-lines-0001")).number


async def test_single_lines_of_an_order_go_back(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    buyer = visitor(first_name="Omar")
    number = await _two_lines(services, buyer)
    path = f"/admin/orders/{number}"
    sheet = await root.get(f"{path}/refund")
    assert [typed(sheet), field(sheet, "line-0"), field(sheet, "line-1")] == ["", "0", "0"]
    form = {"intent": field(sheet, "intent"), "reason": "broken", "target": "wallet", "line-0": "1", "line-1": "1"}
    asked = await root.post(f"{path}/refund", data={**form, "ask": "on"})
    assert "Refund $15.00 to" in plain(asked.text)
    assert field(asked, "line-1") == "1"
    for _ in range(2):
        answer = await root.post(f"{path}/refund", data=form)
        assert answer.status_code == 200, answer.text
    assert await balance(services, buyer) == 1500
    text = plain(answer.text)
    assert "1 of 2" in text
    assert text.count("Partly refunded") == 2
    left = await root.get(f"{path}/refund")
    assert 'name="line-1"' not in left.text
    assert (await root.post(f"{path}/refund", data={**form, "intent": KEY, "line-1": "0"})).status_code == 200
    assert await balance(services, buyer) == 2500
    order = await services.orders.history.detail(await arrive(services, buyer), number)
    assert order.status is OrderStatus.REFUNDED


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, 422, "Enter an amount."),
        ({"line-0": "1", "amount": "5"}, 422, "Choose items or enter an amount, not both."),
        ({"line-0": "3"}, 422, "The maximum is"),
        ({"line-0": "-1"}, 422, "The maximum is"),
        ({"line-0": str(2**63)}, 400, ""),
        ({"line-0": "one"}, 400, ""),
    ],
)
async def test_a_wrong_choice_of_lines_comes_back(
    services: Services, visitor: MakeVisitor, root: Visitor, changes: dict[str, str], status: int, words: str
) -> None:
    buyer = visitor()
    path = f"/admin/orders/{await _two_lines(services, buyer)}/refund"
    answer = await root.post(path, data={"intent": KEY, "reason": "why", "target": "wallet", "ask": "on", **changes})
    assert (answer.status_code, words in plain(answer.text)) == (status, True), answer.text
    assert await balance(services, buyer) == 0
