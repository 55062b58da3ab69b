"""Another payment method: the open payment is cancelled, and money that comes for it all the same is credited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from backend.identity import domain as identity
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderId, UserId, new_id
from backend.payments import rules
from backend.payments.errors import PaymentClosed
from backend.payments.service import POLL, IntentsService
from backend.payments.types import Capabilities, Intent, IntentId, IntentStatus, Outcome, PollIntent
from backend.wallet.service import WalletServices
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
Jobs = Callable[[str], Awaitable[list[dict[str, object]]]]
_S = IntentStatus


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


async def _status(payments: IntentsService, buyer: Actor, intent: Intent) -> IntentStatus:
    return (await payments.intent(buyer, intent.id)).status


async def test_another_method_cancels_the_open_one_and_its_money_is_credited_all_the_same(
    payments: IntentsService,
    fake: FakeProvider,
    buyer: Actor,
    balance: Balance,
    jobs: Jobs,
    wallet: WalletServices,
    real_uow: UnitOfWork,
) -> None:
    order = OrderId(new_id())
    first = await payments.start_top_up(buyer, "fake", usd(500), order, idempotency_key="tap-fake")
    second = await payments.start_top_up(buyer, "demo", usd(500), order, idempotency_key="tap-demo")
    assert await _status(payments, buyer, first) is _S.CANCELLED
    assert await _status(payments, buyer, second) is _S.PENDING
    # Telegram may not take money for it any more; what comes by a road that we do not guard is the buyer's.
    async with real_uow.read() as tx:
        payer = (await identity.get_recipient(tx, buyer.id)).telegram_id
    with pytest.raises(PaymentClosed):
        await payments.approve("fake", first.id, first.payable, payer)
    assert await payments.settle("fake", fake.paid(first.id, usd(500))) is Outcome.APPLIED
    assert await _status(payments, buyer, first) is _S.SUCCEEDED
    assert await balance(buyer.id) == 500
    assert [event["order_id"] for event in await jobs("test.top_up_noted")] == [str(order)]
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_the_first_method_again_is_a_new_payment(payments: IntentsService, buyer: Actor) -> None:
    order = OrderId(new_id())
    taps = [("fake", "tap-fake"), ("demo", "tap-demo"), ("fake", "tap-fake"), ("fake", "tap-fake")]
    begun = [await payments.start_top_up(buyer, method, usd(500), order, idempotency_key=key) for method, key in taps]
    assert len({intent.id for intent in begun}) == 3, "the same tap twice is one payment"
    assert [await _status(payments, buyer, intent) for intent in begun] == [
        _S.CANCELLED, _S.CANCELLED, _S.PENDING, _S.PENDING,
    ]  # fmt: skip


async def test_what_has_seen_money_and_what_is_anothers_is_left_alone(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork
) -> None:
    order, stranger = OrderId(new_id()), actor_of(await rich_person(real_uow, usd(0)))
    part = await payments.start_top_up(buyer, "fake", usd(500), order, idempotency_key="part")
    await payments.settle("fake", fake.paid(part.id, usd(200)))
    elsewhere = await payments.start_top_up(buyer, "fake", usd(500), OrderId(new_id()), idempotency_key="elsewhere")
    theirs = await payments.start_top_up(stranger, "fake", usd(500), idempotency_key="theirs")
    top_up = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="top-up")
    await payments.start_top_up(buyer, "demo", usd(300), order, idempotency_key="rest", instead=theirs.id)
    assert await _status(payments, buyer, part) is _S.UNDERPAID
    assert await _status(payments, buyer, elsewhere) is _S.PENDING
    assert await _status(payments, stranger, theirs) is _S.PENDING
    assert await _status(payments, buyer, top_up) is _S.PENDING
    await payments.start_top_up(buyer, "demo", usd(500), idempotency_key="again", instead=top_up.id)
    assert await _status(payments, buyer, top_up) is _S.CANCELLED


async def test_a_cancelled_payment_is_followed_until_its_time_is_over(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, jobs: Jobs, balance: Balance
) -> None:
    """A webhook may be lost: the worker goes on asking, as often as for one that is open."""
    order = OrderId(new_id())
    first = await payments.start_top_up(buyer, "fake", usd(500), order, idempotency_key="tap-fake")
    await payments.start_top_up(buyer, "demo", usd(500), order, idempotency_key="tap-demo")
    fake.paid(first.id, usd(500))
    clock.move(seconds=5)
    await payments.poll(PollIntent(first.id, 0))
    assert await _status(payments, buyer, first) is _S.SUCCEEDED
    assert await balance(buyer.id) == 500
    assert len(await jobs(POLL)) >= 2


async def test_two_methods_at_once_leave_one_open(payments: IntentsService, buyer: Actor) -> None:
    order = OrderId(new_id())
    begun = await asyncio.gather(
        *(
            payments.start_top_up(buyer, method, usd(500), order, idempotency_key=f"{method}-{tap}")
            for tap in range(3)
            for method in ("fake", "demo")
        )
    )
    states = [await _status(payments, buyer, intent) for intent in begun]
    assert sorted(states) == [_S.CANCELLED] * 5 + [_S.PENDING]


async def test_money_in_the_same_moment_is_credited_once(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, balance: Balance, wallet: WalletServices
) -> None:
    order = OrderId(new_id())
    first = await payments.start_top_up(buyer, "fake", usd(500), order, idempotency_key="tap-fake")
    report = fake.paid(first.id, usd(500))
    await asyncio.gather(
        *(payments.settle("fake", report) for _ in range(3)),
        *(payments.start_top_up(buyer, "demo", usd(500), order, idempotency_key=f"demo-{tap}") for tap in range(3)),
    )
    assert await _status(payments, buyer, first) is _S.SUCCEEDED
    assert await balance(buyer.id) == 500
    assert (await wallet.ledger.verify(Actor.system())).balanced


@pytest.mark.parametrize(
    ("late", "follow", "asked"), [(-60, 0, True), (60, 0, False), (60, 120, True), (180, 120, False)]
)
def test_a_cancelled_payment_takes_money_as_an_expired_one_does(late: int, follow: int, asked: bool) -> None:
    assert rules.MOVES[_S.CANCELLED] == rules.MOVES[_S.EXPIRED]
    now = FakeClock().now()
    over = now - timedelta(seconds=late)
    cancelled = Intent(
        id=IntentId(new_id()), number=1, user_id=UserId(new_id()), method="fake", amount=usd(500), credited=usd(0),
        refunded=usd(0), payable=usd(500), received=usd(0), status=_S.CANCELLED, action=None, external_id="x",
        charge_id=None, progress={}, order_id=None, created_at=over, updated_at=over, expires_at=over, polls=0,
    )  # fmt: skip
    assert rules.should_poll(cancelled, now, Capabilities(follow_seconds=follow)) is asked
