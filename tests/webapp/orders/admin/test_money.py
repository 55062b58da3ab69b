"""An order's money goes back; orders are found by their buyer and cancelled; wallets are corrected by two admins."""

from __future__ import annotations

import re

import httpx
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.orders.types import OrderStatus, RequestedLine
from backend.payments.types import ProviderReport
from backend.worker import all_tasks
from tests.factories.wallet import usd
from tests.fakes.provider import FakeProvider
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, balance, bought, field, goods, plain

NOBODY = "0199c0de-0000-7000-8000-000000000000"
KEY = "k" * 32


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
    match = re.search(r'id="amount" name="amount" type="text" value="([^"]*)"', response.text)
    assert match is not None, response.text[:2000]
    return match.group(1)


async def test_each_verb_asks_for_its_permission(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    number = await bought(services, visitor())
    actor = await arrive(services, visitor())
    permission_of = {
        f"/admin/orders/{number}/refund": Permission.ORDERS,
        f"/admin/orders/{number}/cancel": Permission.ORDERS,
        f"/admin/people/{actor.id}/wallet": Permission.MONEY,
        f"/admin/people/{actor.id}/adjust": Permission.MONEY,
        "/admin/adjustments": Permission.MONEY,
        f"/admin/adjustments/{NOBODY}/refuse": Permission.MONEY,
    }
    for held, number_ in ((Permission.ORDERS, 81), (Permission.MONEY, 82), (Permission.USERS, 83)):
        helper = await make_admin(number_, held)
        for path, needed in permission_of.items():
            allowed = 404 if str(NOBODY) in path else 200
            assert (await helper.get(path)).status_code == (allowed if needed is held else 403), (path, held)
        for path in (*permission_of, f"/admin/adjustments/{NOBODY}/approve"):
            if path.endswith(("wallet", "adjustments")):
                continue
            needed = permission_of.get(path, Permission.MONEY)
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


async def test_an_order_is_refunded_to_its_payment_method(
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
        patch.setattr(services.payments.methods, "is_enabled", lambda _method: False)
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
        page = (await root.get(f"/admin/orders?q={query}", headers={"HX-Target": "results"})).text
        assert f'href="/admin/orders/{number}"' in page, query
        assert other not in page, query
    assert "No orders found" in (await root.get("/admin/orders?q=nobody-at-all")).text
    assert (await root.get("/admin/orders?q=%00")).status_code in {200, 400}


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
    lines = [RequestedLine(first.variant_id, 2), RequestedLine(second.variant_id, 1)]
    return (await services.orders.checkout.place_all(actor, lines, "two-lines-0001")).number


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
