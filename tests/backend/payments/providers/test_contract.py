"""The scenarios that every provider must end right, whatever happens: see ``desks.py`` for how to plug one in.

The fixture ``shop`` proves the books after each of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import AppError
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.service.common import ref
from backend.payments.types import (
    ActionKind,
    Created,
    Difference,
    DifferenceKind,
    Intent,
    IntentStatus,
    Outcome,
    PaymentRef,
    PollIntent,
    ProviderState,
    RefundStatus,
    Report,
    SendRefund,
)
from tests.backend.payments.providers.conftest import ADMIN, Shop
from tests.backend.payments.providers.desk import Desk
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

S = IntentStatus


async def _ref(uow: UnitOfWork, intent: Intent) -> PaymentRef:
    async with uow.read() as tx:
        return await ref(tx, intent)


class Killed(BaseException):
    """The process dies here."""


# ── paid ──


async def test_created_paid_and_credited(shop: Shop) -> None:
    intent = await shop.open(1555)
    assert (intent.status, intent.payable) == (S.PENDING, usd(1555))
    assert intent.action is not None
    assert intent.action.kind is ActionKind.LINK
    assert intent.action.url.startswith("https://")
    assert await shop.hear(shop.desk.pay(intent, 1555)) == [Outcome.APPLIED]
    intent = await shop.look(intent)
    assert (intent.status, intent.credited, intent.received) == (S.SUCCEEDED, usd(1555), usd(1555))
    assert intent.charge_id
    assert await shop.balance() == 1555


async def test_asking_finds_what_no_webhook_told(shop: Shop) -> None:
    intent = await shop.open(1555)
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is S.PENDING
    shop.desk.pay(intent, 1555)
    await shop.payments.poll(PollIntent(intent.id, 0))
    assert (await shop.look(intent)).status is S.SUCCEEDED
    assert await shop.balance() == 1555


async def test_the_same_news_has_the_same_name_by_every_road(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    (told,) = await shop.desk.provider.webhook(*hook)
    asked = await shop.desk.provider.status(await _ref(shop.uow, intent))
    listed = await shop.desk.provider.statement(intent.created_at, shop.clock.now())
    assert asked is not None
    assert listed is not None
    assert {told.event_id} == {asked.event_id} == {report.event_id for report in listed}
    assert (told.state, told.received, told.intent_id) == (ProviderState.PAID, usd(1555), intent.id)
    assert told.charge_id == asked.charge_id == listed[0].charge_id


async def test_one_webhook_ten_times_at_once_with_polls_and_pages(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    outcomes, *_ = await asyncio.gather(
        asyncio.gather(*(shop.hear(hook) for _ in range(10))),
        *(shop.payments.refresh(shop.buyer, intent.id) for _ in range(3)),
        *(shop.payments.poll(PollIntent(intent.id, 0)) for _ in range(3)),
    )
    assert {outcome for said in outcomes for outcome in said} <= {Outcome.APPLIED, Outcome.DUPLICATE, Outcome.IGNORED}
    assert await shop.balance() == 1555
    # Applied, and applied again: the provider hears the same each time.
    assert await shop.hear(hook) == [Outcome.DUPLICATE]
    assert await shop.unmatched() == []


async def test_paid_before_the_answer_to_create_is_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    create = shop.desk.provider.create

    async def create_and_pay(payment: PaymentRef) -> Created:
        made = await create(payment)
        async with shop.uow.read() as tx:
            from backend.payments.repository import intents

            intent = await intents.get_intent(tx, payment.intent_id)
        assert intent.external_id is None
        assert await shop.hear(shop.desk.pay(intent, 1555)) == [Outcome.APPLIED]
        return made

    monkeypatch.setattr(shop.desk.provider, "create", create_and_pay)
    intent = await shop.open(1555)
    assert (intent.status, await shop.balance()) == (S.SUCCEEDED, 1555)
    assert intent.external_id is not None


async def test_late_money_is_money(shop: Shop) -> None:
    intent = await shop.open(1555)
    shop.clock.move(seconds=shop.desk.provider.capabilities.lifetime_seconds + 1)
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is S.EXPIRED
    assert await shop.hear(shop.desk.pay(intent, 1555)) == [Outcome.APPLIED]
    assert ((await shop.look(intent)).status, await shop.balance()) == (S.SUCCEEDED, 1555)


@pytest.mark.parametrize(("units", "status"), [(1, S.UNDERPAID), (1554, S.UNDERPAID), (1556, S.OVERPAID)])
async def test_what_came_is_credited_short_or_long(shop: Shop, units: int, status: IntentStatus) -> None:
    intent = await shop.open(1555)
    assert await shop.hear(shop.desk.pay(intent, units)) == [Outcome.APPLIED]
    intent = await shop.look(intent)
    assert (intent.status, intent.missing) == (status, usd(max(1555 - units, 0)))
    assert await shop.balance() == units


async def test_opening_again_opens_the_same(shop: Shop) -> None:
    intent = await shop.open(1555)
    reference = await _ref(shop.uow, intent)
    again = [await shop.desk.provider.create(reference) for _ in range(2)]
    assert {made.external_id for made in again} == {intent.external_id}
    assert all(made.action == intent.action for made in again)
    assert shop.desk.opened(intent) == 1


# ── down ──


async def test_a_provider_that_is_down_loses_nothing(shop: Shop) -> None:
    shop.desk.go_down(True)
    with pytest.raises(ProviderDown):
        await shop.open(1555)
    shop.desk.go_down(False)
    shop.clock.move(seconds=31)  # the first try's lease
    intent = await shop.open(1555)
    assert (intent.status, shop.desk.opened(intent)) == (S.PENDING, 1)
    hook = shop.desk.pay(intent, 1555)
    shop.desk.go_down(True)
    assert (await shop.payments.refresh(shop.buyer, intent.id)).status is S.PENDING
    assert (await shop.reconcile()).error
    shop.desk.go_down(False)
    await shop.hear(hook)
    assert await shop.balance() == 1555
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(1555), "", idempotency_key="r")
    shop.desk.go_down(True)
    with pytest.raises(ProviderDown):
        await shop.refunds.send(SendRefund(begun.id))
    shop.desk.go_down(False)
    await shop.refunds.send(SendRefund(begun.id))
    assert (shop.desk.sent_back(intent), await shop.balance()) == (1555, 0)


# ── refunds ──


async def _refund(shop: Shop, intent: Intent, cents: int, key: str) -> SendRefund:
    begun = await shop.refunds.refund_top_up(ADMIN, intent.id, usd(cents), "asked for", idempotency_key=key)
    return SendRefund(begun.id)


async def _statuses(shop: Shop, intent: Intent) -> set[RefundStatus]:
    return {refund.status for refund in await shop.refunds.list_for(ADMIN, intent_id=intent.id)}


async def test_a_whole_refund(shop: Shop) -> None:
    intent = await shop.paid(1555)
    await shop.refunds.send(await _refund(shop, intent, 1555, "whole"))
    assert (shop.desk.sent_back(intent), shop.desk.refunds(intent)) == (1555, 1)
    assert ((await shop.look(intent)).status, await shop.balance()) == (S.REFUNDED, 0)
    assert await _statuses(shop, intent) == {RefundStatus.SUCCEEDED}
    assert (await shop.reconcile()).differences == []
    assert await shop.unmatched() == []


async def test_refunds_in_parts_two_at_once_and_each_sent_twice(shop: Shop) -> None:
    intent = await shop.paid(1555)
    parts = await asyncio.gather(*(_refund(shop, intent, cents, f"part:{cents}") for cents in (500, 333)))
    await asyncio.gather(*(shop.refunds.send(part) for part in (*parts, *parts)))
    await shop.refunds.send(await _refund(shop, intent, 722, "rest"))
    assert (shop.desk.sent_back(intent), shop.desk.refunds(intent)) == (1555, 3)
    assert ((await shop.look(intent)).status, await shop.balance()) == (S.REFUNDED, 0)
    assert (await shop.reconcile()).differences == []


async def test_two_admins_cannot_refund_more_than_was_paid(shop: Shop) -> None:
    intent = await shop.paid(1555)
    tries = await asyncio.gather(
        *(_refund(shop, intent, 1000, f"admin:{number}") for number in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(attempt, AppError) for attempt in tries) == [False, True]
    for attempt in tries:
        if isinstance(attempt, SendRefund):
            await shop.refunds.send(attempt)
    assert shop.desk.sent_back(intent) == 1000


async def test_a_crash_between_the_provider_and_the_mark_sends_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = await shop.paid(1555)
    sending = await _refund(shop, intent, 700, "crash")

    async def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(shop.refunds, "_end", die)
        with pytest.raises(Killed):
            await shop.refunds.send(sending)
    assert (await _statuses(shop, intent), shop.desk.refunds(intent)) == ({RefundStatus.PENDING}, 1)
    assert (await shop.reconcile()).differences == []  # on its way is no difference
    await shop.refunds.send(sending)
    assert (await _statuses(shop, intent), shop.desk.refunds(intent)) == ({RefundStatus.SUCCEEDED}, 1)
    assert (shop.desk.sent_back(intent), await shop.balance()) == (700, 855)


async def test_the_news_of_our_own_refund_changes_nothing(shop: Shop) -> None:
    intent = await shop.paid(1555)
    await shop.refunds.send(await _refund(shop, intent, 700, "own"))
    reports = await shop.desk.provider.statement(intent.created_at, shop.clock.now())
    assert reports is not None
    assert [report.refunded for report in reports if report.refunded] == [usd(700)]
    for report in reports:
        assert await shop.payments.settle(shop.way, report) in {Outcome.IGNORED, Outcome.DUPLICATE}
    assert await shop.balance() == 855


async def test_a_refund_that_is_told_before_the_payment(shop: Shop) -> None:
    intent = await shop.open(1555)
    paid = shop.desk.pay(intent, 1555)
    gone = shop.desk.refund_behind(intent, 555)
    if gone is None:
        pytest.skip("this provider makes no call about refunds")
    assert await shop.hear(gone) == [Outcome.UNMATCHED]
    assert Outcome.APPLIED in await shop.hear(paid)
    assert (await shop.balance(), await shop.unmatched()) == (1555, [("refunded_elsewhere", usd(555))])
    assert await shop.hear(gone) == [Outcome.DUPLICATE]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    await shop.inbox.accept_refund(ADMIN, waiting.id)
    assert await shop.balance() == 1000


# ── reconciliation ──


def _difference(kind: DifferenceKind, intent: Intent, ours: int, theirs: int) -> Difference:
    return Difference(kind=kind, subject=str(intent.id), asset="USD", ours=ours, theirs=theirs)


async def test_reconciling_finds_a_payment_that_nobody_told_of(shop: Shop) -> None:
    intent = await shop.open(1555)
    shop.desk.pay(intent, 1555)
    if shop.way == "paypal":
        await shop.desk.provider.status(await _ref(shop.uow, intent))  # captured, and its answer lost
    found = await shop.reconcile()
    assert found.differences == [_difference(DifferenceKind.MISSING_HERE, intent, 0, 1555)]
    assert (await shop.balance(), (await shop.look(intent)).status) == (1555, S.SUCCEEDED)
    assert (await shop.reconcile()).differences == []


async def test_reconciling_finds_a_refund_made_at_the_provider(shop: Shop) -> None:
    intent = await shop.paid(1555)
    await shop.refunds.send(await _refund(shop, intent, 500, "ours"))
    shop.desk.refund_behind(intent, 300)
    found = await shop.reconcile()
    assert found.differences == [_difference(DifferenceKind.REFUND, intent, 500, 800)]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    await shop.inbox.accept_refund(ADMIN, waiting.id)
    assert await shop.balance() == 755
    assert (await shop.look(intent)).refunded == usd(800)
    assert (await shop.reconcile()).differences == []


async def test_reconciling_finds_amounts_that_differ(shop: Shop) -> None:
    intent = await shop.paid(1555)
    shop.desk.understate(intent, 1500)
    found = await shop.reconcile()
    assert found.differences == [_difference(DifferenceKind.AMOUNT, intent, 1555, 1500)]
    assert await shop.balance() == 1555


async def test_reconciling_what_agrees_says_nothing(shop: Shop) -> None:
    for number in range(5):
        await shop.paid(1000 + number, f"tap:{number}")
    found = await shop.reconcile()
    assert (found.differences, found.error, found.checked) == ([], "", 5)


# ── bad input ──


async def test_money_for_an_unknown_payment_waits_for_an_admin(shop: Shop) -> None:
    hook = shop.desk.foreign(777, "USD")
    assert await shop.hear(hook) == [Outcome.UNMATCHED]
    assert await shop.hear(hook) == [Outcome.DUPLICATE]
    assert await shop.unmatched() == [("unknown_payment", usd(777))]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    assert shop.buyer.user_id is not None
    await shop.inbox.assign(ADMIN, waiting.id, shop.buyer.user_id, usd(777))
    assert await shop.balance() == 777


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
        "{}", str(2**63), f'"{2**63}"', str(2**64), f'"{10**40}"', "9.3e18", "1e400", '"0"', "0", '"0.00"', '"٥"', '" 5"',
    ]  # fmt: skip
    text = body.decode()
    parts = [f'"{name}": {sign}' for name in ("amount", "amount_total", "value") for sign in ('"15.55"', "1555")]
    return whole + [text.replace(part, f"{part.partition(':')[0]}: {amount}").encode()
                    for part in parts if part in text for amount in amounts]  # fmt: skip


async def test_genuine_nonsense_is_refused_or_set_aside_and_never_credited(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    if shop.way == "paypal":
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


async def test_a_sum_beyond_the_ledger_is_set_aside(shop: Shop) -> None:
    intent = await shop.open(1555)
    assert await shop.hear(shop.desk.pay(intent, 10**15 + 1)) == [Outcome.UNMATCHED]
    assert [reason for reason, _ in await shop.unmatched()] == ["too_large"]
    assert await shop.balance() == 0


async def test_an_answer_that_makes_no_sense_is_a_provider_that_is_down(
    shop: Shop, desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = await shop.paid(1555)
    reference = await _ref(shop.uow, intent)
    from tests.fakes import http_server

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
                assert not isinstance(said, Report) or said.state is not ProviderState.PAID
    monkeypatch.undo()


def _always(body: bytes) -> Any:
    def encode(_: object) -> bytes:
        return b"HTTP/1.1 200 -\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    return encode
