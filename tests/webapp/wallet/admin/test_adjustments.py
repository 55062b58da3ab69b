"""A person's wallet in the back office: its history, and balance adjustments with their approvals."""

from __future__ import annotations

import re

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.factories.wallet import usd
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, balance, bought, field

NOBODY = "0199c0de-0000-7000-8000-000000000000"
KEY = "k" * 32


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
    form = {"intent": field(sheet, "intent"), "direction": "credit", "amount": "3", "reason": "sorry"}
    for _ in range(2):
        answer = await root.post(path, data=form)
        assert answer.status_code == 200
        assert "sorry" in answer.text
    assert await balance(services, buyer) == 300
    debit = {**form, "intent": KEY, "direction": "debit", "amount": "5"}
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
    form = {"intent": KEY, "direction": "credit", "amount": amount, "reason": "a large sorry"}
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
