"""Checking a payment now, also long after it expired."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.payments.errors import ProviderDown
from backend.payments.service import IntentsService
from backend.payments.types import Intent, IntentStatus, PollIntent, ProviderReport, ProviderState
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


@pytest.fixture
async def lapsed(payments: IntentsService, buyer: Actor, clock: FakeClock) -> Intent:
    """A payment that was given up long ago and that nobody asks about any more."""
    begun = await payments.start_top_up(buyer, "fake", usd(1000), idempotency_key="tap")
    clock.move(days=30)
    await payments.poll(PollIntent(begun.id, 0))
    return await payments.intent(buyer, begun.id)


@pytest.mark.parametrize("by_admin", [False, True])
async def test_money_that_came_weeks_late_is_found(
    payments: IntentsService, fake: FakeProvider, lapsed: Intent, buyer: Actor, cashier: Actor, balance: Balance,
    by_admin: bool,
) -> None:  # fmt: skip
    fake.paid(lapsed.id, usd(1000))
    assert (await payments.refresh(buyer, lapsed.id)).status is IntentStatus.EXPIRED
    for _ in range(2):
        payment = await payments.poll_now(cashier if by_admin else buyer, lapsed.id)
        assert payment.status is IntentStatus.SUCCEEDED
    assert await balance(buyer.id) == 1000


async def test_money_that_is_on_its_way_is_followed_from_then_on(
    payments: IntentsService, fake: FakeProvider, lapsed: Intent, buyer: Actor, balance: Balance,
    jobs: Callable[[str], Awaitable[list[dict[str, int]]]],
) -> None:  # fmt: skip
    fake.reports(ProviderReport(event_id="c", state=ProviderState.CONFIRMING, intent_id=lapsed.id))
    assert (await payments.poll_now(buyer, lapsed.id)).status is IntentStatus.CONFIRMING
    fake.paid(lapsed.id, usd(1000))
    asked = max((await jobs("payments.poll")), key=lambda job: job["attempt"])
    await payments.poll(PollIntent(lapsed.id, asked["attempt"]))
    assert await balance(buyer.id) == 1000


async def test_for_its_owner_and_for_admins_only(
    payments: IntentsService, fake: FakeProvider, lapsed: Intent, real_uow: UnitOfWork
) -> None:
    stranger = actor_of(await rich_person(real_uow, usd(0)))
    with pytest.raises(NotFound):
        await payments.poll_now(stranger, lapsed.id)


async def test_a_provider_that_is_silent_says_so(
    payments: IntentsService, fake: FakeProvider, lapsed: Intent, buyer: Actor
) -> None:
    fake.down = True
    with pytest.raises(ProviderDown):
        await payments.poll_now(buyer, lapsed.id)
    assert (await payments.intent(buyer, lapsed.id)).status is IntentStatus.EXPIRED
