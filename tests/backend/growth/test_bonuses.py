"""Bonuses for top-ups and their reclaim after refunds: each once, and the ledger stays balanced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from backend.growth.service import BonusesService
from backend.growth.types import BonusRuleId, NewBonusRule
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import OrderId, new_id
from backend.payments.service import InboxService, IntentsService, RefundsService
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentId,
    ProviderReport,
    ProviderState,
    RefundEnded,
    SendRefund,
    TopUpSucceeded,
)
from backend.payments.types import TopUpLimits as PayLimits
from backend.wallet import domain as ledger
from backend.wallet.types import REVENUE, AccountRef, TransferKind
from tests.backend.growth.conftest import actor_of
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider


class Till:
    """Receives payments through a provider that the test controls, and runs the bonuses' tasks."""

    def __init__(self, uow: UnitOfWork, bonuses: BonusesService, clock: FakeClock, jobs: Any) -> None:
        self.uow, self.bonuses, self.clock, self.jobs = uow, bonuses, clock, jobs
        self.fake = FakeProvider(capabilities=Capabilities(refundable=True))
        limits = PayLimits(minimum=usd(1), maximum=usd(10_000_000))
        self.payments = IntentsService(uow=uow, providers=(self.fake,), limits=lambda: limits)
        self.refunds = RefundsService(uow=uow, providers={"fake": self.fake})
        self.inbox = InboxService(uow=uow, single_admin_limit=lambda: usd(10**15))

    async def begin(self, actor: Actor, cents: int, order_id: OrderId | None = None) -> Intent:
        """A payment that awaits its money."""
        return await self.payments.start_top_up(actor, "fake", usd(cents), order_id, idempotency_key=str(new_id()))

    async def pay(self, intent: Intent, cents: int | None = None) -> None:
        """Report that this much was received in total."""
        report = self.fake.paid(intent.id, usd(cents or intent.amount.amount))
        await self.payments.settle("fake", msgspec.structs.replace(report, intent_id=intent.id))

    async def work(self, times: int = 1) -> None:
        """Run the task of every top-up so far ``times`` times, all at the same time."""
        events = [msgspec.convert(row, TopUpSucceeded) for row in await self.jobs("TopUpSucceeded")]
        await asyncio.gather(*(self.bonuses.credit(one, self.clock.now()) for one in events for _ in range(times)))

    async def top_up(self, actor: Actor, cents: int) -> Intent:
        """A complete top-up with its bonus."""
        intent = await self.begin(actor, cents)
        await self.pay(intent)
        await self.work()
        return intent

    async def refund(self, admin: Actor, intent: Intent, cents: int, times: int = 3) -> None:
        """Refund a part of a top-up, and run the tasks more than once."""
        refund = await self.refunds.refund_top_up(
            admin, intent.id, usd(cents), "asked for", idempotency_key=str(new_id())
        )
        await self.refunds.send(SendRefund(refund.id))
        ended = [msgspec.convert(row, RefundEnded) for row in await self.jobs("RefundEnded")]
        await asyncio.gather(*(self.bonuses.refund_ended(one) for one in ended for _ in range(times)))


@pytest.fixture
async def till(real_uow: UnitOfWork, bonuses: BonusesService, clock: FakeClock, jobs: Any) -> AsyncIterator[Till]:
    """Payments on one provider."""
    yield Till(real_uow, bonuses, clock, jobs)


Balance = Callable[[Actor], Awaitable[int]]
People = Callable[..., Awaitable[Actor]]


async def test_ten_per_cent_once_however_often_the_task_runs(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any, jobs: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.begin(one, 2599)
    await till.pay(intent)
    await till.work(times=8)
    assert await balance(one) == 2599 + 259
    (payload,) = await jobs("BonusCredited")
    assert (payload["amount"], payload["balance"], payload["user_id"]) == (259, 2858, str(one.id))
    assert (await accounts())["bonuses"] == -259
    ((_, figures),) = await bonuses.rules(admin)
    assert (figures.payments, figures.total) == (1, usd(259))
    await till.top_up(one, 999)
    assert await balance(one) == 2858 + 999


async def test_the_promised_bonus_is_credited(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance
) -> None:
    one = await person()
    assert await bonuses.promised(one, "fake", usd(2000)) == usd(0)
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=500))
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000, first_only=True, method="fake"))
    assert await bonuses.promised(one, "fake", usd(999)) == usd(0)
    assert await bonuses.promised(one, "demo", usd(2000)) == usd(100)
    for due in (200, 100):  # the first top-up gets more
        before = await balance(one)
        assert await bonuses.promised(one, "fake", usd(2000)) == usd(due)
        await till.top_up(one, 2000)
        assert await balance(one) == before + 2000 + due


async def test_parts_count_together(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any, jobs: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(100), basis_points=500))
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000, first_only=True))
    one = await person()
    intent = await till.begin(one, 1000)
    paid = 0
    for part in (33, 100, 333, 1000):
        await till.pay(intent, part)
        await till.work(times=3)
        paid = part
    assert paid == 1000
    # 5 % of 333 is 16; together it is 10 % of 1000, as for one payment.
    assert [row["amount"] for row in await jobs("BonusCredited")] == [5, 11, 84]
    assert await balance(one) == 1100
    assert (await accounts())["bonuses"] == -100


async def test_only_the_best_rule_applies(
    till: Till,
    bonuses: BonusesService,
    admin: Actor,
    person: People,
    balance: Balance,
    accounts: Any,
    clock: FakeClock,
) -> None:
    now = clock.now()
    for rule in (
        NewBonusRule(minimum=usd(100), basis_points=1000, maximum=usd(150)),
        NewBonusRule(minimum=usd(100), fixed=usd(200)),
        NewBonusRule(minimum=usd(100), basis_points=5000, method="stars"),
        NewBonusRule(minimum=usd(100), basis_points=5000, starts_at=now + timedelta(days=1)),
        NewBonusRule(minimum=usd(100), basis_points=5000, ends_at=now),
        NewBonusRule(minimum=usd(5000), basis_points=5000),
    ):
        await bonuses.add_rule(admin, rule)
    stopped = await bonuses.add_rule(admin, NewBonusRule(minimum=usd(100), basis_points=9000))
    await bonuses.stop_rule(admin, stopped.id)
    await bonuses.stop_rule(admin, stopped.id)
    clock.move(seconds=1)
    one = await person()
    await till.top_up(one, 3000)
    assert await balance(one) == 3200
    assert (await accounts())["bonuses"] == -200


async def test_a_person_has_one_first_top_up(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(100), basis_points=1000, first_only=True))
    for number in range(4):
        one = await person()
        begun = [await till.begin(one, 1000) for _ in range(4)]
        if number % 2:
            begun.reverse()
        await asyncio.gather(*(till.pay(intent) for intent in begun))
        await till.work(times=2)
        assert await balance(one) == 4000 + 100
        await till.top_up(one, 1000)
        assert await balance(one) == 5000 + 100
    assert (await accounts())["bonuses"] == -400


async def test_the_payment_that_started_first_may_be_paid_last(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(100), basis_points=1000, first_only=True))
    one = await person()
    early, late = await till.begin(one, 1000), await till.begin(one, 1000)
    for intent in (late, early):
        await till.pay(intent)
        await till.work()
    assert await balance(one) == 2100


async def test_payments_for_orders_get_no_bonus(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(100), basis_points=1000, first_only=True))
    one = await person()
    await till.pay(await till.begin(one, 1000, OrderId(new_id())))
    await till.work()
    assert await balance(one) == 1000
    await till.top_up(one, 1000)  # still their first top-up
    assert await balance(one) == 2100


async def test_a_refund_reclaims_the_bonus_by_the_same_rule(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.top_up(one, 3000)
    assert await balance(one) == 3300
    await till.refund(admin, intent, 1000)
    assert await balance(one) == 2000 + 200
    await till.refund(admin, intent, 1500)  # less than the rule's minimum is left
    assert await balance(one) == 500
    await till.work(times=3)  # the top-up's own task runs once more
    assert await balance(one) == 500
    held = await accounts()
    assert held["bonuses"] == 0
    ((_, figures),) = await bonuses.rules(admin)
    assert figures.total == usd(0)


async def test_a_refund_that_has_not_finished_reclaims_nothing(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance
) -> None:
    """One refund succeeds while another is pending and then fails: the bonus of that part stays."""
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.top_up(one, 3000)
    waits = await till.refunds.refund_top_up(admin, intent.id, usd(1500), "waits", idempotency_key="waits")
    await till.refund(admin, intent, 500)
    assert await balance(one) == 1000 + 250
    till.fake.refuses = True
    await till.refunds.send(SendRefund(waits.id))
    await bonuses.reclaim(intent.id)
    assert await balance(one) == 2500 + 250


async def test_a_bonus_ignores_a_pending_refund(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.begin(one, 3000)
    await till.pay(intent)
    waits = await till.refunds.refund_top_up(admin, intent.id, usd(1000), "waits", idempotency_key="waits")
    await till.work(times=2)
    assert await balance(one) == 2000 + 300
    await till.refunds.send(SendRefund(waits.id))
    await bonuses.reclaim(intent.id)
    assert await balance(one) == 2000 + 200


async def test_a_reclaim_takes_at_most_the_balance(
    till: Till,
    bonuses: BonusesService,
    admin: Actor,
    person: People,
    balance: Balance,
    accounts: Any,
    real_uow: UnitOfWork,
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=2000))
    one = await person()
    intent = await till.top_up(one, 1000)
    async with till.uow() as tx:
        shop = AccountRef.shop(REVENUE)
        await ledger.transfer(tx, TransferKind.PURCHASE, "spent", AccountRef.user(one.id), shop, usd(150))
    await till.refund(admin, intent, 1000)
    assert await balance(one) == 0
    assert (await accounts())["bonuses"] == -150
    # The rest is forgiven: later money is not taken.
    await till.top_up(one, 900)
    await bonuses.reclaim(intent.id)
    assert await balance(one) == 900


async def test_a_refund_before_the_bonus(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.begin(one, 3000)
    await till.pay(intent)
    await till.refund(admin, intent, 1000)
    await till.work(times=2)
    assert await balance(one) == 2000 + 200
    assert (await accounts())["bonuses"] == -200


async def test_a_refund_made_at_the_provider(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any, jobs: Any
) -> None:
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    intent = await till.top_up(one, 1000)
    report = ProviderReport(
        event_id="chargeback", state=ProviderState.REFUNDED, intent_id=intent.id, refunded=usd(1000)
    )
    await till.payments.settle("fake", report)
    (unmatched,) = (await till.inbox.unmatched(admin)).items
    await till.inbox.accept_refund(admin, unmatched.id)
    (payload,) = await jobs("PaymentTakenBack")
    await asyncio.gather(*(bonuses.reclaim(IntentId(intent.id)) for _ in range(4)))
    assert payload["intent_id"] == str(intent.id)
    assert await balance(one) == 0
    assert (await accounts())["bonuses"] == 0


async def test_who_cannot_manage_rules(bonuses: BonusesService, admin: Actor) -> None:
    rule = await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    other = actor_of(admin.id, Permission.ORDERS)
    for call in (
        bonuses.add_rule(other, NewBonusRule(minimum=usd(1), basis_points=1)), bonuses.rules(other),
        bonuses.stop_rule(other, rule.id),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):
        await bonuses.stop_rule(admin, BonusRuleId(new_id()))


async def test_after_a_crash_the_bonus_is_credited_once(
    till: Till, bonuses: BonusesService, admin: Actor, person: People, balance: Balance, accounts: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await bonuses.add_rule(admin, NewBonusRule(minimum=usd(1000), basis_points=1000))
    one = await person()
    await till.pay(await till.begin(one, 1000))

    def die(_name: str) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("backend.growth.service.bonuses.failpoint", die)
        with pytest.raises(RuntimeError):
            await till.work()
    assert await balance(one) == 1000
    await till.work(times=2)
    assert await balance(one) == 1100
    assert (await accounts())["bonuses"] == -100
