"""Payments under repeated, simultaneous and interrupted calls: every one ends right, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.payments import domain
from backend.payments.repository import events, intents
from backend.payments.service import POLL, IntentsService
from backend.payments.types import IntentStatus, Outcome, PollIntent
from backend.wallet import domain as ledger
from backend.wallet.service import WalletServices
from tests.factories.payments import polled
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
Jobs = Callable[[str], Awaitable[list[dict[str, object]]]]


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


async def test_ten_taps_begin_one_payment(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, jobs: Jobs
) -> None:
    begun = await asyncio.gather(
        *(payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap") for _ in range(10))
    )
    assert len({intent.id for intent in begun}) == 1
    assert len(fake.created) == 1
    assert len(await jobs(POLL)) == 1


async def test_one_webhook_ten_times_at_once_with_polls_and_pages(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, balance: Balance, jobs: Jobs
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    body = msgspec.json.encode([fake.paid(intent.id, usd(500))])
    outcomes, *_ = await asyncio.gather(
        asyncio.gather(*(payments.receive("fake", {"signature": "genuine"}, body) for _ in range(10))),
        *(payments.refresh(buyer, intent.id) for _ in range(5)),
        *(polled(payments, intent.id) for _ in range(5)),
    )
    assert {outcome for (outcome,) in outcomes} <= {Outcome.APPLIED, Outcome.DUPLICATE}
    assert await balance(buyer.id) == 500
    assert len(await jobs("test.top_up_noted")) == 1
    assert (await payments.intent(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_the_same_payment_under_ten_event_ids_is_credited_once(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, balance: Balance
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    bodies = [msgspec.json.encode([fake.paid(intent.id, usd(500), f"e{number}")]) for number in range(10)]
    results = await asyncio.gather(*(payments.receive("fake", {"signature": "genuine"}, body) for body in bodies))
    outcomes = [outcome for (outcome,) in results]
    assert (outcomes.count(Outcome.APPLIED), outcomes.count(Outcome.IGNORED)) == (1, 9)
    assert await balance(buyer.id) == 500


async def test_parts_at_once_in_any_order_add_up(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, balance: Balance
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    bodies = [msgspec.json.encode([fake.paid(intent.id, usd(part))]) for part in (500, 100, 300, 200, 400)]
    await asyncio.gather(*(payments.receive("fake", {"signature": "genuine"}, body) for body in bodies))
    assert await balance(buyer.id) == 500
    assert (await payments.intent(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert (await wallet.ledger.verify(Actor.system())).balanced


class Killed(BaseException):
    """The process dies here."""


def fail_once(monkeypatch: pytest.MonkeyPatch, where: object, name: str, *, after: bool) -> None:
    """Let the process die once, before or after ``where.name`` has done its work."""
    original = getattr(where, name)
    dead: list[bool] = []

    async def dying(*args: object, **kwargs: object) -> object:
        if dead:
            return await original(*args, **kwargs)
        if after:
            await original(*args, **kwargs)
        dead.append(True)
        raise Killed

    monkeypatch.setattr(where, name, dying)


_BEGINNING: list[tuple[str, str, bool]] = [
    ("intents", "add_intent", True),
    ("fake", "create", False),
    ("fake", "create", True),
    ("intents", "save_created", False),
    ("intents", "save_created", True),
]
_ENDING: list[tuple[str, str, bool]] = [
    ("fake", "status", True),
    ("intents", "lock_reported", True),
    ("events", "add_event", True),
    ("ledger", "transfer", False),
    ("ledger", "transfer", True),
    ("ledger", "balance", True),
    ("intents", "save_paid", True),
    ("domain", "apply", True),
    ("intents", "next_poll", False),
]


@pytest.mark.parametrize(("module", "name", "after"), _BEGINNING)
async def test_killed_while_it_begins(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, clock: FakeClock,
    balance: Balance, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, module: str, name: str, after: bool,
) -> None:  # fmt: skip
    places: dict[str, ModuleType | FakeProvider] = {"intents": intents, "fake": fake}
    fail_once(monkeypatch, places[module], name, after=after)
    with pytest.raises(Killed):
        await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    clock.move(seconds=31)
    left = await jobs(POLL)
    if not left:
        # Nothing was begun; the person taps again.
        assert name == "add_intent"
        await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    # The worker alone brings it to its end.
    await payments.poll(msgspec.convert((await jobs(POLL))[-1], PollIntent))
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    assert (intent.status, intent.external_id) == (IntentStatus.PENDING, f"fake-{intent.id}")
    fake.paid(intent.id, usd(500))
    clock.move(seconds=31)
    await payments.poll(msgspec.convert((await jobs(POLL))[-1], PollIntent))
    assert await balance(buyer.id) == 500
    assert (await wallet.ledger.verify(Actor.system())).balanced


@pytest.mark.parametrize(("module", "name", "after"), _ENDING)
async def test_killed_while_it_ends(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork,
    balance: Balance, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, module: str, name: str, after: bool,
) -> None:  # fmt: skip
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    # A poll that finds nothing writes the next one: the only way to reach next_poll.
    if name != "next_poll":
        fake.paid(intent.id, usd(500))
    places: dict[str, ModuleType | FakeProvider] = {
        "intents": intents, "events": events, "fake": fake, "ledger": ledger, "domain": domain,
    }  # fmt: skip
    fail_once(monkeypatch, places[module], name, after=after)
    payload = msgspec.convert((await jobs(POLL))[0], PollIntent)
    with pytest.raises(Killed):
        await payments.poll(payload)
    # Nothing half-done is seen: no money without the mark, no mark without the money.
    async with real_uow.read() as tx:
        count = text("SELECT count(*) FROM payment_events WHERE outcome = 'applied'")
        applied = (await tx.execute(count)).scalar_one()
    assert (applied, await balance(buyer.id)) in {(0, 0), (1, 500)}
    assert (await wallet.ledger.verify(Actor.system())).balanced
    # The job is run again.
    fake.paid(intent.id, usd(500))
    await payments.poll(payload)
    assert await balance(buyer.id) == 500
    assert (await payments.intent(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert len(await jobs("test.top_up_noted")) == 1
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_a_webhook_whose_effect_fails_is_not_marked_and_succeeds_later(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, balance: Balance, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    body = msgspec.json.encode([fake.paid(intent.id, usd(500))])
    fail_once(monkeypatch, ledger, "transfer", after=True)
    with pytest.raises(Killed):
        await payments.receive("fake", {"signature": "genuine"}, body)
    assert await payments.receive("fake", {"signature": "genuine"}, body) == [Outcome.APPLIED]
    assert await payments.receive("fake", {"signature": "genuine"}, body) == [Outcome.DUPLICATE]
    assert await balance(buyer.id) == 500


async def test_a_provider_that_does_not_answer_takes_no_more_than_its_places(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, balance: Balance, jobs: Jobs
) -> None:
    waiting = [await payments.start_top_up(buyer, "fake", usd(500), idempotency_key=f"tap-{n}") for n in range(8)]
    prompt = await payments.start_top_up(buyer, "demo", usd(700), idempotency_key="prompt")
    clock.move(seconds=5)
    fake.answering.clear()
    polls = {asyncio.create_task(polled(payments, intent.id)): intent for intent in waiting}
    async with asyncio.timeout(20):
        asking = set(polls)
        while len(asking) > 3:
            # Those for which there is no place end at once, to be run again.
            refused, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            assert not any(poll.result() for poll in refused)
        # A page shows what is known, and other providers are asked.
        assert (await payments.refresh(buyer, waiting[0].id)).status is IntentStatus.PENDING
        assert await polled(payments, prompt.id)
    assert (fake.asked, await balance(buyer.id)) == (3, 700)
    fake.answering.set()
    assert await asyncio.gather(*asking) == [True] * 3
    for poll, intent in polls.items():
        assert await polled(payments, intent.id), "its poll was made, or is made now"
        assert poll.done()
    assert len([job for job in await jobs(POLL) if job["attempt"] == 1]) == len(waiting)
