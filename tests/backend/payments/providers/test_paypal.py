"""What is PayPal's own: approvals and captures, tokens, searches."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.errors import ProviderDown, RefundRefused
from backend.payments.gateways import paypal
from backend.payments.types import (
    Difference,
    DifferenceKind,
    IntentStatus,
    Outcome,
    PollIntent,
    ProviderState,
    RefundStatus,
    SendRefund,
)
from tests.backend.payments.providers.conftest import ADMIN, CLAIMED, Shop
from tests.backend.payments.providers.desks import PayPalDesk
from tests.factories.payments import polled
from tests.factories.wallet import usd
from tests.fakes import paypal_server
from tests.fakes.http_server import Response

on_paypal = pytest.mark.parametrize("desk", ["paypal"], indirect=True)


def _captures(desk: PayPalDesk) -> int:
    return sum(request.path.endswith("/capture") for request in desk.server.calls)


# ── orders ──


@on_paypal
async def test_the_order_says_what_the_payment_says(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open(1050)
    request = desk.server.calls[-1]
    asked = request.json()
    (unit,) = asked["purchase_units"]
    assert unit["amount"] == {"currency_code": "USD", "value": "10.50"}
    assert unit["custom_id"] == unit["invoice_id"] == str(intent.id)
    context = asked["payment_source"]["paypal"]["experience_context"]
    assert context["return_url"] == context["cancel_url"] == f"http://127.0.0.1:8080/wallet/payments/{intent.id}"
    assert request.headers["paypal-request-id"] == str(intent.id)
    assert intent.action is not None
    assert intent.action.url == f"https://www.paypal.com/checkoutnow?token={intent.external_id}"


@on_paypal
@pytest.mark.parametrize(
    ("currency", "amount", "value"),
    [("JPY", 500, "500"), ("HUF", 50000, "500"), ("HUF", 50001, "501"), ("TWD", 5, "1")],
)
async def test_money_without_decimals(shop: Shop, desk: PayPalDesk, currency: str, amount: int, value: str) -> None:
    intent = await shop.open()
    desk.server.orders.clear()
    desk.server._by_key.clear()
    money = Money(amount, currency)
    reference = msgspec.structs.replace(await shop.ref(intent), amount=money, payable=money, external_id=None)
    created = await desk.provider.create(reference)
    order = desk.server.order_of(str(intent.id))
    assert order["purchase_units"][0]["amount"] == {"currency_code": currency, "value": value}
    (report,) = await desk.provider.webhook(*desk.server.hook("PAYMENT.CAPTURE.COMPLETED", desk.server.take(order)))
    assert report.received is not None
    assert (report.external_id, report.received >= money) == (created.external_id, True)
    paid = msgspec.structs.replace(reference, external_id=created.external_id, charge_id=report.charge_id)
    if report.received != money:  # what cannot be said in whole units is not refunded as something else
        with pytest.raises(RefundRefused):
            await desk.provider.refund(paid, money, "odd")
    await desk.provider.refund(paid, report.received, "key")
    assert [item["amount"]["value"] for item in desk.server.refunds] == [value]


@on_paypal
async def test_an_approval_is_captured_once_whichever_process_hears_of_it(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open()
    hook = desk.pay(intent, 1555)
    await asyncio.gather(*(shop.hear(hook) for _ in range(5)), *(polled(shop.payments, intent.id) for _ in range(5)))
    assert (len(desk.server.captures), await shop.balance()) == (1, 1555)
    (capture,) = desk.server.captures.values()
    assert await shop.hear(desk.server.hook("PAYMENT.CAPTURE.COMPLETED", capture)) == [Outcome.DUPLICATE]
    assert (await shop.look(intent)).charge_id == capture["id"]


@on_paypal
async def test_a_card_that_is_declined_leaves_the_payment_open(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open()
    desk.server.declines = True
    hook = desk.pay(intent, 1555)
    await shop.hear(hook)
    assert ((await shop.look(intent)).status, await shop.balance()) == (IntentStatus.PENDING, 0)
    desk.server.declines = False
    await shop.hear(hook)
    assert await shop.balance() == 1555


@on_paypal
async def test_another_shop_s_order_is_not_captured(shop: Shop, desk: PayPalDesk) -> None:
    amount = {"currency_code": "USD", "value": "5.00"}
    order = desk.server.add_order({"reference_id": "souk-of-another", "custom_id": "x", "amount": amount})
    order["status"] = "APPROVED"
    assert await shop.hear(desk.server.hook("CHECKOUT.ORDER.APPROVED", order)) == []
    assert (order["status"], _captures(desk)) == ("APPROVED", 0)


@on_paypal
async def test_a_capture_that_is_held_and_then_denied(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open()
    desk.pay(intent, 1555)
    capture = desk._capture(intent)
    capture["status"] = "PENDING"
    await shop.hear(desk.server.hook("PAYMENT.CAPTURE.PENDING", capture))
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is IntentStatus.CONFIRMING
    capture["status"] = "DECLINED"
    await shop.hear(desk.server.hook("PAYMENT.CAPTURE.DECLINED", capture))
    assert ((await shop.look(intent)).status, await shop.balance()) == (IntentStatus.FAILED, 0)


@on_paypal
async def test_an_order_that_paypal_has_forgotten_is_not_paid(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open()
    desk.server.orders.clear()
    assert await desk.provider.status(await shop.ref(intent)) is None


@on_paypal
async def test_other_events_are_taken_without_effect(shop: Shop, desk: PayPalDesk) -> None:
    assert await shop.hear(desk.server.hook("CUSTOMER.DISPUTE.CREATED", {"id": "x"})) == []


# ── refunds ──


@on_paypal
async def test_a_refund_of_an_order_that_paypal_has_forgotten_still_counts(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.paid(1555)
    hook = desk.refund_behind(intent, 300)
    desk.server.orders.clear()
    assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert await shop.unmatched() == [("refunded_elsewhere", usd(300))]


@on_paypal
async def test_a_second_refund_behind_our_back_counts_with_the_first(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.paid(1555)
    hooks = [desk.refund_behind(intent, cents) for cents in (300, 200)]
    for hook in reversed(hooks):
        await shop.hear(hook)
    assert (await shop.unmatched())[-1] == ("refunded_elsewhere", usd(500))
    reversed_hook = desk.server.hook("PAYMENT.CAPTURE.REVERSED", desk.server.refunds[-1])
    assert await shop.hear(reversed_hook) == [Outcome.DUPLICATE]


@on_paypal
async def test_what_a_refund_does_not_tell_its_order_does(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.paid(1555)
    desk.refund_behind(intent, 300)
    shop.clock.move(days=4)  # out of the statement's days
    desk.refund_behind(intent, 200)
    now = shop.clock.now()
    listed = await desk.provider.statement(now - timedelta(days=3), now)
    assert listed is not None
    assert [report.refunded for report in listed] == [usd(500)]
    refund = {name: value for name, value in desk.server.refunds[-1].items() if name != "seller_payable_breakdown"}
    assert await shop.hear(desk.server.hook("PAYMENT.CAPTURE.REFUNDED", refund)) == [Outcome.UNMATCHED]
    assert await shop.unmatched() == [("refunded_elsewhere", usd(500))]


@on_paypal
async def test_more_than_the_capture_is_refused_and_the_wallet_keeps_it(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.paid(1555)
    desk.refund_behind(intent, 1000)
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(1555), "", idempotency_key="r")
    await shop.refunds.send(SendRefund(begun.id))
    assert (desk.sent_back(intent), await shop.balance()) == (1000, 1555)


# ── tokens ──


@on_paypal
async def test_a_token_is_kept_while_it_lasts_and_renewed_when_withdrawn(shop: Shop, desk: PayPalDesk) -> None:
    def tokens() -> int:
        return sum(request.path == "/v1/oauth2/token" for request in desk.server.calls)

    intent = await shop.open()
    await desk.provider.status(await shop.ref(intent))
    assert tokens() == 1
    desk.server.revoke()
    await desk.provider.status(await shop.ref(intent))
    assert tokens() == 2
    shop.clock.move(hours=9)
    await desk.provider.status(await shop.ref(intent))
    assert tokens() == 3


@on_paypal
async def test_wrong_credentials_are_a_provider_that_is_down(
    shop: Shop, desk: PayPalDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paypal_server, "SECRET", "another")
    with pytest.raises(ProviderDown):
        await shop.open()


# ── searches ──


@on_paypal
async def test_an_app_that_may_not_search_has_each_payment_asked_for(shop: Shop, desk: PayPalDesk) -> None:
    desk.server.searchable = False
    missed, known = await shop.open(1555), await shop.paid(1000, "known")
    desk.pay(missed, 1555)
    desk.refund_behind(known, 300)
    result = await shop.reconcile()
    assert sorted(result.differences, key=lambda item: item.theirs) == [
        Difference(kind=DifferenceKind.REFUND, subject=str(known.id), asset="USD", ours=0, theirs=300),
        Difference(kind=DifferenceKind.MISSING_HERE, subject=str(missed.id), asset="USD", ours=0, theirs=1555),
    ]
    assert await shop.balance() == 2555


@on_paypal
async def test_a_search_that_is_late_raises_no_alarm(
    shop: Shop, desk: PayPalDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.paid(1555)
    captures, desk.server.captures = desk.server.captures, {}
    result = await shop.reconcile()  # not listed yet, but its order is known
    desk.server.captures = captures
    assert result.differences == []


@on_paypal
async def test_the_account_s_other_business_is_left_out(shop: Shop, desk: PayPalDesk) -> None:
    amount = {"currency_code": "USD", "value": "5.00"}
    for custom_id in ("", "a donation", "not-a-payment-of-ours"):
        order = desk.server.add_order({"reference_id": "default", "custom_id": custom_id, "amount": amount})
        desk.server.add_refund(desk.server.take(order), "1.00")
    assert (await shop.reconcile()).differences == []
    assert await shop.unmatched() == []


@on_paypal
@pytest.mark.parametrize("with_order", [True, False])
async def test_other_business_that_names_a_payment_pays_for_nothing_here(
    shop: Shop, desk: PayPalDesk, with_order: bool
) -> None:
    """A buyer may write any custom_id into another button of the account; the order is its own, or there is none."""
    intent = await shop.open(1555)
    amount = {"currency_code": "USD", "value": "99.00"}
    order = desk.server.add_order({"reference_id": "default", "custom_id": str(intent.id), "amount": amount})
    capture = desk.server.take(order)
    if not with_order:
        capture |= {"supplementary_data": {}, "links": []}
    shop.desk.pay(intent, 1555)
    desk.server.orders[intent.external_id or ""]["status"] = "PAYER_ACTION_REQUIRED"
    assert await shop.hear(desk.server.hook("PAYMENT.CAPTURE.COMPLETED", capture)) == [Outcome.UNMATCHED]
    await shop.reconcile()
    refund = desk.server.add_refund(capture, "99.00") if with_order else None
    if refund is not None:
        await shop.hear(desk.server.hook("PAYMENT.CAPTURE.REFUNDED", refund))
    assert (await shop.balance(), (await shop.look(intent)).status) == (0, IntentStatus.PENDING)
    desk.server.orders[intent.external_id or ""]["status"] = "APPROVED"
    await shop.payments.poll(PollIntent(intent.id, 0))
    await shop.reconcile()
    assert (await shop.balance(), (await shop.look(intent)).status) == (1555, IntentStatus.SUCCEEDED)
    assert {reason for reason, _ in await shop.unmatched()} == {"unknown_payment"}


@on_paypal
async def test_a_search_asks_for_each_capture_s_order_once(shop: Shop, desk: PayPalDesk) -> None:
    for number in range(3):
        await shop.paid(1000 + number, f"tap:{number}")
    for _ in range(2):
        assert (await shop.reconcile()).differences == []
    assert sum("/payments/captures/" in request.path for request in desk.server.calls) == 3


@on_paypal
async def test_a_statement_has_many_pages_and_long_ones_several_searches(shop: Shop, desk: PayPalDesk) -> None:
    for number in range(7):
        await shop.paid(1000 + number, f"tap:{number}")
    now = shop.clock.now()
    listed = await desk.provider.statement(now - timedelta(days=70), now)
    assert listed is not None
    assert len({report.event_id for report in listed}) == 7
    assert {report.state for report in listed} == {ProviderState.PAID}
    searches = [request.query["start_date"] for request in desk.server.calls if "reporting" in request.path]
    assert len(set(searches)) == 3


def test_its_settings_name_the_real_one(settings: Settings) -> None:
    assert settings.paypal_url == "https://api-m.paypal.com"
    assert paypal.SPEC.needs == ("PAYPAL_CLIENT_ID", "PAYPAL_SECRET", "PAYPAL_WEBHOOK_ID")


# ── refunds ──


@on_paypal
@pytest.mark.parametrize(
    "answer",
    [
        Response(409, json={"name": "RESOURCE_CONFLICT", "details": [{"issue": "PREVIOUS_REQUEST_IN_PROGRESS"}]}),
        Response(201, json={"id": "1JU08902781691411"}),
    ],
)
async def test_an_answer_that_proves_nothing_leaves_the_refund_waiting(
    shop: Shop, desk: PayPalDesk, monkeypatch: pytest.MonkeyPatch, answer: Response
) -> None:
    intent = await shop.paid()
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(1555), "", idempotency_key="r")
    with monkeypatch.context() as patched:
        patched.setattr(desk.server, "_refund", lambda *_: answer)
        with pytest.raises(ProviderDown):
            await shop.refunds.send(SendRefund(begun.id))
    (waiting,) = await shop.refunds.list_for(ADMIN, intent_id=intent.id)
    assert (waiting.status, await shop.balance()) == (RefundStatus.PENDING, 0)
    desk.server._by_key.clear()
    shop.clock.move(seconds=CLAIMED)
    await shop.refunds.send(SendRefund(begun.id))
    assert (desk.sent_back(intent), desk.refunds(intent), await shop.balance()) == (1555, 1, 0)
