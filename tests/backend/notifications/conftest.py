"""A shop that writes to a simulated Telegram, and its jobs run on the spot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.jobs import by_name
from backend.infra.outbox import OutboxJob
from backend.infra.runner import Runner
from backend.infra.settings import Settings
from backend.kernel.text import Locale
from backend.orders.types import OrderView
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, TransferKind
from backend.worker import all_tasks
from tests.bot.telegram import EMMA, NADIA, Telegram, telegram_running
from tests.factories.identity import contact
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="session")
async def shared_telegram() -> AsyncIterator[Telegram]:
    """One simulator for all tests that reset it."""
    async with telegram_running() as running:
        yield running


@pytest.fixture
async def telegram(shared_telegram: Telegram) -> Telegram:
    """A simulator as on its first start; the buyer has met the bot."""
    await shared_telegram.reset()
    await shared_telegram.person(EMMA).meet()
    return shared_telegram


class Shop:
    """The backend, and what tests do with it."""

    def __init__(self, services: Services, clock: FakeClock) -> None:
        self.services = services
        self.clock = clock
        self._tasks = by_name(all_tasks(services))

    async def buyer(self, number: int = EMMA, language: str = "en", cents: int = 100_000) -> Actor:
        """Somebody with money."""
        name = {"first_name": "Emma", "last_name": "Clarke <3"}
        actor = await self.services.identity.access.authenticate(contact(number, language_code=language, **name))
        async with self.services.uow() as tx:
            source, target = AccountRef.shop("provider:test"), AccountRef.user(actor.id)
            await wallet.transfer(tx, TransferKind.TOP_UP, f"start:{number}", source, target, usd(cents))
        return await self.services.identity.profile.set_language(actor, Locale(language))

    async def goods(self, **how: Any) -> Goods:
        """Something to buy."""
        async with self.services.uow() as tx:
            return await add_goods(tx, self.services.ring, **how)

    async def sale(self, buyer: Actor, goods: Goods, quantity: int = 1, key: str = "tap-0000001") -> OrderView:
        """A purchase."""
        return await self.services.orders.checkout.place(buyer, goods.variant_id, quantity, key)

    async def work(self, *, attempts: int = 8, passes: int = 10) -> None:
        """Run every job that is due, and the jobs that follow; with one pass only the jobs that are due now."""
        runner = Runner(self.services.uow, self._tasks, attempts=attempts, most_follow_ups=20 if passes > 1 else 0)
        for _ in range(passes):
            async with self.services.uow.read() as tx:
                due = select(OutboxJob.id).where(OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None))
                due = due.where(OutboxJob.run_at <= tx.now)
                ids = [row.id for row in await tx.execute(due.order_by(OutboxJob.run_at))]
            if not ids:
                return
            for job_id in ids:
                await runner.run(job_id)

    async def later(self, **by: float) -> None:
        """Time passes, and the jobs run."""
        self.clock.move(**by)
        await self.work()

    async def notifications(self, kind: str | None = None) -> list[Any]:
        """The rows."""
        where = f"WHERE kind = '{kind}'" if kind else ""
        async with self.services.uow.read() as tx:
            return list((await tx.execute(text(f"SELECT * FROM notifications {where} ORDER BY created_at, id"))).all())

    async def jobs(self, task: str) -> list[Any]:
        """A task's rows in the outbox."""
        async with self.services.uow.read() as tx:
            statement = text("SELECT * FROM outbox_jobs WHERE task = :task ORDER BY created_at, id")
            return list((await tx.execute(statement, {"task": task})).all())


@pytest.fixture
async def shop(
    other_settings: Callable[..., Settings], telegram: Telegram, committed_db: None, clock: FakeClock
) -> AsyncIterator[Shop]:
    """The backend, connected to the simulator."""
    services = build(other_settings(telegram_api_url=telegram.url), clock=clock)
    # The limit of a message a second to a chat is tested in test_refusals; here it only takes time.
    services.telegram.pace = None
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        # The root admin gets a name at the first sign-in.
        await services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
        yield Shop(services, clock)
