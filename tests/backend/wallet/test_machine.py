"""A state machine over the ledger: after every step the ledger is balanced and agrees with a plain model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.database import make_engine
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import SystemClock
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.wallet import domain
from backend.wallet.errors import IdempotencyConflict, InsufficientFunds
from backend.wallet.types import REVENUE, AccountRef, NewTransfer, TransferId, TransferKind
from tests.factories.wallet import USD, add_person, wallet_services
from tests.machines import lives

T = TypeVar("T")
PEOPLE = 3
SHOP = AccountRef.shop(REVENUE)
PROVIDER = AccountRef.shop("provider:demo")

person = st.integers(0, PEOPLE - 1)
cents = st.integers(1, 500)
asset = st.sampled_from([USD, CREDIT])


class Killed(Exception):
    """Stands for a process that dies before its commit."""


class LedgerMachine(RuleBasedStateMachine):
    """The model is a dictionary of balances and a list of what was posted."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = make_engine(url, pool_size=8)
        self.uow = UnitOfWork(self.engine, SystemClock(), Signals(self.engine, url), {})
        self.wallet = wallet_services(self.uow)
        self.balances: dict[tuple[AccountRef, str], int] = {}
        self.posted: list[tuple[NewTransfer, TransferId]] = []
        self.keys = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self._clean())
        self.loop.close()

    async def _clean(self) -> None:
        tables = "ledger_transfers, ledger_legs, ledger_accounts, ledger_waiting, ledger_rollups, users"
        async with self.engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text(f"TRUNCATE {tables} CASCADE"))
        await self.engine.dispose()

    @initialize()
    def open(self) -> None:
        async def make() -> list[UserId]:
            async with self.uow() as tx:
                return [await add_person(tx) for _ in range(PEOPLE)]

        self.people = [AccountRef.user(user_id) for user_id in self.run(make())]

    # The model

    def held(self, ref: AccountRef, asset: str) -> int:
        return self.balances.get((ref, asset), 0)

    def new(self, kind: TransferKind, debit: AccountRef, credit: AccountRef, amount: Money) -> NewTransfer:
        self.keys += 1
        return NewTransfer(kind=kind, idempotency_key=f"k{self.keys}", debit=debit, credit=credit, amount=amount)

    def note(self, new: NewTransfer, transfer_id: TransferId) -> None:
        units, name = new.amount.amount, new.amount.currency
        self.balances[new.debit, name] = self.held(new.debit, name) - units
        self.balances[new.credit, name] = self.held(new.credit, name) + units
        self.posted.append((new, transfer_id))

    def affordable(self, new: NewTransfer) -> bool:
        return new.debit.user_id is None or self.held(new.debit, new.amount.currency) >= new.amount.amount

    # The ledger

    async def post(self, new: NewTransfer) -> TransferId:
        return (await self.post_all([new]))[0]

    async def post_all(self, rows: Sequence[NewTransfer]) -> list[TransferId]:
        async with self.uow() as tx:
            return [
                await domain.transfer(
                    tx, new.kind, new.idempotency_key, new.debit, new.credit, new.amount, new.reference, new.memo
                )
                for new in rows
            ]

    def do(self, new: NewTransfer) -> None:
        if self.affordable(new):
            self.note(new, self.run(self.post(new)))
            return
        try:
            self.run(self.post(new))
        except InsufficientFunds as refused:
            held = self.held(new.debit, new.amount.currency)
            assert refused.balance.amount == held
            assert refused.missing.amount == new.amount.amount - held
        else:
            raise AssertionError("money out of nothing")

    @rule(who=person, amount=cents, name=asset)
    def top_up(self, who: int, amount: int, name: str) -> None:
        self.do(self.new(TransferKind.TOP_UP, PROVIDER, self.people[who], Money(amount, name)))

    @rule(who=person, amount=cents, name=asset)
    def purchase(self, who: int, amount: int, name: str) -> None:
        self.do(self.new(TransferKind.PURCHASE, self.people[who], SHOP, Money(amount, name)))

    @rule(who=person, amount=cents)
    def refund(self, who: int, amount: int) -> None:
        self.do(self.new(TransferKind.REFUND, SHOP, self.people[who], Money(amount, USD)))

    @rule(payer=person, payee=person, amount=cents)
    def between_people(self, payer: int, payee: int, amount: int) -> None:
        if payer != payee:
            self.do(self.new(TransferKind.BONUS, self.people[payer], self.people[payee], Money(amount, USD)))

    @rule(amount=cents)
    def inside_the_shop(self, amount: int) -> None:
        self.do(self.new(TransferKind.ADJUSTMENT, SHOP, PROVIDER, Money(amount, USD)))

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        new, transfer_id = data.draw(st.sampled_from(self.posted))
        assert self.run(self.post(new)) == transfer_id

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def reuse_a_key(self, data: st.DataObject) -> None:
        new, _ = data.draw(st.sampled_from(self.posted))
        other = NewTransfer(kind=new.kind, idempotency_key=new.idempotency_key, debit=new.debit, credit=new.credit,
                            amount=new.amount + Money(1, new.amount.currency))  # fmt: skip
        try:
            self.run(self.post(other))
        except IdempotencyConflict:
            return
        raise AssertionError("a key was used for two things")

    @rule(orders=st.lists(st.tuples(person, cents), min_size=1, max_size=4))
    def batch(self, orders: list[tuple[int, int]]) -> None:
        rows = [self.new(TransferKind.PURCHASE, self.people[who], SHOP, Money(amount, USD)) for who, amount in orders]
        amounts = {ref: sum(new.amount.amount for new in rows if new.debit == ref) for ref in {n.debit for n in rows}}
        enough = all(self.held(ref, USD) >= amount for ref, amount in amounts.items())

        try:
            transfer_ids = self.run(self.post_all(rows))
        except InsufficientFunds:
            assert not enough
        else:
            assert enough
            for new, transfer_id in zip(rows, transfer_ids, strict=True):
                self.note(new, transfer_id)

    @rule(orders=st.lists(st.tuples(person, cents), min_size=2, max_size=6))
    def at_once(self, orders: list[tuple[int, int]]) -> None:
        rows = [self.new(TransferKind.PURCHASE, self.people[who], SHOP, Money(amount, USD)) for who, amount in orders]
        results = self.run(self._gather(self.post(new) for new in rows))
        for new, result in zip(rows, results, strict=True):
            if not isinstance(result, BaseException):
                self.note(new, result)
        for new, result in zip(rows, results, strict=True):
            if isinstance(result, BaseException):
                assert isinstance(result, InsufficientFunds), result
                # Only debits ran, so what was too little then is too little still.
                assert self.held(new.debit, USD) < new.amount.amount

    @rule(who=person, amount=cents, times=st.integers(2, 5))
    def same_key_at_once(self, who: int, amount: int, times: int) -> None:
        new = self.new(TransferKind.TOP_UP, PROVIDER, self.people[who], Money(amount, USD))
        transfer_ids = self.run(self._gather(self.post(new) for _ in range(times)))
        assert len(set(transfer_ids)) == 1
        self.note(new, transfer_ids[0])

    async def _gather(self, work: Any) -> list[Any]:
        waiting: list[Awaitable[Any]] = list(work)
        return await asyncio.gather(*waiting, return_exceptions=True)

    @rule(who=person, amount=cents)
    def killed_before_the_commit(self, who: int, amount: int) -> None:
        new = self.new(TransferKind.TOP_UP, PROVIDER, self.people[who], Money(amount, USD))

        async def die() -> None:
            async with self.uow() as tx:
                await domain.transfer(tx, new.kind, new.idempotency_key, new.debit, new.credit, new.amount)
                raise Killed

        try:
            self.run(die())
        except Killed:
            return

    @rule()
    def roll_up(self) -> None:
        self.run(self.wallet.ledger.roll_up())

    @invariant()
    def the_books_balance_and_agree_with_the_model(self) -> None:
        report = self.run(self.wallet.ledger.verify(Actor.system()))
        assert report.balanced, report.differences
        assert report.transfers == len(self.posted)

        async def read() -> dict[tuple[AccountRef, str], int]:
            async with self.uow.read() as tx:
                balances = {
                    (AccountRef.shop(item.name), item.balance.currency): item.balance.amount
                    for item in await domain.shop_balances(tx)
                }
                for ref in self.people:
                    assert ref.user_id is not None
                    for name, money in (await domain.balances(tx, ref.user_id, (USD, CREDIT))).items():
                        balances[ref, name] = money.amount
                return balances

        balances = self.run(read())
        assert {key: value for key, value in balances.items() if value} == {
            key: value for key, value in self.balances.items() if value
        }


@pytest.mark.long("four hundred lives, if asked for")
def test_the_ledger_agrees_with_its_model(database_url: str) -> None:
    """The same few lives of a ledger each time; ``SOUK_EXAMPLES=400`` for many, other ones each time."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: LedgerMachine(database_url),
        settings=lives(few=3),
    )
