"""The certificates by which PayPal signs: looked up once, from PayPal alone, and no flood shuts the true ones out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from backend.infra.memory import LocalMemory
from backend.infra.settings import Settings
from backend.payments.errors import BadWebhook, ProviderDown
from backend.payments.gateways import paypal
from backend.payments.gateways.paypal_api import PayPalSignature
from backend.payments.ports import PaymentProvider, ProviderKit
from backend.payments.types import Outcome
from tests.backend.payments.providers.conftest import Shop
from tests.backend.payments.providers.desks import PayPalDesk
from tests.fakes import paypal_server
from tests.fakes.clock import FakeClock

on_paypal = pytest.mark.parametrize("desk", ["paypal"], indirect=True)


@on_paypal
async def test_the_certificate_is_looked_up_once(shop: Shop, desk: PayPalDesk) -> None:
    for number in range(3):
        await shop.paid(1000 + number, f"tap:{number}")
    assert sum("/certs/" in request.path for request in desk.server.calls) == 1


@on_paypal
async def test_a_certificate_whose_time_is_over_is_no_certificate(
    shop: Shop, desk: PayPalDesk, clock: FakeClock
) -> None:
    intent = await shop.open()
    desk.server.certificates = {"CERT-1": paypal_server.certificate(paypal_server.key(), clock.now(), days=-1)}
    with pytest.raises(BadWebhook):
        await shop.hear(desk.pay(intent, 1555))
    desk.server.certificates = {"CERT-2": paypal_server.certificate(paypal_server.key(), clock.now(), days=1)}
    assert await shop.hear(desk.pay(intent, 1555)) == [Outcome.APPLIED]
    clock.move(days=2)
    with pytest.raises(BadWebhook):
        await shop.hear(desk.pay(intent, 1555))


@on_paypal
@pytest.mark.parametrize("shown", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_what_is_no_certificate_has_the_call_made_again(shop: Shop, desk: PayPalDesk, shown: bytes) -> None:
    intent = await shop.open()
    desk.server.certificates = {"CERT-1": shown}
    with pytest.raises(ProviderDown):
        await shop.hear(desk.pay(intent, 1555))


@on_paypal
async def test_a_key_of_another_kind_is_refused(shop: Shop, desk: PayPalDesk, clock: FakeClock) -> None:
    intent = await shop.open()
    curve: Any = ec.generate_private_key(ec.SECP256R1())
    desk.server.certificates = {"CERT-1": paypal_server.certificate(curve, clock.now())}
    with pytest.raises(BadWebhook):
        await shop.hear(desk.pay(intent, 1555))


@on_paypal
async def test_paypal_that_does_not_answer_has_the_call_made_again(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open()
    hook = desk.pay(intent, 1555)
    desk.go_down(True)
    with pytest.raises(ProviderDown):  # its certificate is not to be had
        await shop.hear(hook)
    desk.go_down(False)
    await shop.hear(desk.server.hook("OTHER", {}))
    desk.go_down(True)
    with pytest.raises(ProviderDown):  # the capture cannot be made
        await shop.hear(hook)
    desk.go_down(False)
    assert await shop.hear(hook) == [Outcome.APPLIED]


@on_paypal
async def test_a_flood_of_forged_calls_looks_few_certificates_up(
    shop: Shop, desk: PayPalDesk, clock: FakeClock
) -> None:
    await shop.paid(1000, "before")
    intent = await shop.open(1555)
    headers, body = desk.pay(intent, 1555)
    base = headers["paypal-cert-url"].rpartition("/")[0]
    for number in range(200):
        with pytest.raises(BadWebhook):
            await shop.hear(({**headers, "paypal-cert-url": f"{base}/CERT-{number}"}, body))
    assert sum("/certs/" in request.path for request in desk.server.calls) <= 10
    # PayPal's own, whose certificate is known, still get in.
    assert await shop.hear((headers, body)) == [Outcome.APPLIED]
    clock.move(minutes=2)
    with pytest.raises(BadWebhook):
        await shop.hear(({**headers, "paypal-cert-url": f"{base}/CERT-201"}, body))


@on_paypal
async def test_a_flood_after_a_restart_does_not_block_what_proved_a_call_before(
    shop: Shop, desk: PayPalDesk, settings: Settings, kit: ProviderKit
) -> None:
    await shop.paid(1000, "before")
    headers, body = desk.pay(await shop.open(1555), 1555)
    base = headers["paypal-cert-url"].rpartition("/")[0]

    async def flood(provider: PaymentProvider) -> None:
        for number in range(50):
            with pytest.raises(BadWebhook):
                await provider.webhook({**headers, "paypal-cert-url": f"{base}/CERT-{number}"}, body)

    given = msgspec.structs.replace(
        settings, paypal_url=desk.server.url, paypal_client_id=paypal_server.CLIENT_ID,
        paypal_secret=paypal_server.SECRET, paypal_webhook_id=paypal_server.WEBHOOK_ID,
    )  # fmt: skip
    restarted = paypal.SPEC.build(given, kit)
    await flood(restarted)
    assert await restarted.webhook(headers, body)
    without_memory = paypal.SPEC.build(given, ProviderKit(clock=kit.clock, http=kit.http))
    await flood(without_memory)
    with pytest.raises(BadWebhook):
        await without_memory.webhook(headers, body)
    shop.clock.move(minutes=2)
    assert await without_memory.webhook(headers, body)


@on_paypal
async def test_an_address_without_a_certificate_is_looked_up_once_in_a_while(shop: Shop, desk: PayPalDesk) -> None:
    headers, body = desk.pay(await shop.open(1555), 1555)
    unknown = {**headers, "paypal-cert-url": headers["paypal-cert-url"] + "x"}
    for asked in (1, 2):
        for _ in range(50):
            with pytest.raises(BadWebhook):
                await shop.hear((unknown, body))
        assert sum("/certs/" in request.path for request in desk.server.calls) == asked
        shop.clock.move(minutes=11)
    assert await shop.hear((headers, body)) == [Outcome.APPLIED]


class _Recorder:
    """An Http that shows the certificate at any address, and remembers which were asked for."""

    def __init__(self, pem: bytes) -> None:
        self.asked: list[str] = []
        self.status, self.body = 200, pem

    async def call(self, method: str, url: str, **_: Any) -> Any:
        self.asked.append(url)
        return self


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77", True),
        ("https://api-m.paypal.com/v1/notifications/certs/CERT-360caa42", True),
        ("http://api.paypal.com/v1/notifications/certs/CERT-360caa42", False),
        ("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42", False),
        ("https://api.paypal.com.evil.example/v1/notifications/certs/CERT-360caa42", False),
        ("https://evil.example/https://api.paypal.com/v1/notifications/certs/CERT-360caa42", False),
        ("https://api.paypal.com@evil.example/v1/notifications/certs/CERT-360caa42", False),
        ("https://api.paypal.com/v1/notifications/certs/../../other", False),
        ("https://api.paypal.com/v1/notifications/certs/CERT-1#x", False),
    ],
)
async def test_certificates_come_from_paypal_alone(clock: FakeClock, address: str, asked: bool) -> None:
    http = _Recorder(paypal_server.certificate(paypal_server.key(), clock.now()))
    proof = PayPalSignature(
        http=http, clock=clock, memory=LocalMemory(), url="https://api-m.paypal.com",
        webhook_id=paypal_server.WEBHOOK_ID,
    )  # fmt: skip
    signed, body = paypal_server.PayPalServer(clock).signed(b"{}")
    headers: Mapping[str, str] = {**signed, "paypal-cert-url": address}
    if asked:
        await proof.verify(headers, body)
    else:
        with pytest.raises(BadWebhook):
            await proof.verify(headers, body)
    assert http.asked == ([address] if asked else [])
