"""Input of strangers, and nonsense: refused, or an unmatched payment; never credited."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from backend.kernel.errors import AppError
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.types import IntentStatus, Outcome, ProviderReport, ProviderState, SendRefund
from tests.backend.payments.providers.conftest import ADMIN, Shop
from tests.backend.payments.providers.desk import Desk
from tests.factories.wallet import usd
from tests.fakes import http_server
from tests.fakes.clock import FakeClock

S = IntentStatus


async def test_money_for_an_unknown_payment_waits_for_an_admin(shop: Shop) -> None:
    hook = shop.desk.foreign(777, "USD")
    assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert await shop.hear(hook) == [Outcome.DUPLICATE]
    assert await shop.unmatched() == [("unknown_payment", usd(777))]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    assert shop.buyer.user_id is not None
    given = await shop.inbox.assign(ADMIN, waiting.id, shop.buyer.user_id, usd(777))
    assert await shop.balance() == 777
    assert (await shop.reconcile()).differences == []
    # It goes back by its charge; who needs an invoice of ours for that sends nothing by guessing which it was.
    begun = await shop.refunds.refund_top_up(ADMIN, given.id, usd(777), "", idempotency_key="r")
    await shop.refunds.send(SendRefund(begun.id))
    ended = (0, S.REFUNDED) if shop.desk.refunds_by_charge else (777, S.SUCCEEDED)
    assert (await shop.balance(), (await shop.look(given)).status) == ended
    assert (await shop.reconcile()).differences == []


async def test_another_currency_is_never_credited(shop: Shop) -> None:
    intent = await shop.open(1555)
    assert await shop.hear(shop.desk.mislabelled(intent, 1555, "EUR")) == [Outcome.UNMATCHED]
    assert [reason for reason, _ in await shop.unmatched()] == ["wrong_currency"]
    assert (await shop.balance(), (await shop.look(intent)).status) == (0, S.PENDING)


async def test_no_forgery_passes_and_nothing_changes(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    for name, (headers, body) in shop.desk.forgeries(hook):
        with pytest.raises(BadWebhook):
            pytest.fail(f"{name} passed: {await shop.hear((headers, body))}")
    assert (await shop.balance(), await shop.unmatched(), (await shop.look(intent)).status) == (0, [], S.PENDING)
    # The genuine one still does, however its headers are written.
    shouted = {name.upper(): value for name, value in hook[0].items()}
    assert await shop.hear((shouted, hook[1])) == [Outcome.APPLIED]


def _hostile(body: bytes) -> list[bytes]:
    """Genuinely signed bodies that make no sense."""
    whole = [
        b"", b"null", b"[]", b"0", b'"text"', b"{}", b"\xff\xfe", b'{"a":"\xff"}', b"{" * 9, body[:-1], body + b"{}",
        b"[" * 100_000, b'{"a":' * 50_000, b'{"object":"event","data":{"object":' + b"[" * 100_000,
        json.dumps(dict.fromkeys(json.loads(body))).encode(),
    ]  # fmt: skip
    amounts = [
        '"-15.55"', "-1555", "-15.55", "15.55", "1e3", '"1e3"', '"NaN"', '"Infinity"', "NaN", "true", "null", "[]",
        "{}", str(2**63), f'"{2**63}"', str(2**64), f'"{10**40}"', "9.3e18", "1e400", '"0"', "0", '"0.00"', '"٥"',
    ]  # fmt: skip
    text = body.decode()
    parts = [f'"{name}": {sign}' for name in ("amount", "amount_total", "value") for sign in ('"15.55"', "1555")]
    return whole + [text.replace(part, f"{part.partition(':')[0]}: {amount}").encode()
                    for part in parts if part in text for amount in amounts]  # fmt: skip


async def test_genuine_nonsense_is_refused_or_unmatched_and_never_credited(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    if shop.method == "paypal":
        hook = shop.desk.mislabelled(intent, 1555, "USD")  # the capture, which has the amount in it
    bodies = _hostile(hook[1])
    assert len(bodies) > 30
    for body in bodies:
        try:
            outcomes = await shop.hear(shop.desk.signed(body))
        except BadWebhook:
            continue
        assert set(outcomes) <= {Outcome.UNMATCHED, Outcome.IGNORED, Outcome.DUPLICATE}, body[:200]
    assert (await shop.balance(), (await shop.look(intent)).received) == (0, usd(0))


async def test_a_sum_beyond_the_ledger_is_unmatched(shop: Shop) -> None:
    intent = await shop.open(1555)
    assert await shop.hear(shop.desk.pay(intent, 10**15 + 1)) == [Outcome.UNMATCHED]
    assert [reason for reason, _ in await shop.unmatched()] == ["too_large"]
    assert await shop.balance() == 0


async def test_an_answer_that_makes_no_sense_is_a_provider_that_is_down(
    shop: Shop, desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = await shop.paid(1555)
    reference = await shop.ref(intent)
    for body in (b"", b"null", b"[]", b"{}", b"<html>", b"\xff", b"[" * 100_000, b'{"ok":true,"result":{}}'):
        monkeypatch.setattr(http_server.Response, "encode", _always(body))
        calls: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: desk.provider.create(msgspec.structs.replace(reference, external_id=None)),
            lambda: desk.provider.status(reference),
            lambda: desk.provider.refund(reference, usd(100), "key"),
            lambda: desk.provider.statement(clock.now(), clock.now()),
        )
        for call in calls:
            try:
                said = await call()
            except AppError as error:
                assert isinstance(error, ProviderDown | RefundRefused)
            else:
                assert not isinstance(said, ProviderReport) or said.state is not ProviderState.PAID
    monkeypatch.undo()


def _always(body: bytes) -> Any:
    def encode(_: object) -> bytes:
        return b"HTTP/1.1 200 -\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    return encode
