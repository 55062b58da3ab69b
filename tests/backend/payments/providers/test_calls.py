"""What the signature of a provider's call proves, and what is done about the rest."""

from __future__ import annotations

import contextlib
import inspect
import json
import zlib
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from backend.bootstrap import PROVIDERS
from backend.payments.errors import BadWebhook
from backend.payments.gateways import crypto_pay, demo, paypal, stripe_checkout
from backend.payments.types import Covers, IntentStatus, Outcome
from tests.backend.payments.providers.conftest import Shop
from tests.backend.payments.providers.desk import Hook
from tests.backend.payments.providers.desks import PayPalDesk

on_paypal = pytest.mark.parametrize("desk", ["paypal"], indirect=True)
CLASSES: dict[str, type] = {
    "crypto_pay": crypto_pay.CryptoPayProvider,
    "stripe": stripe_checkout.StripeProvider,
    "paypal": paypal.PayPalProvider,
    "demo": demo.DemoProvider,
}


def test_every_provider_that_calls_says_what_its_signature_covers() -> None:
    calling = {spec.name: spec.covers for spec in PROVIDERS if spec.webhook}
    assert calling == dict.fromkeys(CLASSES, Covers.BODY) | {"paypal": Covers.CHECKSUM}, "a provider is not in CLASSES"
    assert {spec.covers for spec in PROVIDERS if not spec.webhook} == {None}
    for kind in CLASSES.values():
        said = inspect.getdoc(kind.__dict__["webhook"]) or ""
        assert "signature" in said, kind
        assert "covers" in said, kind


def forged(event: dict[str, Any], like: bytes) -> bytes:
    """``event`` as JSON with the CRC32 of ``like``: 64 letters of it, each ``a`` or `````, are chosen for that.

    A checksum is linear: what changing one letter does to it is the same, whatever the others are. So the letters to
    change are the solution of 32 equations modulo 2.
    """
    body = json.dumps(event | {"pad": "a" * 64}).encode()
    place = body.rindex(b'"' + b"a" * 64) + 1
    rows: dict[int, tuple[int, int]] = {}  # by the highest bit: what it does to the checksum, and which letters
    for number in range(64):
        changed = bytearray(body)
        changed[place + number] ^= 1
        effect, letters = zlib.crc32(changed) ^ zlib.crc32(body), 1 << number
        while effect and (known := rows.get(effect.bit_length())):
            effect, letters = effect ^ known[0], letters ^ known[1]
        if effect:
            rows[effect.bit_length()] = (effect, letters)
    difference, chosen = zlib.crc32(body) ^ zlib.crc32(like), 0
    while difference:
        effect, letters = rows[difference.bit_length()]
        difference, chosen = difference ^ effect, chosen ^ letters
    copy = bytearray(body)
    for number in range(64):
        copy[place + number] ^= chosen >> number & 1
    assert zlib.crc32(copy) == zlib.crc32(like)
    return bytes(copy)


def _event(kind: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"id": "WH-1", "event_type": kind, "resource": resource}


def _bodies(desk: PayPalDesk, capture: dict[str, Any], victim: str) -> list[dict[str, Any]]:
    """Bodies that an attacker may send with the headers of a captured call."""
    more = {"currency_code": "USD", "value": "9999.00"}
    unit = {"reference_id": "souk", "custom_id": victim}
    link = {"rel": "up", "href": f"{desk.server.url}/v2/payments/captures/{capture['id']}"}
    refund = {"id": "R1", "status": "COMPLETED", "amount": more, "links": [link]}
    done = "PAYMENT.CAPTURE.COMPLETED"
    return [
        _event(done, capture | {"amount": more}),
        _event(done, capture | {"id": "MADE-UP", "amount": more}),
        _event(done, capture | {"id": "MADE-UP", "amount": more, "custom_id": victim}),
        _event(done, capture | {"id": "../../oauth2/token", "amount": more}),
        _event("CHECKOUT.ORDER.APPROVED", {"id": "MADE-UP", "status": "APPROVED", "purchase_units": [unit]}),
        _event("PAYMENT.CAPTURE.REFUNDED", refund),
        _event("PAYMENT.CAPTURE.REVERSED", refund | {"links": []}),
        _event("PAYMENT.CAPTURE.DENIED", capture | {"id": "MADE-UP", "status": "DECLINED"}),
    ]


async def _captured(shop: Shop, desk: PayPalDesk) -> tuple[dict[str, Any], Hook]:
    """A payment of one dollar, taken at PayPal, and the call about it."""
    intent = await shop.open(100)
    desk.pay(intent, 100)
    capture = desk._capture(intent)
    return capture, desk.server.hook("PAYMENT.CAPTURE.COMPLETED", capture)


@on_paypal
@pytest.mark.parametrize("heard", [True, False], ids=["after the call", "before the call"])
async def test_headers_that_were_captured_credit_nothing_else(shop: Shop, desk: PayPalDesk, heard: bool) -> None:
    capture, (headers, body) = await _captured(shop, desk)
    victim = await shop.open(999_900, "victim")
    if heard:
        assert await shop.hear((headers, body)) == [Outcome.APPLIED]
    for event in _bodies(desk, capture, str(victim.id)):
        forgery = forged(event, body)
        with contextlib.suppress(BadWebhook):
            assert await shop.hear((headers, forgery)) == [], event  # an order of another shop
    assert ((await shop.look(victim)).status, await shop.unmatched()) == (IntentStatus.PENDING, [])
    assert await shop.balance() == (100 if heard else 0)
    assert await shop.hear((headers, body)) == [Outcome.DUPLICATE if heard else Outcome.APPLIED]
    assert await shop.balance() == 100


@on_paypal
async def test_a_body_that_says_nothing_of_its_sum_brings_what_paypal_says(shop: Shop, desk: PayPalDesk) -> None:
    capture, (headers, body) = await _captured(shop, desk)
    forgery = forged(_event("PAYMENT.CAPTURE.COMPLETED", {"id": capture["id"], "custom_id": str(uuid4())}), body)
    assert await shop.hear((headers, forgery)) == [Outcome.APPLIED]
    assert await shop.balance() == 100
    # The id of the call is used up by that body; the money is booked, by whatever call.
    with pytest.raises(BadWebhook):
        await shop.hear((headers, body))
    assert await shop.hear(desk.server.hook("PAYMENT.CAPTURE.COMPLETED", capture)) == [Outcome.DUPLICATE]


@on_paypal
async def test_the_order_of_another_shop_is_not_captured_by_claiming_it(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.open(100)
    headers, body = desk.pay(intent, 100)
    own = json.loads(body)["resource"]["purchase_units"]
    other = desk.server.add_order({"reference_id": "another", "amount": {"currency_code": "USD", "value": "5.00"}})
    other["status"] = "APPROVED"
    event = _event("CHECKOUT.ORDER.APPROVED", {"id": other["id"], "status": "APPROVED", "purchase_units": own})
    assert await shop.hear((headers, forged(event, body))) == []
    assert other["status"] == "APPROVED"


@on_paypal
async def test_an_old_call_is_refused_and_one_that_comes_again_for_three_days_is_not(
    shop: Shop, desk: PayPalDesk
) -> None:
    _, hook = await _captured(shop, desk)
    shop.clock.move(days=3)
    assert await shop.hear(hook) == [Outcome.APPLIED]
    shop.clock.move(hours=1, seconds=1)
    with pytest.raises(BadWebhook, match="old"):
        await shop.hear(hook)
    shop.clock.move(days=-5)
    with pytest.raises(BadWebhook, match="old"):  # from the future
        await shop.hear(hook)
    for at in ("", "yesterday", "2026-11-29", "2026-11-29T00:00:00", "9" * 50):
        with pytest.raises(BadWebhook):
            await shop.hear(({**hook[0], "paypal-transmission-time": at}, hook[1]))


@on_paypal
async def test_calls_are_remembered_with_their_effect_and_forgotten_when_old(shop: Shop, desk: PayPalDesk) -> None:
    async def remembered() -> int:
        async with shop.uow.read() as tx:
            return int((await tx.execute(text("SELECT count(*) FROM payment_calls"))).scalar_one())

    _, hook = await _captured(shop, desk)
    desk.go_down(True)
    with pytest.raises(Exception, match="503"):
        await shop.hear(hook)
    assert await remembered() == 0  # it had no effect: PayPal sends it again
    desk.go_down(False)
    assert await shop.hear(hook) == [Outcome.APPLIED]
    assert await remembered() == 1
    shop.clock.move(days=3, hours=23)
    await shop.payments.sweep()
    assert await remembered() == 1
    shop.clock.move(hours=2)
    await shop.payments.sweep()
    assert await remembered() == 0


@on_paypal
async def test_a_reversal_that_is_no_refund_is_known_by_its_capture(shop: Shop, desk: PayPalDesk) -> None:
    intent = await shop.paid(1555)
    capture = desk._capture(intent)
    capture["status"] = "REFUNDED"
    link = {"rel": "up", "href": f"{desk.server.url}/v2/payments/captures/{capture['id']}"}
    hook = desk.server.hook("PAYMENT.CAPTURE.REVERSED", {"id": "REVERSAL-1", "links": [link]})
    assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert [(reason, money and money.amount) for reason, money in await shop.unmatched()] == [
        ("refunded_elsewhere", 1555)
    ]


@on_paypal
async def test_what_a_call_costs(shop: Shop, desk: PayPalDesk) -> None:
    """Questions to PayPal: a capture one (none before), an approval three (two), a refund three (two)."""

    async def asked(hook: Hook) -> int:
        desk.server.calls.clear()
        await shop.hear(hook)
        return len([call for call in desk.server.calls if "certs" not in call.path and "oauth2" not in call.path])

    intent = await shop.open(100)
    assert await asked(desk.pay(intent, 100)) == 3
    assert await asked(desk.server.hook("PAYMENT.CAPTURE.COMPLETED", desk._capture(intent))) == 1
    refund = desk.refund_behind(intent, 50)
    assert refund is not None
    assert await asked(refund) == 3
