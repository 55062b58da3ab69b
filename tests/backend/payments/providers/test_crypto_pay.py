"""What is Crypto Pay's own: its requests, its coins, its pages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.infra.settings import Settings
from backend.kernel.money import exponent
from backend.payments.errors import ProviderDown, RefundRefused
from backend.payments.gateways import crypto_pay
from backend.payments.ports import ProviderKit
from backend.payments.types import IntentStatus, Outcome, RefundStatus, SendRefund
from tests.backend.payments.providers.conftest import ADMIN, Shop
from tests.backend.payments.providers.desks import CryptoPayDesk, built
from tests.factories.wallet import usd

pytestmark = pytest.mark.parametrize("desk", ["crypto_pay"], indirect=True)


async def test_the_invoice_says_what_the_payment_says(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.open(1050)
    method, asked = desk.server.calls[-1]
    assert method == "createInvoice"
    assert asked == {
        "currency_type": "fiat", "fiat": "USD", "amount": "10.50", "payload": str(intent.id), "expires_in": 1800,
        "paid_btn_name": "callback", "paid_btn_url": f"http://127.0.0.1:8080/wallet/payments/{intent.id}",
        "allow_comments": False,
    }  # fmt: skip
    assert intent.expires_at == intent.created_at + timedelta(seconds=1800)
    assert intent.action is not None
    assert intent.action.url == f"https://t.me/CryptoBot/app?startapp=invoice-IV{intent.external_id}"


async def test_an_invoice_opened_later_ends_with_the_payment(shop: Shop, desk: CryptoPayDesk) -> None:
    desk.go_down(True)
    with pytest.raises(ProviderDown):
        await shop.open()
    shop.clock.move(minutes=10)
    desk.go_down(False)
    await shop.open()
    assert desk.server.calls[-1][1]["expires_in"] == 1200


@pytest.mark.parametrize("fiat", sorted(crypto_pay.FIAT))
def test_its_currencies_have_two_decimals_here_too(desk: CryptoPayDesk, fiat: str) -> None:
    assert exponent(fiat) == 2


async def test_an_invoice_that_ended_ends_the_payment(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.open()
    desk.server.invoices[0]["status"] = "expired"
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is IntentStatus.EXPIRED


async def test_an_invoice_that_the_owner_deleted_is_not_paid(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.open()
    desk.server.invoices.clear()
    assert await desk.provider.status(await shop.ref(intent)) is None
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is IntentStatus.PENDING


async def test_other_events_are_taken_without_effect(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.open()
    invoice = desk.server.pay(str(intent.id))
    assert await shop.hear(desk.server.hook(invoice, "invoice_created")) == []
    assert await shop.balance() == 0


async def test_a_refund_is_the_payer_s_share_of_the_coins(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.paid(1000)  # 10.007 USDT
    payer = (await shop.ref(intent)).payer_telegram_id
    for cents, coins in ((333, "3.332331"), (667, "6.674669")):
        begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(cents), "", idempotency_key=str(cents))
        await shop.refunds.send(SendRefund(begun.id))
        sent = desk.server.transfers[0]
        assert (sent["amount"], sent["asset"], sent["user_id"]) == (coins, "USDT", payer)
        assert len(sent["spend_id"]) <= 64
    assert sum(Decimal(item["amount"]) for item in desk.server.transfers) == Decimal("10.007")


async def test_a_refund_is_looked_for_before_it_is_sent(shop: Shop, desk: CryptoPayDesk) -> None:
    reference = await shop.ref(await shop.paid(1000))
    first = await desk.provider.refund(reference, usd(400), "key")
    desk.server.forgets_spend_ids = True
    assert await desk.provider.refund(reference, usd(400), "key") == first
    assert len(desk.server.transfers) == 1


async def test_where_transfers_are_not_allowed_the_wallet_keeps_the_money(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.paid(1000)
    desk.server.transfers_allowed = False
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(1000), "", idempotency_key="r")
    await shop.refunds.send(SendRefund(begun.id))
    (refund,) = await shop.refunds.list_for(ADMIN, intent_id=intent.id)
    assert (refund.status, await shop.balance()) == (RefundStatus.FAILED, 1000)


async def test_a_transfer_that_is_known_and_not_listed_yet_is_not_refused(
    shop: Shop, desk: CryptoPayDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier try is at work: its refusal of a second one says nothing of the first."""
    intent = await shop.paid(1000)
    reference = await shop.ref(intent)
    first = await desk.provider.refund(reference, usd(400), "key")
    with monkeypatch.context() as patched:
        patched.setattr(desk.server, "_getTransfers", lambda asked: desk.server._page([], asked))
        with pytest.raises(ProviderDown):
            await desk.provider.refund(reference, usd(400), "key")
    desk.server.invoices.clear()  # deleted by the operator: the transfer stands
    assert await desk.provider.refund(reference, usd(400), "key") == first
    assert len(desk.server.transfers) == 1


async def test_a_statement_tells_all_that_went_back_of_an_invoice(shop: Shop, desk: CryptoPayDesk) -> None:
    reference = await shop.ref(await shop.paid(1000))
    other = await shop.ref(await shop.paid(1000, "other"))
    for payment in (reference, other):
        await desk.provider.refund(payment, usd(400), "before")
    shop.clock.move(days=10)
    await desk.provider.refund(reference, usd(100), "now")
    now = shop.clock.now()
    listed = await desk.provider.statement(now - timedelta(days=3), now) or []
    assert [(report.external_id, report.refunded) for report in listed] == [(reference.external_id, usd(500))]


async def test_more_than_the_invoice_is_never_sent(shop: Shop, desk: CryptoPayDesk) -> None:
    intent = await shop.paid(1000)
    with pytest.raises(RefundRefused):
        await desk.provider.refund(await shop.ref(intent), usd(1001), "key")
    assert desk.server.transfers == []


async def test_a_statement_has_many_pages_and_ends_in_time(shop: Shop, desk: CryptoPayDesk) -> None:
    server = desk.server
    for number in range(2):
        server.add_invoice(f"old-{number}", "1.00")
        server.pay(f"old-{number}")
    shop.clock.move(days=4)
    for number in range(2001):
        server.add_invoice(f"new-{number}", "2.00")["status"] = "paid"
    now = shop.clock.now()
    listed = await desk.provider.statement(now - timedelta(days=3), now)
    assert listed is not None
    assert {report.received for report in listed} == {usd(200)}
    assert len({report.event_id for report in listed}) == 2001
    assert [asked["offset"] for method, asked in server.calls if method == "getInvoices"] == [0, 1000, 2000]


async def test_coins_that_came_for_an_invoice_in_coins_wait_for_an_admin(shop: Shop, desk: CryptoPayDesk) -> None:
    invoice = desk.server.add_invoice("by hand", "12.345678")
    invoice |= {"currency_type": "crypto", "asset": "USDT", "status": "paid", "paid_amount": "12.345678"}
    del invoice["fiat"]
    assert await shop.hear(desk.server.hook(invoice)) == [Outcome.UNMATCHED]
    ((_, amount),) = await shop.unmatched()
    assert amount is not None
    assert (amount.amount, amount.currency) == (12_345_678, "USDT")


async def test_a_wrong_token_is_a_provider_that_is_down(shop: Shop, desk: CryptoPayDesk) -> None:
    desk.server.token = "1:another"
    with pytest.raises(ProviderDown):
        await shop.open()


def test_its_settings_name_the_real_one(desk: CryptoPayDesk, settings: Settings, kit: ProviderKit) -> None:
    assert settings.crypto_pay_url == "https://pay.crypt.bot"
    assert built(crypto_pay.SPEC, settings, kit, crypto_pay_token="1:x").capabilities.refundable
    assert desk.provider.capabilities.currencies == crypto_pay.FIAT
