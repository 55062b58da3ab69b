"""The contract of providers: scenarios that each must pass; ``desks.py`` says how to add one.

The fixture ``shop`` verifies the ledger after each of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.infra.jobs import RetryLater
from backend.kernel.errors import AppError
from backend.payments.errors import ProviderDown
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
    SendRefund,
)
from tests.backend.payments.providers.conftest import ADMIN, CLAIMED, Shop
from tests.factories.payments import polled
from tests.factories.wallet import usd

S = IntentStatus


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


async def test_the_same_event_has_the_same_id_from_every_source(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    (report,) = await shop.desk.provider.webhook(*hook)
    asked = await shop.desk.provider.status(await shop.ref(intent))
    listed = await shop.desk.provider.statement(intent.created_at, shop.clock.now())
    assert asked is not None
    assert listed is not None
    assert {report.event_id} == {asked.event_id} == {report.event_id for report in listed}
    assert (report.state, report.received, report.intent_id) == (ProviderState.PAID, usd(1555), intent.id)
    assert report.charge_id == asked.charge_id == listed[0].charge_id


async def test_one_webhook_ten_times_at_once_with_polls_and_pages(shop: Shop) -> None:
    intent = await shop.open(1555)
    hook = shop.desk.pay(intent, 1555)
    outcomes, *_ = await asyncio.gather(
        asyncio.gather(*(shop.hear(hook) for _ in range(10))),
        *(shop.payments.refresh(shop.buyer, intent.id) for _ in range(3)),
        *(polled(shop.payments, intent.id) for _ in range(3)),
    )
    assert {outcome for said in outcomes for outcome in said} <= {Outcome.APPLIED, Outcome.DUPLICATE, Outcome.IGNORED}
    assert await shop.balance() == 1555
    # Applied, and applied again: the provider hears the same each time.
    assert await shop.hear(hook) == [Outcome.DUPLICATE]
    assert await shop.unmatched() == []


async def test_paid_before_the_answer_to_create_is_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    create = shop.desk.provider.create

    async def create_and_pay(payment: PaymentRef) -> Created:
        created = await create(payment)
        async with shop.uow.read() as tx:
            from backend.payments.repository import intents

            intent = await intents.get_intent(tx, payment.intent_id)
        assert intent.external_id is None
        assert await shop.hear(shop.desk.pay(intent, 1555)) == [Outcome.APPLIED]
        return created

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
    reference = await shop.ref(intent)
    again = [await shop.desk.provider.create(reference) for _ in range(2)]
    assert {opened.external_id for opened in again} == {intent.external_id}
    assert all(opened.action == intent.action for opened in again)
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
    shop.clock.move(seconds=CLAIMED)
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
    sent = await asyncio.gather(*(shop.refunds.send(part) for part in (*parts, *parts)), return_exceptions=True)
    assert all(item is None or isinstance(item, RetryLater) for item in sent), sent  # one at a time
    await shop.refunds.send(await _refund(shop, intent, 722, "rest"))
    assert (shop.desk.sent_back(intent), shop.desk.refunds(intent)) == (1555, 3)
    assert ((await shop.look(intent)).status, await shop.balance()) == (S.REFUNDED, 0)
    assert (await shop.reconcile()).differences == []


async def test_the_same_refund_five_times_at_once_is_one(shop: Shop) -> None:
    intent = await shop.paid(1555)
    reference = await shop.ref(intent)
    sent = await asyncio.gather(*(shop.desk.provider.refund(reference, usd(700), "key") for _ in range(5)))
    assert len({refund.external_id for refund in sent}) == 1
    assert (shop.desk.refunds(intent), shop.desk.sent_back(intent)) == (1, 700)


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
    shop.clock.move(seconds=CLAIMED)
    await shop.refunds.send(sending)
    assert (await _statuses(shop, intent), shop.desk.refunds(intent)) == ({RefundStatus.SUCCEEDED}, 1)
    assert (shop.desk.sent_back(intent), await shop.balance()) == (700, 855)


async def test_the_event_of_our_own_refund_changes_nothing(shop: Shop) -> None:
    intent = await shop.paid(1555)
    await shop.refunds.send(await _refund(shop, intent, 700, "own"))
    reports = await shop.desk.provider.statement(intent.created_at, shop.clock.now())
    assert reports is not None
    assert [report.refunded for report in reports if report.refunded] == [usd(700)]
    for report in reports:
        assert await shop.payments.settle(shop.method, report) in {Outcome.IGNORED, Outcome.DUPLICATE}
    assert await shop.balance() == 855


async def test_a_refund_that_is_told_before_the_payment(shop: Shop) -> None:
    intent = await shop.open(1555)
    paid = shop.desk.pay(intent, 1555)
    gone = shop.desk.refund_behind(intent, 555)
    if gone is not None:
        assert await shop.hear(gone) == [Outcome.UNMATCHED]
    else:  # no call tells of it: a statement does
        listed = await shop.desk.provider.statement(intent.created_at, shop.clock.now()) or []
        (report,) = [report for report in listed if report.state is ProviderState.REFUNDED]
        assert await shop.payments.settle(shop.method, report) is Outcome.UNMATCHED
    assert Outcome.APPLIED in await shop.hear(paid)
    assert (await shop.balance(), await shop.unmatched()) == (1555, [("refunded_elsewhere", usd(555))])
    assert await shop.hear(gone) in ([], [Outcome.DUPLICATE])
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    await shop.inbox.accept_refund(ADMIN, waiting.id)
    assert await shop.balance() == 1000


# ── reconciliation ──


def _difference(kind: DifferenceKind, intent: Intent, ours: int, theirs: int) -> Difference:
    return Difference(kind=kind, subject=str(intent.id), asset="USD", ours=ours, theirs=theirs)


async def test_reconciling_finds_a_payment_that_nobody_told_of(shop: Shop) -> None:
    intent = await shop.open(1555)
    shop.desk.pay(intent, 1555)
    if shop.method == "paypal":
        await shop.desk.provider.status(await shop.ref(intent))  # captured, and its answer lost
    result = await shop.reconcile()
    assert result.differences == [_difference(DifferenceKind.MISSING_HERE, intent, 0, 1555)]
    assert (await shop.balance(), (await shop.look(intent)).status) == (1555, S.SUCCEEDED)
    assert (await shop.reconcile()).differences == []


async def test_reconciling_finds_a_refund_made_at_the_provider(shop: Shop) -> None:
    intent = await shop.paid(1555)
    await shop.refunds.send(await _refund(shop, intent, 500, "ours"))
    shop.desk.refund_behind(intent, 300)
    result = await shop.reconcile()
    assert result.differences == [_difference(DifferenceKind.REFUND, intent, 500, 800)]
    (waiting,) = (await shop.inbox.unmatched(ADMIN)).items
    await shop.inbox.accept_refund(ADMIN, waiting.id)
    assert await shop.balance() == 755
    assert (await shop.look(intent)).refunded == usd(800)
    assert (await shop.reconcile()).differences == []
    shop.desk.refund_behind(intent, 100)  # another refund, so another difference
    assert (await shop.reconcile()).differences == [_difference(DifferenceKind.REFUND, intent, 800, 900)]


async def test_reconciling_finds_amounts_that_differ(shop: Shop) -> None:
    intent = await shop.paid(1555)
    shop.desk.understate(intent, 1500)
    result = await shop.reconcile()
    assert result.differences == [_difference(DifferenceKind.AMOUNT, intent, 1555, 1500)]
    assert await shop.balance() == 1555


async def test_reconciling_finds_what_the_provider_does_not_know(shop: Shop) -> None:
    intent = await shop.paid(1555)
    shop.desk.forget(intent)
    result = await shop.reconcile()
    assert (result.differences, result.error) == ([_difference(DifferenceKind.MISSING_THERE, intent, 1555, 0)], "")


async def test_reconciling_what_agrees_says_nothing(shop: Shop) -> None:
    for number in range(5):
        await shop.paid(1000 + number, f"tap:{number}")
    result = await shop.reconcile()
    assert (result.differences, result.error, result.checked) == ([], "", 5)
