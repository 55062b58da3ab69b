"""Which payments start which tasks, with the subscriptions of the whole backend."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.growth.types import NewBonusRule
from backend.identity.types import Actor
from backend.infra.jobs import by_name
from backend.infra.runner import Runner
from backend.kernel.ids import OrderId, new_id
from backend.payments.types import ProviderReport, ProviderState
from backend.wallet import domain as ledger
from backend.worker import all_tasks
from tests.factories.identity import person
from tests.factories.shop import add_goods
from tests.factories.wallet import USD, usd

_STARTED = text("SELECT id, task FROM outbox_jobs WHERE payload ? 'way' AND done_at IS NULL ORDER BY id")


class Till:
    """Payments, and the worker's runner."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.runner = Runner(services.uow, by_name(all_tasks(services)), attempts=3)

    async def paid(self, buyer: Actor, cents: int, order_id: OrderId | None) -> None:
        """A payment that is complete."""
        key = str(new_id())
        payments = self.services.payments.intents
        intent = await payments.start_top_up(buyer, "demo", usd(cents), order_id, idempotency_key=key)
        report = ProviderReport(event_id=key, state=ProviderState.PAID, intent_id=intent.id, received=usd(cents))
        await payments.settle("demo", report)

    async def run(self) -> set[str]:
        """Run what the payments have started; the tasks."""
        async with self.services.uow.read() as tx:
            rows: list[Any] = list(await tx.execute(_STARTED))
        for row in rows:
            await self.runner.run(row.id)
        return {row.task for row in rows}

    async def balance(self, buyer: Actor) -> int:
        """In cents."""
        async with self.services.uow.read() as tx:
            return (await ledger.balance(tx, buyer.id, USD)).amount


@pytest.fixture
def till(services: Services) -> Till:
    return Till(services)


async def test_a_top_up_starts_the_bonus_and_a_payment_for_an_order_the_settlement(
    till: Till, services: Services, settings: Any
) -> None:
    owner, buyer = await person(services.identity, settings.root_admin_id), await person(services.identity)
    await services.growth.bonuses.add_rule(owner, NewBonusRule(minimum=usd(100), basis_points=1000))
    await till.paid(buyer, 1000, None)
    assert await till.run() == {"growth.credit_bonus", "notifications.top_up_succeeded"}
    assert await till.balance(buyer) == 1100

    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, price=1500)
    order = await services.orders.checkout.reserve(buyer, goods.variant_id, 1, "tap-0000001")
    await till.paid(buyer, 1500, order.id)
    assert await till.run() == {"orders.settle_payment", "notifications.top_up_succeeded"}
    assert await till.balance(buyer) == 1100, "the order is paid, and earns no bonus"
