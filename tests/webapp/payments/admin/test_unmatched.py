"""Unmatched payments, payments by hand, reconciliation, and how payment methods are configured."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.kernel.money import Money
from backend.payments.types import Outcome, PollIntent, ProviderEvent, ProviderReport, ProviderState, ReconcileProvider
from backend.worker import all_tasks
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, goods, plain

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


async def stray(services: Services, root: Visitor, event_id: str = "stray-1") -> ProviderEvent:
    """Money comes that nobody is named for."""
    report = ProviderReport(
        event_id=event_id, state=ProviderState.PAID, external_id="never-heard-of", received=usd(1500),
        details={"from": "somebody"},
    )  # fmt: skip
    assert await services.payments.intents.settle("fake", report) is Outcome.UNMATCHED
    return (await services.payments.inbox.unmatched(await arrive(services, root))).items[0]


async def balance(services: Services, visitor: Visitor) -> int:
    return (await services.wallet.statement.overview(await arrive(services, visitor))).balance.amount


async def test_unmatched_money_waits_in_plain_words(services: Services, root: Visitor) -> None:
    assert "No unmatched payments" in (await root.get("/admin/payments/unmatched")).text
    assert "Unmatched payments" not in (await root.get("/admin")).text
    event = await stray(services, root)
    listed = (await root.get("/admin/payments/unmatched")).text
    assert "$15.00" in listed
    assert "No matching payment." in listed
    assert f'href="/admin/payments/unmatched/{event.id}"' in listed
    assert "Unmatched payments" in (await root.get("/admin")).text
    page = (await root.get(f"/admin/payments/unmatched/{event.id}")).text
    assert "stray-1" in page
    assert "somebody" in page
    assert "/accept" not in page


async def test_it_is_given_to_a_person_once(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    omar = visitor(91, first_name="Omar", username="omar91")
    actor = await arrive(services, omar)
    event = await stray(services, root)
    path = f"/admin/payments/unmatched/{event.id}"
    response = await root.get(f"{path}/people?q=@omar", headers={"HX-Target": "results"})
    assert "<main" not in response.text
    assert f"assign?person={actor.id}" in response.text
    assert "No people found" in (await root.get(f"{path}/people?q=zzzz")).text
    sheet = await root.get(f"{path}/assign?person={actor.id}")
    assert "Omar" in sheet.text
    assert field(sheet, "person") == str(actor.id)
    assert 'name="amount" type="text" value="15.00"' in sheet.text
    for amount in ("", "much", "0", "-3", "99999999999999999"):
        refused = await root.post(f"{path}/assign", data={"person": str(actor.id), "amount": amount})
        assert refused.status_code == 422, amount
        assert "Enter a" in refused.text
    more = await root.post(f"{path}/assign", data={"person": str(actor.id), "amount": "15.01"})
    assert (more.status_code, "The maximum is $15.00." in more.text) == (422, True)
    data = {"person": str(actor.id), "amount": "12"}
    given = await root.post(f"{path}/assign", data=data)
    assert given.status_code == 200
    assert given.headers["hx-replace-url"].startswith("/admin/payments/0")
    assert (await root.post(f"{path}/assign", data=data)).status_code == 409
    assert await balance(services, omar) == 1200
    assert "No unmatched payments" in (await root.get("/admin/payments/unmatched")).text
    assert "Already handled." in (await root.get(path)).text
    assert (await services.wallet.ledger.verify(await arrive(services, root))).balanced


async def test_it_is_given_to_an_order_by_its_number(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    thing, buyer = await goods(services, price=1500), visitor(92)
    actor = await arrive(services, buyer)
    number = (await services.orders.checkout.reserve(actor, thing.variant_id, 1, "waiting-order")).number
    event = await stray(services, root)
    path = f"/admin/payments/unmatched/{event.id}/assign"
    assert (await root.get(path)).status_code == 200
    for order, words in (("", "Enter the order number."), ("S-000000", "No order has this number.")):
        refused = await root.post(path, data={"order": order, "amount": "15"})
        assert refused.status_code == 422
        assert words in refused.text
    given = await root.post(path, data={"order": number[2:].lower(), "amount": "15"})
    assert given.status_code == 200
    assert number in given.text
    assert await balance(services, buyer) == 1500


async def test_money_that_nobody_can_weigh_is_given_to_nobody(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    actor = await arrive(services, visitor())
    report = ProviderReport(event_id="e", state=ProviderState.PAID, external_id="x", received=Money(500, "EUR"))
    await services.payments.intents.settle("fake", report)
    event = (await services.payments.inbox.unmatched(await arrive(services, root))).items[0]
    path = f"/admin/payments/unmatched/{event.id}/assign"
    assert 'name="amount" type="text" value=""' in (await root.get(f"{path}?person={actor.id}")).text
    refused = await root.post(path, data={"person": str(actor.id), "amount": "5"})
    assert (refused.status_code, "value in the shop's currency is unknown." in refused.text) == (422, True)


async def test_a_message_is_dismissed_with_a_reason(services: Services, root: Visitor) -> None:
    event = await stray(services, root)
    path = f"/admin/payments/unmatched/{event.id}/dismiss"
    assert (await root.get(path)).status_code == 200
    silent = await root.post(path, data={"reason": "  "})
    assert silent.status_code == 422
    assert "Enter a reason." in silent.text
    done = await root.post(path, data={"reason": "a test of the provider"})
    assert done.status_code == 200
    assert "No unmatched payments" in done.text
    assert (await root.post(path, data={"reason": "again"})).status_code == 409
    async with services.uow.read() as tx:
        rows = await tx.execute(text("SELECT params->>'reason' FROM audit_entries WHERE action = 'payments.dismiss'"))
        assert rows.scalars().all() == ["a test of the provider"]


async def test_a_refund_made_at_the_provider_is_accepted(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp
) -> None:
    buyer = visitor()
    intent = await top_up(await arrive(services, buyer))
    report = ProviderReport(
        event_id="behind-our-back", state=ProviderState.REFUNDED, intent_id=intent.id, refunded=usd(500)
    )  # fmt: skip
    assert await services.payments.intents.settle("fake", report) is Outcome.UNMATCHED
    event = (await services.payments.inbox.unmatched(await arrive(services, root))).items[0]
    path = f"/admin/payments/unmatched/{event.id}"
    page = (await root.get(path)).text
    assert "refund was made at the provider, not in this shop" in page
    assert f'href="/admin/payments/{intent.id}"' in page
    assert f"{path}/assign" not in page
    assert (await root.get(f"{path}/assign")).status_code == 409
    accepted = await root.post(f"{path}/accept")
    assert accepted.status_code == 200
    assert await balance(services, buyer) == 1500
    assert (await root.post(f"{path}/accept")).status_code == 409


async def test_a_refund_before_its_payment_is_not_accepted(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    actor = await arrive(services, visitor())
    intent = await services.payments.intents.start_top_up(actor, "fake", usd(2000), idempotency_key="early")
    early = ProviderReport(event_id="early", state=ProviderState.REFUNDED, intent_id=intent.id, refunded=usd(500))
    await services.payments.intents.settle("fake", early)
    event = (await services.payments.inbox.unmatched(await arrive(services, root))).items[0]
    refused = await root.post(f"/admin/payments/unmatched/{event.id}/accept")
    assert refused.status_code == 409
    assert "in the ledger yet." in refused.text
    assert len((await services.payments.inbox.unmatched(await arrive(services, root))).items) == 1


async def test_an_admin_has_the_provider_asked(
    services: Services, visitor: MakeVisitor, root: Visitor, fake: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    intent = await services.payments.intents.start_top_up(
        await arrive(services, buyer), "fake", usd(2000), idempotency_key="late"
    )
    clock.move(minutes=31)
    await services.payments.intents.poll(PollIntent(intent.id, 0))
    path = f"/admin/payments/{intent.id}"
    assert f'hx-post="{path}/look"' in (await root.get(path)).text
    fake.down = True
    silent = await root.post(f"{path}/look")
    assert (silent.status_code, "isn't responding" in silent.headers["hx-trigger"]) == (200, True)
    fake.down = False
    fake.paid(intent.id, usd(2000))
    assert (await root.post(f"{path}/look")).status_code == 200
    assert await balance(services, buyer) == 2000
    assert (await buyer.post(f"{path}/look")).status_code == 403


async def test_a_large_deposit_needs_two_admins(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    buyer = visitor(first_name="Omar")
    intent = await services.payments.intents.start_top_up(
        await arrive(services, buyer), "deposit", usd(20_000), idempotency_key="by-hand"
    )
    keeper, path = await make_admin(82, Permission.MONEY), f"/admin/payments/{intent.id}"
    assert "Above $100 in 24 hours" in (await keeper.get(f"{path}/confirm")).text
    asked = await keeper.post(f"{path}/confirm", data={"amount": "200"})
    assert "Awaiting second approval" in asked.headers["hx-trigger"]
    assert "confirmed $200.00. Another admin must confirm the same amount." in plain((await root.get(path)).text)
    assert "Omar" in (await root.get("/admin/payments/deposits")).text
    assert await balance(services, buyer) == 0
    assert (await root.post(f"{path}/confirm", data={"amount": "200"})).status_code == 200
    assert await balance(services, buyer) == 20_000


async def test_nobody_confirms_his_own_deposit(services: Services, make_admin: MakeAdmin) -> None:
    keeper = await make_admin(82, Permission.MONEY)
    intent = await services.payments.intents.start_top_up(
        await arrive(services, keeper), "deposit", usd(500), idempotency_key="own"
    )
    refused = await keeper.post(f"/admin/payments/{intent.id}/confirm", data={"amount": "5"})
    assert (refused.status_code, refused.headers["x-error-code"]) == (403, "second_admin_needed")
    assert await balance(services, keeper) == 0


async def test_a_deposit_is_looked_at_and_confirmed(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    buyer = visitor(first_name="Omar")
    actor = await arrive(services, buyer)
    intent = await services.payments.intents.start_top_up(actor, "deposit", usd(2000), idempotency_key="by-hand")
    assert "No receipts to review" in (await root.get("/admin/payments/deposits")).text
    await services.payments.deposits.add_receipt(actor, intent.id, PNG, "sent it this morning")
    assert "Receipts to review" in (await root.get("/admin")).text
    assert "Omar" in (await root.get("/admin/payments/deposits")).text
    page = (await root.get(f"/admin/payments/{intent.id}")).text
    assert "sent it this morning" in page
    address = re.search(r'<img src="(?:https?://[^/]+)?(/admin/payments/proofs/[^"]+)"', page)
    assert address is not None
    picture = await root.client.get(address.group(1).replace("&amp;", "&"))
    assert picture.content == PNG
    assert picture.headers["content-type"] == "image/png"
    assert "no-store" in picture.headers["cache-control"]
    assert (await root.client.get(address.group(1).partition("?")[0])).status_code != 200
    opened = re.search(rf'hx-get="(/admin/payments/{intent.id}/receipts/[^"]+)"', page)
    assert opened is not None
    assert "sheet--full" in (await root.get(opened[1])).text
    assert "Confirm payment" in page
    path = f"/admin/payments/{intent.id}/confirm"
    # What the payer was told to name with the transfer stands wherever an admin looks.
    where = ("", "/deposits", f"/{intent.id}", f"/{intent.id}/confirm", f"?q={intent.reference}", "?q=omar")
    for end in where:
        assert f">{intent.reference}<" in (await root.get(f"/admin/payments{end}")).text, end
    listed = (await root.get(f"/admin/orders?q={intent.reference[2:]}")).text
    assert f'href="/admin/payments/{intent.id}"' in listed
    assert "/admin/orders/S-" not in listed
    assert 'value="20.00"' in (await root.get(path)).text
    for amount in ("", "0", "-1", "much"):
        assert (await root.post(path, data={"amount": amount})).status_code == 422
    for _ in range(2):  # saying the same twice credits it once
        assert (await root.post(path, data={"amount": "18"})).status_code == 200
    assert await balance(services, buyer) == 1800
    assert "Correct the amount" in (await root.get(f"/admin/payments/{intent.id}")).text
    less = await root.post(path, data={"amount": "17"})
    assert less.status_code == 422
    assert "A larger amount is already confirmed." in less.text
    assert "No receipts to review" in (await root.get("/admin/payments/deposits")).text


async def test_a_deposit_is_refused_with_a_reason(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    intent = await services.payments.intents.start_top_up(actor, "deposit", usd(2000), idempotency_key="by-hand")
    await services.payments.deposits.add_receipt(actor, intent.id, PNG)
    path = f"/admin/payments/{intent.id}/reject"
    assert (await root.get(path)).status_code == 200
    assert (await root.post(path, data={"reason": ""})).status_code == 422
    refused = await root.post(path, data={"reason": "nothing came"})
    assert refused.status_code == 200
    assert "nothing came" in refused.text
    assert await balance(services, buyer) == 0


async def test_a_proof_is_for_its_admin_only(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    actor = await arrive(services, visitor())
    intent = await services.payments.intents.start_top_up(actor, "deposit", usd(2000), idempotency_key="by-hand")
    await services.payments.deposits.add_receipt(actor, intent.id, PNG)
    keeper = await make_admin(82, Permission.MONEY)
    page = (await keeper.get(f"/admin/payments/{intent.id}")).text
    match = re.search(r'<img src="(?:https?://[^/]+)?(/admin/payments/proofs/[^"]+)"', page)
    assert match is not None
    address = match.group(1).replace("&amp;", "&")
    assert (await keeper.client.get(address)).status_code == 200
    await make_admin(82, Permission.ORDERS)  # their permissions have changed: the address is void
    assert (await keeper.client.get(address)).status_code in {401, 403}


async def run_comparisons(services: Services) -> None:
    """What the worker does of the jobs that the page has asked for."""
    task = next(task for task in all_tasks(services) if task.name == "payments.compare")
    async with services.uow() as tx:
        statement = text(
            "UPDATE outbox_jobs SET done_at = now()"
            " WHERE task = 'payments.compare' AND done_at IS NULL RETURNING payload"
        )
        asked = [payload["way"] for payload in (await tx.execute(statement)).scalars()]
    for method in asked:
        await task.run(ReconcileProvider(method), None)  # type: ignore[arg-type]


async def test_providers_are_compared_by_the_worker(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp, fake: FakeProvider, clock: FakeClock
) -> None:
    page = "/admin/payments/reconciliation"
    assert "Not yet" in (await root.get(page)).text
    intent = await top_up(await arrive(services, visitor()))
    clock.move(minutes=1)
    for _ in range(2):  # impatient taps ask once
        asked = await root.post(page)
        assert asked.status_code == 200
        assert "Reconciling: 0 of 3" in asked.text
        assert "data-live=" in asked.text
        assert re.search(r"data-main[^>]* disabled", asked.text)
    async with services.uow.read() as tx:
        jobs = await tx.execute(text("SELECT count(*) FROM outbox_jobs WHERE task = 'payments.compare'"))
        assert jobs.scalar_one() == 3
    fake.paid(intent.id, usd(900), event_id="less")
    await run_comparisons(services)
    done = await root.get(page, headers={"HX-Target": "comparisons"})
    assert "<main" not in done.text
    assert "data-live=" not in done.text
    assert "The ledger shows more than the provider received." in done.text
    assert "Ledger $20.00, provider $9.00" in done.text
    assert f'href="/admin/payments/{intent.id}"' in done.text
    assert "Reconciliation differences" in (await root.get("/admin")).text


async def test_a_provider_that_says_nothing_of_a_payment_does_not_agree(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp, fake: FakeProvider, clock: FakeClock
) -> None:
    intent = await top_up(await arrive(services, visitor()))
    clock.move(minutes=1)
    fake.says(intent.id, ProviderState.PENDING)
    await root.post("/admin/payments/reconciliation")
    await run_comparisons(services)
    page = (await root.get("/admin/payments/reconciliation")).text
    assert "The provider said nothing about 1 payment." in page
    assert ">Unknown<" in page
    assert "Reconciliation differences" in (await root.get("/admin")).text


async def test_a_method_that_nobody_can_ask_does_not_agree(services: Services, root: Visitor) -> None:
    await root.post("/admin/payments/reconciliation")
    await run_comparisons(services)
    page = (await root.get("/admin/payments/reconciliation")).text
    assert page.count("Can&#39;t reconcile") == 1
    assert "This method has no provider to ask." in page


async def test_a_provider_that_does_not_answer_is_told(
    services: Services, visitor: MakeVisitor, root: Visitor, top_up: TopUp, fake: FakeProvider, clock: FakeClock
) -> None:
    await top_up(await arrive(services, visitor()))
    clock.move(minutes=1)
    await root.post("/admin/payments/reconciliation")
    fake.down = True
    await run_comparisons(services)
    page = (await root.get("/admin/payments/reconciliation")).text
    assert "respond. We ask it again at the next reconciliation." in page
    assert "the fake provider is down" in page


async def test_payment_methods_say_what_they_miss(root: Visitor) -> None:
    page = (await root.get("/admin/settings/payments")).text
    assert "Payment methods" in page
    assert "Against Telegram's rules" in page
    sheet = (await root.get("/admin/settings/payments/fake")).text
    assert "DEMO_PAYMENTS" in sheet
    assert 'data-copy="http://127.0.0.1:8080/hooks/fake"' in sheet
    assert "rules require Stars for digital goods in a Mini App" in sheet
    assert (await root.get("/admin/settings/payments/never")).status_code == 404


async def test_a_method_s_sheet_says_what_its_provider_says_of_itself(
    root: Visitor, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examine() -> list[str]:
        return ["node 2 is 100 blocks ahead of the others, and is left out"]

    monkeypatch.setattr(fake, "examine", examine, raising=False)
    assert "node 2 is 100 blocks ahead" in (await root.get("/admin/settings/payments/fake")).text


@pytest.mark.parametrize("held", [Permission.SETTINGS])
async def test_settings_do_not_open_the_money(make_admin: MakeAdmin, held: Permission) -> None:
    helper = await make_admin(81, held)
    home = (await helper.get("/admin")).text
    assert 'href="/admin/settings/payments"' in home
    assert 'href="/admin/payments"' not in home
