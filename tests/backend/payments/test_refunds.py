"""Money that goes back through a provider: never more than came, and booked before it is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.jobs import RetryLater
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.domain import SEND_REFUND
from backend.payments.errors import PaymentConflict, ProviderDown, RefundNotPossible, RefundTooMuch
from backend.payments.service import InboxService, IntentsService, RefundsService
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentStatus,
    Outcome,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refund,
    Refunded,
    RefundStatus,
    SendRefund,
)
from backend.wallet.errors import InsufficientFunds
from backend.wallet.service import WalletServices
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
Jobs = Callable[[str], Awaitable[list[dict[str, object]]]]


@pytest.fixture
def fake() -> FakeProvider:
    """A provider that can send money back."""
    return FakeProvider(capabilities=Capabilities(refundable=True))


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


@pytest.fixture
async def paid(payments: IntentsService, fake: FakeProvider, buyer: Actor) -> Intent:
    """Ten dollars that arrived."""
    intent = await payments.start_top_up(buyer, "fake", usd(1000), idempotency_key="tap")
    await payments.settle("fake", fake.paid(intent.id, usd(1000)))
    return await payments.intent(buyer, intent.id)


async def run(refunds: RefundsService, jobs: Jobs) -> None:
    """Let the worker do every refund's job, also those it has done; one that another run has is put off."""
    for payload in await jobs(SEND_REFUND):
        with contextlib.suppress(RetryLater):
            await refunds.send(msgspec.convert(payload, SendRefund))


async def report_refund(payments: IntentsService, intent: Intent, cents: int) -> Outcome:
    """The provider reports this refund total."""
    report = ProviderReport(
        event_id=f"back:{cents}", state=ProviderState.REFUNDED, intent_id=intent.id, refunded=usd(cents)
    )
    return await payments.settle("fake", report)


async def houses(wallet: WalletServices, cashier: Actor) -> dict[str, int]:
    """The balances of the shop's accounts, in cents, after the ledger is verified."""
    assert (await wallet.ledger.verify(cashier)).balanced
    return {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}


async def test_a_part_and_then_the_rest(
    payments: IntentsService, refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor,
    cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs,
) -> None:  # fmt: skip
    first = await refunds.refund_top_up(cashier, paid.id, usd(300), "asked for it", idempotency_key="r1")
    assert first.status is RefundStatus.PENDING
    assert await balance(buyer.id) == 700
    await run(refunds, jobs)
    await run(refunds, jobs)
    assert fake.refunds == {str(first.id): usd(300)}
    intent = await payments.intent(buyer, paid.id)
    assert (intent.status, intent.refunded, intent.refundable) == (
        IntentStatus.PARTIALLY_REFUNDED, usd(300), usd(700)
    )  # fmt: skip
    with pytest.raises(RefundTooMuch) as refused:
        await refunds.refund_top_up(cashier, paid.id, usd(701), "more", idempotency_key="r2")
    assert refused.value.params == {"most": usd(700)}
    await refunds.refund_top_up(cashier, paid.id, usd(700), "the rest", idempotency_key="r3")
    await run(refunds, jobs)
    assert (await payments.intent(buyer, paid.id)).status is IntentStatus.REFUNDED
    assert sum(money.amount for money in fake.refunds.values()) == 1000
    assert await balance(buyer.id) == 0
    assert (await wallet.ledger.verify(cashier)).balanced
    houses = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}
    assert (houses["refunds"], houses["provider:fake"]) == (0, 0)


async def test_the_same_key_gives_the_same_refund(
    refunds: RefundsService, cashier: Actor, paid: Intent, balance: Balance, buyer: Actor
) -> None:
    first = await refunds.refund_top_up(cashier, paid.id, usd(300), "once", idempotency_key="r1")
    again = await refunds.refund_top_up(cashier, paid.id, usd(300), "once", idempotency_key="r1")
    assert first == again
    assert await balance(buyer.id) == 700
    with pytest.raises(PaymentConflict):
        await refunds.refund_top_up(cashier, paid.id, usd(301), "once", idempotency_key="r1")


async def test_two_admins_at_once_never_give_more_than_came(
    refunds: RefundsService, wallet: WalletServices, cashier: Actor, paid: Intent, buyer: Actor, balance: Balance,
    fake: FakeProvider, jobs: Jobs,
) -> None:  # fmt: skip
    outcomes = await asyncio.gather(
        *(refunds.refund_top_up(cashier, paid.id, usd(600), "both", idempotency_key=f"r{n}") for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Refund) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Refund | RefundTooMuch) for outcome in outcomes), outcomes
    await asyncio.gather(*(run(refunds, jobs) for _ in range(5)))
    assert list(fake.refunds.values()) == [usd(600)]
    assert await balance(buyer.id) == 400
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_one_tap_in_ten_places_is_one_refund(
    refunds: RefundsService, cashier: Actor, paid: Intent, buyer: Actor, balance: Balance
) -> None:
    begun = await asyncio.gather(
        *(refunds.refund_top_up(cashier, paid.id, usd(100), "tap", idempotency_key="same") for _ in range(10))
    )
    assert len({refund.id for refund in begun}) == 1
    assert await balance(buyer.id) == 900


async def test_what_was_spent_cannot_go_back(
    refunds: RefundsService, real_uow: UnitOfWork, cashier: Actor, paid: Intent, buyer: Actor
) -> None:
    from backend.wallet import domain as ledger
    from backend.wallet.types import REVENUE, AccountRef, TransferKind

    async with real_uow() as tx:
        source, target = AccountRef.user(buyer.id), AccountRef.shop(REVENUE)
        await ledger.transfer(tx, TransferKind.PURCHASE, "spent", source, target, usd(900))
    with pytest.raises(InsufficientFunds):
        await refunds.refund_top_up(cashier, paid.id, usd(200), "too late", idempotency_key="r1")
    async with real_uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM payment_refunds"))).scalar_one() == 0


async def test_a_provider_that_is_down_is_asked_again(
    refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, cashier: Actor, paid: Intent, jobs: Jobs,
    clock: FakeClock,
) -> None:  # fmt: skip
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "later", idempotency_key="r1")
    fake.down = True
    with pytest.raises(ProviderDown):
        await refunds.send(SendRefund(begun.id))
    houses = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}
    assert houses["refunds"] == 300
    fake.down = False
    # It did not answer, and may still be at work: nobody asks again at once.
    with pytest.raises(RetryLater):
        await refunds.send(SendRefund(begun.id))
    clock.move(seconds=91)
    await run(refunds, jobs)
    assert (await refunds.list_for(cashier, intent_id=paid.id))[0].status is RefundStatus.SUCCEEDED
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_a_crash_after_the_provider_sent_it_sends_nothing_more(
    refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, cashier: Actor, paid: Intent, clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "crash", idempotency_key="r1")

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(refunds, "_end", dies)
        with pytest.raises(RuntimeError):
            await refunds.send(SendRefund(begun.id))
    assert fake.refunds == {str(begun.id): usd(300)}
    clock.move(seconds=91)
    await refunds.send(SendRefund(begun.id))
    assert fake.refunds == {str(begun.id): usd(300)}
    houses = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}
    assert (houses["refunds"], houses["provider:fake"]) == (0, -700)
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_a_refund_that_is_refused_stays_in_the_wallet(
    payments: IntentsService, refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor,
    cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs,
) -> None:  # fmt: skip
    fake.refuses = True
    await refunds.refund_top_up(cashier, paid.id, usd(1000), "refused", idempotency_key="r1")
    await run(refunds, jobs)
    await run(refunds, jobs)
    assert await balance(buyer.id) == 1000
    intent = await payments.intent(buyer, paid.id)
    assert (intent.status, intent.refunded) == (IntentStatus.SUCCEEDED, usd(0))
    assert [job["status"] for job in await jobs("test.refund_noted")] == ["failed"]
    fake.refuses = False
    await refunds.refund_top_up(cashier, paid.id, usd(1000), "again", idempotency_key="r2")
    await run(refunds, jobs)
    assert await balance(buyer.id) == 0
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_a_refund_that_nobody_sent_is_taken_up_again(
    refunds: RefundsService, cashier: Actor, paid: Intent, jobs: Jobs, clock: FakeClock, real_uow: UnitOfWork
) -> None:
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "lost", idempotency_key="r1")
    assert await refunds.sweep() == 0
    clock.move(minutes=11)
    assert await refunds.sweep() == 0  # its job is still to come: a second one would only run beside it
    async with real_uow() as tx:
        await tx.execute(
            text("UPDATE outbox_jobs SET dead_at = :now WHERE task = :task"), {"now": tx.now, "task": SEND_REFUND}
        )
    clock.move(minutes=11)
    assert await refunds.sweep() == 1
    assert [job["refund_id"] for job in await jobs(SEND_REFUND)] == [str(begun.id)] * 2
    await run(refunds, jobs)
    clock.move(minutes=11)
    assert await refunds.sweep() == 0


async def test_methods_that_cannot_refund(
    payments: IntentsService, refunds: RefundsService, fake: FakeProvider, cashier: Actor, paid: Intent, buyer: Actor
) -> None:
    with pytest.raises(Forbidden):
        await refunds.refund_top_up(buyer, paid.id, usd(1000), "no right", idempotency_key="r0")
    fake.capabilities = Capabilities(refundable=True, partial_refunds=False)
    with pytest.raises(RefundNotPossible):
        await refunds.refund_top_up(cashier, paid.id, usd(999), "whole only", idempotency_key="r1")
    fake.capabilities = Capabilities()
    with pytest.raises(RefundNotPossible):
        await refunds.refund_top_up(cashier, paid.id, usd(1000), "never", idempotency_key="r2")


async def test_what_was_refunded_at_the_provider_is_not_given_a_second_time(
    payments: IntentsService, refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor,
    cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs,
) -> None:  # fmt: skip
    """All of it is booked here, sent by hand there, and the job finds nothing left to send."""
    begun = await refunds.refund_top_up(cashier, paid.id, usd(1000), "asked for it", idempotency_key="r1")
    assert await report_refund(payments, paid, 1000) is Outcome.IGNORED
    fake.refuses = True
    await run(refunds, jobs)
    assert await balance(buyer.id) == 0
    intent = await payments.intent(buyer, paid.id)
    assert (intent.status, intent.refunded) == (IntentStatus.REFUNDED, usd(1000))
    (ended,) = await refunds.list_for(cashier, intent_id=paid.id)
    assert (ended.id, ended.status) == (begun.id, RefundStatus.SUCCEEDED)
    assert [job["status"] for job in await jobs("test.refund_noted")] == ["succeeded"]
    held = await houses(wallet, cashier)
    assert (held["refunds"], held["provider:fake"]) == (0, 0)


@pytest.mark.parametrize("accepted_first", [True, False])
async def test_a_part_of_ours_is_refused_after_all_went_back_there(
    payments: IntentsService, refunds: RefundsService, inbox: InboxService, wallet: WalletServices, fake: FakeProvider,
    buyer: Actor, cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs, accepted_first: bool,
) -> None:  # fmt: skip
    await refunds.refund_top_up(cashier, paid.id, usd(300), "a part", idempotency_key="r1")
    assert await report_refund(payments, paid, 1000) is Outcome.UNMATCHED
    (row,) = (await inbox.unmatched(cashier)).items
    fake.refuses = True
    if accepted_first:
        await inbox.accept_refund(cashier, row.id)
    await run(refunds, jobs)
    if not accepted_first:
        await inbox.accept_refund(cashier, row.id)
    assert await balance(buyer.id) == 0
    assert (await payments.intent(buyer, paid.id)).refunded == usd(1000)
    held = await houses(wallet, cashier)
    assert (held["refunds"], held["provider:fake"], held.get("losses", 0)) == (0, 0, 0)


async def test_only_what_did_not_go_back_there_comes_into_the_wallet(
    payments: IntentsService, refunds: RefundsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor,
    cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs,
) -> None:  # fmt: skip
    await refunds.refund_top_up(cashier, paid.id, usd(1000), "all", idempotency_key="r1")
    await report_refund(payments, paid, 400)
    fake.refuses = True
    await run(refunds, jobs)
    assert await balance(buyer.id) == 600
    intent = await payments.intent(buyer, paid.id)
    assert (intent.status, intent.refunded) == (IntentStatus.PARTIALLY_REFUNDED, usd(400))
    (payload,) = await jobs("test.refund_noted")
    assert (payload["status"], payload["amount"]) == ("failed", 600)
    assert [job["amount"] for job in await jobs("test.taken_back_noted")] == [400]
    held = await houses(wallet, cashier)
    assert (held["refunds"], held["provider:fake"]) == (0, -600)


async def test_two_runs_do_not_send_side_by_side(
    refunds: RefundsService, fake: FakeProvider, cashier: Actor, paid: Intent, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "slow", idempotency_key="r1")
    asked, go_on = asyncio.Event(), asyncio.Event()
    calls = 0

    async def slow(_payment: PaymentRef, _amount: Money, key: str) -> Refunded:
        nonlocal calls
        calls += 1
        asked.set()
        await go_on.wait()
        return Refunded(f"slow-{key}")

    monkeypatch.setattr(fake, "refund", slow)
    first = asyncio.create_task(refunds.send(SendRefund(begun.id)))
    await asked.wait()
    for _ in range(3):
        with pytest.raises(RetryLater):
            async with asyncio.timeout(20):
                await refunds.send(SendRefund(begun.id))
    go_on.set()
    await first
    await refunds.send(SendRefund(begun.id))
    assert calls == 1


async def test_a_refund_that_was_sent_after_all_is_not_passed_over(
    payments: IntentsService, refunds: RefundsService, inbox: InboxService, wallet: WalletServices, fake: FakeProvider,
    buyer: Actor, cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs, clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its claim lapsed while it was sent, another run was refused, and now the first has its answer."""
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "late", idempotency_key="r1")
    send = fake.refund

    async def late(payment: PaymentRef, amount: Money, key: str) -> Refunded:
        monkeypatch.setattr(fake, "refund", send)
        clock.move(minutes=11)
        fake.refuses = True
        await refunds.send(SendRefund(begun.id))
        fake.refuses = False
        return await send(payment, amount, key)

    monkeypatch.setattr(fake, "refund", late)
    await refunds.send(SendRefund(begun.id))
    assert await balance(buyer.id) == 1000
    (row,) = (await inbox.unmatched(cashier)).items
    assert (row.reason, row.intent_id, row.amount) == ("refunded_elsewhere", paid.id, usd(300))
    assert len(await jobs("test.unmatched_noted")) == 1
    # The provider's own word adds nothing to it, once an admin has accepted one of the two.
    assert await report_refund(payments, paid, 300) is Outcome.UNMATCHED
    for item in (await inbox.unmatched(cashier)).items:
        await inbox.accept_refund(cashier, item.id)
    assert await balance(buyer.id) == 700
    assert (await payments.intent(buyer, paid.id)).refunded == usd(300)
    assert (await houses(wallet, cashier))["provider:fake"] == -700


async def test_a_method_that_is_switched_off_keeps_its_refunds_pending(
    payments: IntentsService, refunds: RefundsService, real_uow: UnitOfWork, fake: FakeProvider, buyer: Actor,
    cashier: Actor, paid: Intent, balance: Balance, jobs: Jobs,
) -> None:  # fmt: skip
    begun = await refunds.refund_top_up(cashier, paid.id, usd(300), "typo", idempotency_key="r1")
    off = RefundsService(uow=real_uow, providers={})
    for _ in range(2):
        with pytest.raises(RetryLater) as later:
            await off.send(SendRefund(begun.id))
        assert later.value.seconds >= 60
    (waiting,) = await off.list_for(cashier, intent_id=paid.id)
    assert (waiting.status, await balance(buyer.id)) == (RefundStatus.PENDING, 700)
    await run(refunds, jobs)  # on again: at once
    assert (await refunds.list_for(cashier, intent_id=paid.id))[0].status is RefundStatus.SUCCEEDED
