"""What the comparison with a provider finds of refunds, of silence, and of work that goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.payments.errors import ProviderDown
from backend.payments.repository import intents
from backend.payments.service import InboxService, IntentsService, ReconciliationService, RefundsService
from backend.payments.types import (
    Capabilities,
    Difference,
    DifferenceKind,
    Intent,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Reconciliation,
    SendRefund,
)
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Jobs = Callable[[str], Awaitable[list[dict[str, object]]]]
K = DifferenceKind


@pytest.fixture
def fake() -> FakeProvider:
    """A provider that can send money back."""
    return FakeProvider(capabilities=Capabilities(refundable=True))


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


class Desk:
    """Payments by one provider whose list the test writes."""

    def __init__(
        self, payments: IntentsService, refunds: RefundsService, service: ReconciliationService, fake: FakeProvider,
        buyer: Actor,
    ) -> None:  # fmt: skip
        self.payments, self.refunds, self.service, self.fake, self.buyer = payments, refunds, service, fake, buyer

    async def paid(self, cents: int, key: str = "tap") -> Intent:
        """A payment that the provider lists."""
        intent = await self.payments.start_top_up(self.buyer, "fake", usd(cents), idempotency_key=key)
        report = self.fake.paid(intent.id, usd(cents))
        await self.payments.settle("fake", report)
        self.fake.lists = [*(self.fake.lists or []), report]
        return intent

    async def refund(self, intent: Intent, cents: int, *, send: bool = True) -> None:
        """A refund of ours; its provider does not list it unless the test says so."""
        booked = await self.refunds.refund_top_up(
            Actor.system(), intent.id, usd(cents), "", idempotency_key=f"r{cents}"
        )
        if send:
            await self.refunds.send(SendRefund(booked.id))

    def lists_back(self, intent: Intent, cents: int) -> None:
        """The provider's statement has this refund total."""
        self.fake.lists = [*(self.fake.lists or []), back(intent, cents)]

    async def compare(self) -> Reconciliation:
        """Compare with the provider now."""
        return {item.method: item for item in await self.service.reconcile_all()}["fake"]


def back(intent: Intent, cents: int) -> ProviderReport:
    """The refund total is so much."""
    event_id = f"{intent.id}:back:{cents}"
    return ProviderReport(event_id=event_id, state=ProviderState.REFUNDED, intent_id=intent.id, refunded=usd(cents))


def refund_differs(intent: Intent, ours: int, theirs: int) -> list[Difference]:
    return [Difference(kind=K.REFUND, subject=str(intent.id), asset="USD", ours=ours, theirs=theirs)]


@pytest.fixture
def desk(
    payments: IntentsService, refunds: RefundsService, reconciliation: ReconciliationService, fake: FakeProvider,
    buyer: Actor,
) -> Desk:  # fmt: skip
    return Desk(payments, refunds, reconciliation, fake, buyer)


async def test_a_refund_that_the_provider_does_not_have(desk: Desk) -> None:
    intent = await desk.paid(1000)
    await desk.refund(intent, 300)
    for _ in range(2):  # night after night
        assert (await desk.compare()).differences == refund_differs(intent, 300, 0)
    desk.lists_back(intent, 300)
    assert (await desk.compare()).differences == []


async def test_a_refund_of_which_the_provider_has_less(desk: Desk, clock: FakeClock) -> None:
    intent = await desk.paid(1000)
    await desk.refund(intent, 300)
    clock.move(days=4)
    await desk.refund(intent, 200)
    await desk.refund(intent, 100, send=False)  # is on its way, and not there yet
    desk.lists_back(intent, 300)
    assert (await desk.compare()).differences == refund_differs(intent, 500, 300)
    desk.lists_back(intent, 500)
    assert (await desk.compare()).differences == []


async def test_a_refund_that_is_not_listed_yet_is_asked_for(desk: Desk) -> None:
    intent = await desk.paid(1000)
    await desk.refund(intent, 300)
    desk.fake.reports(back(intent, 300))
    assert (await desk.compare()).differences == []
    desk.fake.lists = None  # a provider without a list, which says what it knows of each
    assert (await desk.compare()).differences == []
    desk.fake.paid(intent.id, usd(1000))  # and one that does not speak of refunds at all
    assert (await desk.compare()).differences == []


async def test_what_differs_is_told_until_it_is_settled(desk: Desk, inbox: InboxService, jobs: Jobs) -> None:
    intent = await desk.paid(1000)
    desk.lists_back(intent, 400)
    stranger = ProviderReport(event_id="s", state=ProviderState.PAID, external_id="stranger", received=usd(5))
    desk.fake.lists = [*(desk.fake.lists or []), stranger]
    unknown = Difference(kind=K.MISSING_HERE, subject="stranger", asset="USD", ours=0, theirs=5)
    for _ in range(2):
        assert (await desk.compare()).differences == [*refund_differs(intent, 0, 400), unknown]
    assert len(await jobs("test.difference_noted")) == 2
    for row in (await inbox.unmatched(Actor.system())).items:
        if row.intent_id is None:
            await inbox.dismiss(Actor.system(), row.id, "known")
        else:
            await inbox.accept_refund(Actor.system(), row.id)
    assert (await desk.compare()).differences == []


async def test_one_silence_is_no_missing_payment(desk: Desk, monkeypatch: pytest.MonkeyPatch, jobs: Jobs) -> None:
    first, second, third = [await desk.paid(1000, key) for key in "abc"]
    desk.fake.lists = []
    desk.fake.says(third.id, ProviderState.PENDING)
    status = desk.fake.status

    async def once(payment: PaymentRef) -> ProviderReport:
        if payment.intent_id == second.id:
            raise ProviderDown("one 503")
        return await status(payment)

    monkeypatch.setattr(desk.fake, "status", once)
    result = await desk.compare()
    assert [(item.kind, item.subject) for item in result.differences] == [(K.MISSING_THERE, str(third.id))]
    assert (result.checked, result.error) == (2, "one 503")
    assert [job["way"] for job in await jobs("test.failure_noted")] == ["fake"]
    assert first.external_id is not None


async def test_a_provider_that_falls_silent_is_not_asked_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def empty(*_: object) -> list[ProviderReport]:
        return []

    for number in range(6):
        await desk.paid(1000, f"tap{number}")
    monkeypatch.setattr(desk.fake, "statement", empty)
    desk.fake.asked = 0
    desk.fake.down = True
    result = await desk.compare()
    assert (desk.fake.asked, result.differences) == (3, [])
    assert "down" in result.error


async def test_a_comparison_that_fails_is_told_and_the_others_are_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, jobs: Jobs
) -> None:
    async def odd(*_: object) -> None:
        raise KeyError("a secret of the answer")

    monkeypatch.setattr(desk.fake, "statement", odd)
    desk.service._providers = {"fake": desk.fake, "other": FakeProvider("other")}
    by_method = {item.method: item for item in await desk.service.reconcile_all()}
    assert (by_method["fake"].error, by_method["other"].error) == ("KeyError", "")
    (payload,) = await jobs("test.failure_noted")
    assert (payload["way"], payload["reconciliation_id"]) == ("fake", str(by_method["fake"].id))


async def test_the_ledger_is_compared_as_it_stood_at_one_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.paid(1000)
    sum_net = intents.sum_net

    async def slow(tx: object, method: str) -> dict[str, int]:
        await asyncio.create_task(desk.paid(500, "meanwhile"))
        return await sum_net(tx, method)  # type: ignore[arg-type]

    monkeypatch.setattr(intents, "sum_net", slow)
    assert await desk.service._reconcile_ledger("fake") == []
