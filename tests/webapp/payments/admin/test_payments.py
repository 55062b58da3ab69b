"""Payments in the back office: the list, one of them, and the way back of the money."""

from __future__ import annotations

import re

import httpx
import pytest

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.payments.types import IntentStatus, RefundStatus, SendRefund
from tests.factories.wallet import usd
from tests.fakes.provider import FakeProvider
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field

NOBODY = "0199c0de-0000-7000-8000-000000000000"
PAGES = (
    "/admin/payments",
    f"/admin/payments/{NOBODY}",
    f"/admin/payments/{NOBODY}/refund",
    f"/admin/payments/{NOBODY}/confirm",
    f"/admin/payments/{NOBODY}/reject",
    "/admin/payments/deposits",
    "/admin/payments/unmatched",
    f"/admin/payments/unmatched/{NOBODY}",
    f"/admin/payments/unmatched/{NOBODY}/people",
    f"/admin/payments/unmatched/{NOBODY}/assign",
    f"/admin/payments/unmatched/{NOBODY}/dismiss",
    "/admin/payments/reconciliation",
)
POSTS = (
    f"/admin/payments/{NOBODY}/refund",
    f"/admin/payments/{NOBODY}/confirm",
    f"/admin/payments/{NOBODY}/reject",
    f"/admin/payments/unmatched/{NOBODY}/assign",
    f"/admin/payments/unmatched/{NOBODY}/accept",
    f"/admin/payments/unmatched/{NOBODY}/dismiss",
    "/admin/payments/reconciliation",
)


def typed(response: httpx.Response) -> str:
    """What stands in the field of the amount."""
    match = re.search(r'id="amount" name="amount" type="text" value="([^"]*)"', response.text)
    assert match is not None, response.text[:2000]
    return match.group(1)


async def balance(services: Services, visitor: Visitor) -> int:
    actor = await arrive(services, visitor)
    return (await services.wallet.statement.overview(actor)).balance.amount


async def test_only_who_may_see_money_comes_in(make_admin: MakeAdmin) -> None:
    others = [permission for permission in Permission if permission is not Permission.MONEY]
    helper, keeper = await make_admin(81, *others), await make_admin(82, Permission.MONEY)
    for path in PAGES:
        assert (await helper.get(path)).status_code == 403, path
        assert (await keeper.get(path)).status_code in {200, 404}, path
    for path in POSTS:
        assert (await helper.post(path, data={"reason": "mine", "amount": "1"})).status_code == 403, path
        assert (await keeper.post(path, data={"reason": "mine", "amount": "1"})).status_code != 403, path
    assert (await helper.get("/admin/settings/payments")).status_code == 200
    assert (await keeper.get("/admin/settings/payments")).status_code == 403


async def test_payments_are_listed_and_narrowed(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    assert "No payments yet" in (await root.get("/admin/payments")).text
    actor = await arrive(services, visitor(first_name="Omar"))
    await top_up(actor, 2000)
    await top_up(actor, 3000, key="another", received=1000)
    await top_up(actor, 4000, key="demo", method="demo")
    listed = (await root.get("/admin/payments")).text
    assert listed.count('href="/admin/payments/0') == 6  # each as a cell and as a line of the table
    assert "Omar" in listed
    assert all(sum_ in listed for sum_ in ("$20.00", "$10.00", "$40.00"))
    by_fake = (await root.get("/admin/payments?method=fake")).text
    assert "$20.00" in by_fake
    assert "$40.00" not in by_fake
    short = (await root.get(f"/admin/payments?status={IntentStatus.UNDERPAID}&method=fake")).text
    assert "$10.00" in short
    assert "$20.00" not in short
    assert "No payments found" in (await root.get("/admin/payments?method=never")).text
    assert (await root.get("/admin/payments?status=nonsense")).status_code == 400
    assert (await root.get("/admin/payments?cursor=nonsense")).status_code == 400


async def test_the_next_page_comes_as_rows(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    actor = await arrive(services, visitor())
    for number in range(32):
        await top_up(actor, 100 + number, key=f"number-{number}")
    first = await root.get("/admin/payments?method=fake")
    following = re.search(r'class="more" hx-get="([^"]+)"', first.text)
    assert following is not None
    rest = await root.get(following.group(1).replace("&amp;", "&"))
    assert "<main" not in rest.text
    assert "$1.01" in rest.text
    assert "$1.02" not in rest.text


async def test_a_payment_shows_all_that_is_known(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    actor = await arrive(services, visitor(first_name="Omar"))
    intent = await top_up(actor)
    page = (await root.get(f"/admin/payments/{intent.id}")).text
    assert f'href="/admin/people/{actor.id}"' in page
    assert f'data-copy="fake-{intent.id}"' in page
    assert "Payment received" in page
    assert "Received" in page
    part = await root.get(f"/admin/payments/{intent.id}", headers={"HX-Target": "payment"})
    assert "<main" not in part.text
    assert (await root.get(f"/admin/payments/{NOBODY}")).status_code == 404


async def test_money_without_people_leads_to_the_wallet_only(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin, top_up: TopUp
) -> None:
    actor = await arrive(services, visitor(first_name="Omar"))
    intent = await top_up(actor)
    keeper = await make_admin(82, Permission.MONEY)
    page = (await keeper.get(f"/admin/payments/{intent.id}")).text
    assert "Omar" in page
    assert f'href="/admin/people/{actor.id}"' not in page
    assert f'href="/admin/people/{actor.id}/wallet"' in page


async def test_a_top_up_goes_back_once_however_often_it_is_tapped(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    buyer = visitor()
    intent = await top_up(await arrive(services, buyer))
    path = f"/admin/payments/{intent.id}/refund"
    sheet = await root.get(path)
    assert typed(sheet) == "20.00"
    form = {"intent": field(sheet, "intent"), "amount": "7.50", "reason": "Asked for it"}
    answers = [await root.post(path, data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Partly refunded" in answers[0].text
    assert "Asked for it" in answers[0].text
    assert await balance(services, buyer) == 1250
    chief = await arrive(services, root)
    (booked,) = await services.payments.refunds.list_for(chief, intent_id=intent.id)
    assert booked.amount == usd(750)
    assert "Processing" in (await root.get(f"/admin/payments/{intent.id}")).text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services.payments.methods, "is_enabled", lambda _method: False)
        page = (await root.get(f"/admin/payments/{intent.id}")).text
        assert "Method disabled" in page
        assert "Processing" not in page
    await services.payments.refunds.send(SendRefund(booked.id))
    assert (await services.payments.refunds.list_for(chief, intent_id=intent.id))[0].status is RefundStatus.SUCCEEDED
    assert "Sent" in (await root.get(f"/admin/payments/{intent.id}")).text
    assert (await services.wallet.ledger.verify(chief)).balanced


@pytest.mark.parametrize(
    ("amount", "reason", "words"),
    [
        ("", "because", "Enter an amount."),
        ("many", "because", "Enter a number"),
        ("0", "because", "Enter a number"),
        ("-5", "because", "Enter a number"),
        ("20.01", "because", "The maximum is"),
        ("99999999999999999999", "because", "Enter a number"),
        ("5", "", "Enter a reason."),
    ],
)
async def test_a_wrong_refund_comes_back_with_words(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp, amount: str, reason: str, words: str
) -> None:
    buyer = visitor()
    intent = await top_up(await arrive(services, buyer))
    answer = await root.post(
        f"/admin/payments/{intent.id}/refund", data={"intent": "k" * 32, "amount": amount, "reason": reason}
    )
    assert answer.status_code == 422
    assert answer.headers["hx-retarget"] == "#sheet"
    assert words in answer.text
    assert field(answer, "intent") == "k" * 32
    assert await balance(services, buyer) == 2000


async def test_a_refund_in_another_asset_says_what_the_provider_sends(
    services: Services, visitor: MakeVisitor, root: Visitor, fake: FakeProvider
) -> None:
    from decimal import Decimal

    from backend.kernel.money import Money
    from backend.payments.types import Capabilities

    fake.capabilities = Capabilities(refundable=True, asset="XTR", unit_price=Decimal("0.013"))
    actor = await arrive(services, visitor())
    intent = await services.payments.intents.start_top_up(actor, "fake", usd(1300), idempotency_key="by-stars")
    await services.payments.intents.settle("fake", fake.paid(intent.id, Money(1000, "XTR")))
    page = (await root.get(f"/admin/payments/{intent.id}")).text
    assert "$13.00" in page
    assert "1,000 Stars" in page.replace("\u00a0", " ")
    sheet = (await root.get(f"/admin/payments/{intent.id}/refund")).text
    assert "For $13.00 the provider sends 1,000 Stars." in sheet.replace("\u00a0", " ")


async def test_what_was_spent_cannot_go_back(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    intent = await top_up(actor)
    other = await top_up(actor, 500, key="second")
    chief = await arrive(services, root)
    await services.payments.refunds.refund_top_up(chief, intent.id, usd(2000), "first", idempotency_key="whole-of-it")
    assert "Nothing left to refund." in (await root.get(f"/admin/payments/{intent.id}")).text
    assert await balance(services, buyer) == 500
    await services.wallet.adjustments.adjust(chief, actor.id, usd(-400), "spent", idempotency_key="spend-it-now")
    sheet = await root.get(f"/admin/payments/{other.id}/refund")
    assert typed(sheet) == "1.00"
    answer = await root.post(
        f"/admin/payments/{other.id}/refund", data={"intent": "k" * 32, "amount": "5", "reason": "all"}
    )
    assert answer.status_code == 422
    assert "Their balance is too low" in answer.text


async def test_a_method_that_cannot_refund_says_so(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    actor = await arrive(services, visitor())
    intent = await services.payments.intents.start_top_up(actor, "deposit", usd(2000), idempotency_key="by-hand")
    await services.payments.deposits.confirm(await arrive(services, root), intent.id, usd(2000))
    page = (await root.get(f"/admin/payments/{intent.id}")).text
    assert "support refunds." in page
    assert "/refund" not in page
    answer = await root.post(
        f"/admin/payments/{intent.id}/refund", data={"intent": "k" * 32, "amount": "5", "reason": "all"}
    )
    assert answer.status_code == 422
    assert "support refunds." in answer.text


async def test_a_provider_that_takes_whole_refunds_only(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp, fake: FakeProvider
) -> None:
    from backend.payments.types import Capabilities

    fake.capabilities = Capabilities(refundable=True, partial_refunds=False)
    buyer = visitor()
    intent = await top_up(await arrive(services, buyer))
    sheet = await root.get(f"/admin/payments/{intent.id}/refund")
    assert "full refund only" in sheet.text
    form = {"intent": field(sheet, "intent"), "amount": "5", "reason": "a part"}
    assert (await root.post(f"/admin/payments/{intent.id}/refund", data=form)).status_code == 422
    assert await balance(services, buyer) == 2000
    form["amount"] = "20"
    assert (await root.post(f"/admin/payments/{intent.id}/refund", data=form)).status_code == 200
    assert await balance(services, buyer) == 0
