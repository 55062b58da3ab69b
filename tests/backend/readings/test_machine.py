"""A state machine over credits and answers: whatever happens in whatever order, each credit is somewhere once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import CREDIT
from backend.readings.domain import answers, packages
from backend.readings.errors import NotEnoughCredits, ReadingChanged, ReadingLive
from backend.readings.repository import packages as lots
from backend.readings.types import AnswerId, AnswerSource, AnswerStatus, Failure
from backend.wallet import domain as wallet
from backend.wallet.repository.transfers import list_balances
from backend.wallet.types import AccountRef
from tests.backend.readings.table import TEXT, Table
from tests.factories.readings import LEASE, SUBSCRIPTIONS
from tests.fakes.clock import FakeClock
from tests.machines import lives

T = TypeVar("T")
LIVE = {AnswerStatus.WAITING, AnswerStatus.RUNNING}
SPREADS = st.sampled_from(["three", "one"])
PICK = st.integers(0, 20)


class CreditsMachine(RuleBasedStateMachine):
    """The model: what was given, what is held by live attempts, what whole texts used, what refunds took."""

    def __init__(self, url: str, ring: KeyRing) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = make_engine(url, pool_size=4)
        self.ring, self.clock = ring, FakeClock()
        self.uow = UnitOfWork(self.engine, self.clock, Signals(self.engine, url), SUBSCRIPTIONS)
        self.given = self.used = self.taken = 0
        self.status: dict[AnswerId, AnswerStatus] = {}
        self.attempt: dict[AnswerId, int] = {}
        self.price: dict[AnswerId, int] = {}
        self.slug: dict[AnswerId, str] = {}
        self.lots: dict[OrderLineId, int] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        async def clean() -> None:
            async with self.engine.begin() as connection:
                await connection.execute(text("SET LOCAL session_replication_role = replica"))
                await connection.execute(text("TRUNCATE users, reading_spreads, outbox_jobs, data_keys, "
                                              "ledger_transfers, ledger_legs, ledger_accounts, ledger_waiting, "
                                              "ledger_rollups, credit_lots CASCADE"))  # fmt: skip
            await self.engine.dispose()

        self.run(clean())
        self.loop.close()

    @initialize(credits=st.integers(0, 3))
    def open(self, credits: int) -> None:
        self.table = self.run(Table(self.uow, self.ring, self.clock).open(credits=credits))
        self.given = credits

    # The model

    @property
    def held(self) -> int:
        return sum(self.price[one] for one, status in self.status.items() if status in LIVE)

    @property
    def free(self) -> int:
        return self.given - self.used - self.taken - self.held

    def pick(self, number: int, *statuses: AnswerStatus) -> AnswerId | None:
        among = [one for one, status in self.status.items() if status in statuses]
        return among[number % len(among)] if among else None

    def is_live(self, slug: str) -> bool:
        return any(self.slug[one] == slug and status in LIVE for one, status in self.status.items())

    def end(self, one: AnswerId, status: AnswerStatus, *, used: bool = False) -> None:
        self.status[one] = status
        self.used += self.price[one] if used else 0

    # What people, workers and timers do

    @rule(slug=SPREADS)
    def ask(self, slug: str) -> None:
        try:
            one = self.run(self.table.ask(slug))
        except ReadingLive:
            assert self.is_live(slug)
        except NotEnoughCredits:
            assert self.free < 1
        else:
            assert not self.is_live(slug)
            self.status[one], self.attempt[one], self.price[one] = AnswerStatus.WAITING, 1, 1
            self.slug[one] = slug

    @rule(number=PICK)
    def claim(self, number: int) -> None:
        if (one := self.pick(number, *AnswerStatus)) is None:
            return

        async def claim() -> bool:
            async with self.uow() as tx:
                return await answers.claim(tx, self.ring, one, "w", LEASE) is not None

        claimed = self.run(claim())
        assert claimed == (self.status[one] is AnswerStatus.WAITING)
        if claimed:
            self.status[one] = AnswerStatus.RUNNING

    @rule(number=PICK, late=st.booleans(), model_failed=st.booleans())
    def complete(self, number: int, late: bool, model_failed: bool) -> None:
        if (one := self.pick(number, *AnswerStatus)) is None:
            return
        failure = Failure.REFUSED if model_failed else None
        source = AnswerSource.BUILT_IN if model_failed else AnswerSource.MODEL

        async def complete() -> bool:
            async with self.uow() as tx:
                attempt = self.attempt[one] - late
                return await answers.complete(tx, self.ring, one, attempt, source=source, text=TEXT, failure=failure)

        done = self.run(complete())
        assert done == (self.status[one] is AnswerStatus.RUNNING and not late)
        if done:
            self.end(one, AnswerStatus.COMPLETE, used=not model_failed)

    @rule(number=PICK, late=st.booleans())
    def fail(self, number: int, late: bool) -> None:
        if (one := self.pick(number, *AnswerStatus)) is None:
            return

        async def fail() -> bool:
            async with self.uow() as tx:
                return await answers.fail(tx, one, self.attempt[one] - late, Failure.GARBAGE)

        done = self.run(fail())
        assert done == (self.status[one] in LIVE and not late)
        if done:
            self.end(one, AnswerStatus.FAILED)

    @rule(number=PICK)
    def stop(self, number: int) -> None:
        if (one := self.pick(number, *AnswerStatus)) is None:
            return
        done = self.run(self.table.asking.stop(self.table.reader, one))
        assert done == (self.status[one] in LIVE)
        if done:
            self.end(one, AnswerStatus.STOPPED)

    @rule(number=PICK, plain=st.booleans())
    def again(self, number: int, plain: bool) -> None:
        if (one := self.pick(number, *AnswerStatus)) is None:
            return
        again = self.table.asking.plain_reading if plain else self.table.asking.try_again
        try:
            self.run(again(self.table.reader, one))
        except ReadingLive:
            assert self.is_live(self.slug[one])
        except ReadingChanged:
            assert self.status[one] is not AnswerStatus.FAILED
        except NotEnoughCredits:
            assert self.free < 1
        else:
            self.status[one], self.price[one] = AnswerStatus.WAITING, 0 if plain else 1
            self.attempt[one] += 1

    @rule()
    def reap(self) -> None:
        self.clock.move(minutes=10)
        lost = [one for one, status in self.status.items() if status in LIVE]
        assert self.run(self.table.services.upkeep.reap()) == len(lost)
        for one in lost:
            self.end(one, AnswerStatus.FAILED)

    @rule(credits=st.integers(1, 3))
    def buy(self, credits: int) -> None:
        line = OrderLineId(UUID(int=len(self.lots) + 1))
        self.clock.move(seconds=1)

        async def give() -> None:
            async with self.uow() as tx:
                await lots.add_lots(tx, {line: (self.table.reader.id, credits)}, tx.now)
                for _ in range(2):
                    await packages.give(tx, line, self.table.reader.id, credits)

        self.run(give())
        self.lots[line] = credits
        self.given += credits

    @rule(number=PICK)
    def refund(self, number: int) -> None:
        if not self.lots:
            return
        line = sorted(self.lots)[number % len(self.lots)]
        later = sum(credits for other, credits in self.lots.items() if other > line)

        async def take() -> int:
            async with self.uow() as tx:
                return await packages.take_back(tx, line, 1, 1)

        expected = max(0, min(self.lots[line], self.free - later))
        assert self.run(take()) == expected
        self.lots[line] -= expected
        self.taken += expected

    @invariant()
    def each_credit_is_somewhere_once(self) -> None:
        async def read(user_id: UserId) -> tuple[int, int]:
            async with self.uow.read() as tx:
                free = (await wallet.balance(tx, user_id, CREDIT)).amount
                return free, (await list_balances(tx, AccountRef.held(user_id), [CREDIT]))[CREDIT]

        if hasattr(self, "table"):
            assert self.run(read(self.table.reader.id)) == (self.free, self.held)


def test_each_credit_is_somewhere_once(database_url: str, ring: KeyRing, committed_db: None) -> None:
    run_state_machine_as_test(lambda: CreditsMachine(database_url, ring), settings=lives(4, steps=25))
