"""What the simulations of a shop share: one transaction that is rolled back, a clock, services, people."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.bootstrap import FULFILLERS, SUBSCRIPTIONS
from backend.catalog.types.fulfilment import Fulfiller
from backend.growth.fulfilment import PremiumMonths
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.orders.domain.lines import Fulfillers
from backend.orders.service import OrdersServices
from backend.orders.types import ReservationLimits
from backend.wallet.repository import ledger
from backend.wallet.types import Problem
from tests.factories.shop import buyers
from tests.factories.wallet import HUGE, give, usd, wallet_services
from tests.fakes.clock import FakeClock
from tests.fakes.savepoints import SavepointUnitOfWork

T = TypeVar("T")
HOLD = timedelta(minutes=15)
PEOPLE = 3


class Life(RuleBasedStateMachine):
    """A shop with three buyers; every example runs in one transaction that is rolled back."""

    config: Settings
    more: Sequence[Fulfiller] = ()
    """Kinds of goods beside those of the shop."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.taps = 0
        self.run(self._connect())
        self.run(self.open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it."""
        return self.runner.run(work)

    def tap(self, name: str = "tap") -> str:
        """A new idempotency key."""
        self.taps += 1
        return f"{name}-{self.taps:08}"

    async def _connect(self) -> None:
        self.engine = make_engine(self.config.database_url, pool_size=1)
        self.connection: AsyncConnection = await self.engine.connect()
        self.outer = await self.connection.begin()
        signals = Signals(self.engine, self.config.database_url)
        self.uow = SavepointUnitOfWork(self.connection, self.clock, signals, SUBSCRIPTIONS)
        self.ring = KeyRing(self.config.master_keys)
        # The bounds for keys have tests of their own (test_unpaid.py).
        limits = ReservationLimits(orders=3, keys=1000, share=100)
        self.orders = OrdersServices.build(
            uow=self.uow,
            ring=self.ring,
            fulfillers=Fulfillers(
                [*(make(self.ring) for make in FULFILLERS), PremiumMonths(lambda: timedelta(days=3)), *self.more]
            ),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: HOLD,
            limits=lambda: limits,
        )
        self.wallet = wallet_services(self.uow)
        self.people: list[Actor] = await buyers(self.uow, PEOPLE, 0)

    async def open(self) -> None:
        """Put the goods on the shelf."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Forget it all."""

        async def close() -> None:
            await self.outer.rollback()
            await self.connection.close()
            await self.engine.dispose()

        self.run(close())
        self.runner.close()

    async def add_money(self, who: int, cents: int) -> None:
        """Somebody tops up."""
        async with self.uow() as tx:
            await give(tx, self.people[who].id, usd(cents))

    async def differences(self) -> list[Any]:
        """What is wrong in the ledger."""
        async with self.uow.read() as tx:
            by_problem = [await ledger.list_differences(tx, problem) for problem in Problem]
        return [listed for listed, _ in by_problem if listed]
