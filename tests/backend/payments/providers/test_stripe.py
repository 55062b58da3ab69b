"""What is Stripe's own: its units, its library, its sessions, its disputes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from backend.infra.settings import Settings, SettingsError
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.gateways import stripe_amounts, stripe_checkout
from backend.payments.gateways.stripe_api import StripeApi
from backend.payments.ports import ProviderKit
from backend.payments.types import IntentStatus, Outcome, ProviderState, SendRefund
from tests.backend.payments.providers.conftest import ADMIN, Shop
from tests.backend.payments.providers.desks import StripeDesk, built
from tests.factories.wallet import usd

on_stripe = pytest.mark.parametrize("desk", ["stripe"], indirect=True)


# ── units ──


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("10.50", "USD", 1050), ("500", "JPY", 500), ("1", "XOF", 1), ("5", "ISK", 500), ("5", "UGX", 500),
        ("5.120", "KWD", 5120), ("5.124", "KWD", 5130), ("0.001", "BHD", 10), ("10.45", "HUF", 1045),
        ("7", "RWF", 7), ("7.00", "MGA", 7), ("7.01", "MGA", 8),
    ],
)  # fmt: skip
def test_amounts_in_stripe_s_units(amount: str, currency: str, units: int) -> None:
    assert stripe_amounts.to_stripe(Money.parse(amount, currency)) == units


@given(currency=st.sampled_from(sorted(stripe_amounts.CURRENCIES)), amount=st.integers(1, 10**12))
def test_no_amount_is_asked_short_and_none_much_long(currency: str, amount: int) -> None:
    money = Money(amount, currency)
    asked = stripe_amounts.from_stripe(stripe_amounts.to_stripe(money), currency)
    assert money <= asked < money + Money(100, currency)
    # What can be said exactly is; what cannot is never refunded as something else.
    assert stripe_amounts.exactly(money) == (stripe_amounts.to_stripe(money) if asked == money else None)


def test_the_least_and_the_most() -> None:
    assert (stripe_amounts.minimum("USD"), stripe_amounts.minimum("JPY"), stripe_amounts.minimum("SAR")) == (50, 50, 1)
    assert (stripe_amounts.most("USD"), stripe_amounts.most("KWD")) == (99_999_999, 99_999_990)
    assert stripe_amounts.most("ISK") == 999_999
    assert not {"IQD", "LYD", "IRR", "SYP"} & stripe_amounts.CURRENCIES


@on_stripe
@pytest.mark.parametrize(("currency", "amount", "asked"), [("JPY", 500, 500), ("KWD", 5124, 5130), ("ISK", 5, 500)])
async def test_money_of_none_and_three_decimals(
    shop: Shop, desk: StripeDesk, currency: str, amount: int, asked: int
) -> None:
    intent = await shop.open()
    money = Money(amount, currency)
    desk.server.sessions.clear()
    desk.server.forget_keys()
    reference = msgspec.structs.replace(await shop.ref(intent), amount=money, payable=money)
    created = await desk.provider.create(reference)
    session = desk.server.session_of(str(intent.id))
    assert (session["amount_total"], session["currency"]) == (asked, currency.lower())
    (report,) = await desk.provider.webhook(*desk.server.hook("checkout.session.completed", desk.server.pay(session)))
    assert (report.external_id, report.received) == (created.external_id, stripe_amounts.from_stripe(asked, currency))
    paid = msgspec.structs.replace(reference, charge_id=report.charge_id)
    if currency == "KWD":  # 5.124 cannot be said; 5.120 can
        with pytest.raises(RefundRefused):
            await desk.provider.refund(paid, money, "odd")
        money = Money(5120, currency)
    await desk.provider.refund(paid, money, "key")
    assert desk.server.charges[0]["amount_refunded"] == stripe_amounts.to_stripe(money)


# ── requests ──


@on_stripe
async def test_the_session_says_what_the_payment_says(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.open(1050)
    request = desk.server.calls[-1]
    back = f"http://127.0.0.1:8080/wallet/payments/{intent.id}"
    assert request.form() == {
        "mode": "payment", "client_reference_id": str(intent.id), "metadata[souk_payment]": str(intent.id),
        "payment_intent_data[metadata][souk_payment]": str(intent.id), "success_url": back, "cancel_url": back,
        "line_items[0][quantity]": "1", "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1050",
        "line_items[0][price_data][product_data][name]": f"#{intent.number}",
        "expires_at": str(int(intent.expires_at.timestamp())),
    }  # fmt: skip
    assert request.headers["idempotency-key"] == f"create:{intent.id}"
    assert intent.expires_at - intent.created_at == timedelta(hours=1)


@on_stripe
async def test_the_library_tells_nothing_and_writes_nothing(
    shop: Shop, desk: StripeDesk, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for number in range(3):
        await shop.paid(1000 + number, f"tap:{number}")
    assert not stripe.enable_telemetry
    assert not list(tmp_path.iterdir())
    assert not any("x-stripe-client-telemetry" in request.headers for request in desk.server.calls)
    assert not any("telemetry" in request.headers["x-stripe-client-user-agent"] for request in desk.server.calls)


async def test_the_library_calls_the_configured_address_only(kit: ProviderKit) -> None:
    api = StripeApi(http=kit.http, secret_key="sk_test_x", webhook_secret="whsec_x", url="http://127.0.0.1:9")
    for base in ("files", "connect", "meter_events", "api"):
        with pytest.raises(ProviderDown):
            await api._client.raw_request_async("get", "/v1/files", base=base)
    transport = api._client._requestor._client
    assert transport is not None
    for url in ("https://api.stripe.com/v1/x", "http://127.0.0.1:9.evil.example/v1/x", "http://127.0.0.1:99/v1/x"):
        with pytest.raises(ProviderDown, match="another URL"):
            await transport.request_async("GET", url, {})


@on_stripe
async def test_a_wrong_key_is_a_provider_that_is_down(
    desk: StripeDesk, settings: Settings, kit: ProviderKit, shop: Shop
) -> None:
    intent = await shop.open()
    url = desk.server.calls[0].headers["host"]
    other = built(
        stripe_checkout.SPEC, settings, kit,
        stripe_secret_key="sk_test_other", stripe_webhook_secret="whsec_x", stripe_api_url=f"http://{url}",
    )  # fmt: skip
    with pytest.raises(ProviderDown):
        await other.status(await shop.ref(intent))


# ── events ──


@on_stripe
@pytest.mark.parametrize(("age", "passes"), [(0, True), (290, True), (310, False), (-310, True)])
async def test_an_event_is_five_minutes_good(shop: Shop, desk: StripeDesk, age: int, passes: bool) -> None:
    intent = await shop.open()
    hook = desk.server.signed(desk.pay(intent, 1555)[1], at=time.time() - age)
    if passes:
        assert await shop.hear(hook) == [Outcome.APPLIED]
    else:
        with pytest.raises(BadWebhook):
            await shop.hear(hook)


@on_stripe
async def test_a_payment_link_of_the_account_pays_for_nothing_here(shop: Shop, desk: StripeDesk) -> None:
    """Its address takes any client_reference_id: the e-book's money must not be the wallet's too."""
    intent = await shop.open(1555)
    own = desk.server.session_of(str(intent.id))
    for metadata in (None, {}, own["metadata"]):  # the last: all of ours, in another session
        link = desk.server.add_session(str(intent.id), 9900)
        link["metadata"] = metadata
        hook = desk.server.hook("checkout.session.completed", desk.server.pay(link))
        assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert await shop.balance() == 0
    desk.server.pay(own)
    await shop.reconcile()
    assert await shop.balance() == 1555
    assert await shop.unmatched() == [("unknown_payment", usd(9900))] * 3


@on_stripe
@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_bank_that_takes_its_time(shop: Shop, desk: StripeDesk, succeeds: bool) -> None:
    intent = await shop.open()
    session = desk.server.session_of(str(intent.id))
    desk.server.pay(session)
    session |= {"payment_status": "unpaid", "_state": "processing"}
    await shop.hear(desk.server.hook("checkout.session.completed", session))
    assert ((await shop.look(intent)).status, await shop.balance()) == (IntentStatus.CONFIRMING, 0)
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is IntentStatus.CONFIRMING
    if succeeds:
        session["payment_status"] = "paid"
        assert await shop.hear(desk.server.hook("checkout.session.async_payment_succeeded", session)) == [
            Outcome.APPLIED
        ]
        assert await shop.balance() == 1555
    else:
        session["_state"] = "requires_payment_method"
        asked = await desk.provider.status(await shop.ref(intent))
        assert asked is not None
        assert asked.state is ProviderState.FAILED  # also when no event tells
        await shop.hear(desk.server.hook("checkout.session.async_payment_failed", session))
        assert ((await shop.look(intent)).status, await shop.balance()) == (IntentStatus.FAILED, 0)


@on_stripe
async def test_a_session_that_ended_ends_the_payment(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.open()
    session = desk.server.session_of(str(intent.id))
    session["status"] = "expired"
    assert await shop.hear(desk.server.hook("checkout.session.expired", session)) == [Outcome.APPLIED]
    assert (await shop.look(intent)).status is IntentStatus.EXPIRED


@on_stripe
@pytest.mark.parametrize("kind", ["customer.created", "payment_intent.succeeded", "charge.succeeded", "x"])
async def test_other_events_are_taken_without_effect(shop: Shop, desk: StripeDesk, kind: str) -> None:
    await shop.open()
    assert await shop.hear(desk.server.hook(kind, {"id": "x", "object": "x"})) == []


# ── refunds and disputes ──


@on_stripe
async def test_a_refund_is_sent_once_though_stripe_has_forgotten_the_key(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.paid(1555)
    reference = await shop.ref(intent)
    first = await desk.provider.refund(reference, usd(700), "key")
    desk.server.forget_keys()
    assert await desk.provider.refund(reference, usd(700), "key") == first
    assert (desk.refunds(intent), desk.sent_back(intent)) == (1, 700)
    with pytest.raises(RefundRefused):
        await desk.provider.refund(reference, usd(856), "too much")
    await desk.provider.refund(reference, usd(855), "rest")
    with pytest.raises(RefundRefused):
        await desk.provider.refund(reference, usd(1), "charge_already_refunded")


@on_stripe
@pytest.mark.parametrize("units", [2**63, 2**70, "5", 5.0, None, True])
async def test_a_refund_of_nonsense_is_refused(shop: Shop, desk: StripeDesk, units: object) -> None:
    intent = await shop.paid(1555)
    hook = desk.server.hook("charge.refunded", {**desk._charge(intent), "amount_refunded": units})
    with pytest.raises(BadWebhook):
        await shop.hear(hook)


@on_stripe
async def test_a_dispute_takes_money_back_and_winning_it_has_no_effect(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.paid(1555)
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(500), "", idempotency_key="r")
    await shop.refunds.send(SendRefund(begun.id))
    dispute = desk.server.dispute(desk._charge(intent), 1055)
    hook = desk.server.hook("charge.dispute.funds_withdrawn", dispute)
    assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert await shop.unmatched() == [("refunded_elsewhere", usd(1555))]
    assert await shop.hear(desk.server.hook("charge.dispute.created", dispute)) == [Outcome.DUPLICATE]
    for _ in range(2):  # until an admin has looked
        assert [item.theirs for item in (await shop.reconcile()).differences] == [1555]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    await shop.inbox.accept_refund(ADMIN, waiting.id)
    assert ((await shop.look(intent)).status, await shop.balance()) == (IntentStatus.REFUNDED, 0)
    assert (await shop.reconcile()).differences == []


@on_stripe
async def test_a_dispute_that_took_nothing_has_no_effect(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.paid(1555)
    dispute = desk.server.dispute(desk._charge(intent), 1555)
    dispute["status"] = "warning_needs_response"
    assert await shop.hear(desk.server.hook("charge.dispute.created", dispute)) == []
    assert (await shop.reconcile()).differences == []


@on_stripe
async def test_stripe_down_while_a_dispute_is_looked_up_has_it_told_again(shop: Shop, desk: StripeDesk) -> None:
    intent = await shop.paid(1555)
    hook = desk.server.hook("charge.dispute.funds_withdrawn", desk.server.dispute(desk._charge(intent), 1555))
    desk.go_down(True)
    with pytest.raises(ProviderDown):
        await shop.hear(hook)
    desk.go_down(False)
    assert await shop.hear(hook) == [Outcome.UNMATCHED]


@on_stripe
async def test_a_statement_has_many_pages(shop: Shop, desk: StripeDesk) -> None:
    for number in range(250):
        desk.server.pay(desk.server.add_session(f"other-{number}", 100 + number))
    for charge in desk.server.charges[:130]:
        desk.server.add_refund(charge, 1, {})
    now = shop.clock.now()
    listed = await desk.provider.statement(now - timedelta(days=3), now)
    assert listed is not None
    states = [report.state for report in listed]
    assert (states.count(ProviderState.PAID), states.count(ProviderState.REFUNDED)) == (250, 130)
    assert len({report.event_id for report in listed}) == 380
    shop.clock.move(days=4)
    now = shop.clock.now()
    assert await desk.provider.statement(now - timedelta(days=3), now) == []


@pytest.mark.parametrize(("key", "secret"), [("pk_test_x", "whsec_x"), ("sk_test_x", "we_1"), ("", "whsec_x")])
def test_the_wrong_kind_of_key_is_named(settings: Settings, kit: ProviderKit, key: str, secret: str) -> None:
    with pytest.raises(SettingsError, match="STRIPE_"):
        built(stripe_checkout.SPEC, settings, kit, stripe_secret_key=key, stripe_webhook_secret=secret)


def test_its_settings_name_the_real_one(settings: Settings) -> None:
    assert settings.stripe_api_url == "https://api.stripe.com"
    assert stripe_checkout.SPEC.needs == ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")


@on_stripe
@pytest.mark.parametrize(("status", "code"), [(400, "lock_timeout"), (409, "idempotency_key_in_use")])
async def test_an_answer_that_proves_nothing_is_no_refusal(
    shop: Shop, desk: StripeDesk, monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    reference = await shop.ref(await shop.paid())
    with monkeypatch.context() as patched:
        patched.setattr(desk.server, "_create_refund", lambda *_: desk.server._error("busy", code, status=status))
        with pytest.raises(ProviderDown):
            await desk.provider.refund(reference, usd(1555), "key")
