"""What is heard of a payment after its time, and of a chain that takes a payment back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.payments.service import IntentsService
from backend.payments.types import (
    Intent,
    IntentStatus,
    PollIntent,
    ProviderReport,
    ProviderState,
)
from tests.backend.payments.test_inbox import begun, buyer, fake, stars
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
__all__ = ["begun", "buyer", "fake"]


async def test_late_money_of_a_method_without_webhooks_is_seen(
    payments: IntentsService, fake: FakeProvider, begun: Intent, clock: FakeClock, balance: Balance, buyer: Actor
) -> None:
    """An expired payment is polled until ``follow_seconds`` have passed."""
    clock.move(minutes=31)
    await payments.poll(PollIntent(begun.id, 0))
    assert (await payments.intent(buyer, begun.id)).status is IntentStatus.EXPIRED
    fake.paid(begun.id, stars(770))
    clock.move(minutes=30)
    await payments.poll(PollIntent(begun.id, 1))
    assert await balance(buyer.id) == 1000
    fake.paid(begun.id, stars(1540))
    clock.move(minutes=60)
    await payments.poll(PollIntent(begun.id, 2))
    assert await balance(buyer.id) == 1000
    asked = fake.asked
    assert await payments.sweep() == 0
    await payments.poll(PollIntent(begun.id, 3))
    assert fake.asked == asked


async def test_confirmations_are_shown_and_a_reorganised_chain_takes_them_back(
    payments: IntentsService, fake: FakeProvider, begun: Intent, buyer: Actor, balance: Balance
) -> None:
    def confirming(count: str) -> None:
        fake.reports(
            ProviderReport(
                event_id=f"c{count}",
                state=ProviderState.CONFIRMING,
                intent_id=begun.id,
                details={"confirmations": count, "needed": "12"},
            )
        )

    for count in ("1", "2"):
        confirming(count)
        shown = await payments.refresh(buyer, begun.id)
        assert (shown.status, shown.progress["confirmations"]) == (IntentStatus.CONFIRMING, count)
    fake.says(begun.id, ProviderState.PENDING)
    assert (await payments.refresh(buyer, begun.id)).status is IntentStatus.PENDING
    confirming("1")
    assert (await payments.refresh(buyer, begun.id)).status is IntentStatus.CONFIRMING
    fake.says(begun.id, ProviderState.PENDING)
    back = await payments.refresh(buyer, begun.id)
    assert (back.status, back.progress) == (IntentStatus.PENDING, {})
    assert await balance(buyer.id) == 0
    assert timedelta(0) < back.expires_at - back.created_at
