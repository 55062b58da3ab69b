"""Verifying the ledger finds everything that is wrong, and says where."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.cli.ledger import print_report, prove
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.money import CREDIT, Money
from backend.wallet import domain
from backend.wallet.service import WalletServices
from backend.wallet.types import REVENUE, AccountRef, Problem, TransferKind
from tests.backend.cli.conftest import Souk
from tests.factories.wallet import actor_of, give, rich_person, usd

_PURCHASE = "(SELECT id FROM ledger_transfers WHERE idempotency_key = 'order:1')"
_WALLET = "(SELECT id FROM ledger_accounts WHERE user_id IS NOT NULL AND asset = 'USD')"
_REVENUE = "(SELECT id FROM ledger_accounts WHERE name = 'revenue')"


@pytest.fixture
async def books(real_uow: UnitOfWork, real_wallet: WalletServices) -> WalletServices:
    """A small shop's ledger, partly rolled up."""
    user_id = await rich_person(real_uow, usd(1000))
    async with real_uow() as tx:
        await give(tx, user_id, Money(3, CREDIT))
        await domain.transfer(
            tx, TransferKind.PURCHASE, "order:1", AccountRef.user(user_id), AccountRef.shop(REVENUE), usd(250)
        )
    await real_wallet.ledger.roll_up()
    async with real_uow() as tx:
        await domain.transfer(
            tx, TransferKind.PURCHASE, "order:2", AccountRef.user(user_id), AccountRef.shop(REVENUE), usd(50)
        )
    return real_wallet


async def corrupt(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        # As an intruder or a broken disk would: past every trigger and foreign key.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            assert (await connection.execute(text(statement))).rowcount > 0


async def test_sound_books_balance(books: WalletServices) -> None:
    steps: list[tuple[int, int]] = []
    report = await books.ledger.verify(Actor.system(), lambda done, all_of_them: steps.append((done, all_of_them)))
    assert report.balanced
    assert (report.transfers, report.legs, report.accounts, report.waiting) == (4, 8, 5, 1)
    assert report.totals == {"USD": 700, CREDIT: 3}
    assert report.differences == []
    assert steps[0] == (0, steps[0][1])
    assert steps[-1][0] == steps[-1][1]


async def test_an_empty_ledger_balances(real_wallet: WalletServices) -> None:
    report = await real_wallet.ledger.verify(Actor.system())
    assert report.balanced
    assert report.totals == {}


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        (f"UPDATE ledger_legs SET amount = 251 WHERE transfer_id = {_PURCHASE} AND seq IS NULL",
         {Problem.UNBALANCED, Problem.WRONG_ROLLUP}),
        (f"UPDATE ledger_legs SET amount = -249 WHERE transfer_id = {_PURCHASE} AND seq IS NOT NULL",
         {Problem.UNBALANCED, Problem.WRONG_BALANCE, Problem.BROKEN_CHAIN}),
        (f"DELETE FROM ledger_legs WHERE transfer_id = {_PURCHASE}",
         {Problem.INCOMPLETE, Problem.WRONG_BALANCE, Problem.BROKEN_CHAIN, Problem.WRONG_ROLLUP}),
        (f"DELETE FROM ledger_transfers WHERE id = {_PURCHASE}", {Problem.ORPHAN_LEG}),
        ("INSERT INTO ledger_transfers (id, kind, idempotency_key, memo, at) "
         "VALUES (gen_random_uuid(), 'bonus', 'x', '{}', now())", {Problem.INCOMPLETE}),
        ("DELETE FROM ledger_accounts WHERE name = 'revenue'",
         {Problem.ORPHAN_LEG, Problem.WRONG_ROLLUP, Problem.ASSET_NOT_ZERO}),
        (f"UPDATE ledger_legs SET asset = 'EUR' WHERE transfer_id = {_PURCHASE}", {Problem.WRONG_ASSET}),
        (f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {_WALLET}",
         {Problem.WRONG_BALANCE, Problem.ASSET_NOT_ZERO}),
        (f"UPDATE ledger_legs SET balance_after = 1 WHERE transfer_id = {_PURCHASE} AND seq IS NOT NULL",
         {Problem.BROKEN_CHAIN}),
        (f"UPDATE ledger_accounts SET seq = seq + 1 WHERE id = {_WALLET}", {Problem.BROKEN_CHAIN}),
        (f"UPDATE ledger_legs SET seq = NULL, balance_after = NULL "
         f"WHERE transfer_id = {_PURCHASE} AND account_id = {_WALLET}", {Problem.BROKEN_CHAIN}),
        (f"UPDATE ledger_rollups SET balance = balance - 5 WHERE account_id = {_REVENUE}",
         {Problem.WRONG_ROLLUP, Problem.ASSET_NOT_ZERO}),
        (f"UPDATE ledger_rollups SET legs = legs + 1 WHERE account_id = {_REVENUE}", {Problem.WRONG_ROLLUP}),
        (f"DELETE FROM ledger_rollups WHERE account_id = {_REVENUE}",
         {Problem.WRONG_ROLLUP, Problem.ASSET_NOT_ZERO}),
        ("DELETE FROM ledger_waiting", {Problem.WRONG_ROLLUP, Problem.ASSET_NOT_ZERO}),
        ("UPDATE ledger_waiting SET amount = amount * 2", {Problem.WRONG_ROLLUP, Problem.ASSET_NOT_ZERO}),
    ],
)  # fmt: skip
async def test_the_proof_finds(
    books: WalletServices, engine: AsyncEngine, statement: str, problems: set[Problem]
) -> None:
    await corrupt(engine, statement)
    report = await books.ledger.verify(Actor.system())
    assert set(report.problems) == problems
    assert not report.balanced
    assert {item.problem for item in report.differences} == problems


async def test_a_difference_names_the_account_and_both_sums(books: WalletServices, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        account = (await connection.execute(text(f"SELECT {_WALLET}"))).scalar_one()
    await corrupt(engine, f"UPDATE ledger_accounts SET balance = 9999 WHERE id = '{account}'")
    report = await books.ledger.verify(Actor.system())
    wrong = next(item for item in report.differences if item.problem is Problem.WRONG_BALANCE)
    assert (wrong.subject, wrong.asset, wrong.expected, wrong.actual) == (str(account), "USD", 700, 9999)


async def test_many_differences_are_counted_and_a_hundred_listed(books: WalletServices, engine: AsyncEngine) -> None:
    await corrupt(
        engine,
        "INSERT INTO ledger_transfers (id, kind, idempotency_key, memo, at) "
        "SELECT gen_random_uuid(), 'bonus', 'x' || n, '{}', now() FROM generate_series(1, 250) AS n",
    )
    report = await books.ledger.verify(Actor.system())
    assert report.problems == {Problem.INCOMPLETE: 250}
    assert len(report.differences) == 100


async def test_the_proof_is_for_those_who_may_see_money(real_wallet: WalletServices, real_uow: UnitOfWork) -> None:
    buyer = actor_of(await rich_person(real_uow, usd(0)))
    with pytest.raises(Forbidden):
        await real_wallet.ledger.verify(buyer)
    with pytest.raises(Forbidden):
        await real_wallet.ledger.shop_accounts(buyer)


async def test_the_command_prints_each_difference(books: WalletServices, engine: AsyncEngine) -> None:
    def printed(width: int) -> str:
        console = Console(file=io.StringIO(), width=width)
        print_report(console, report)
        return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]

    report = await prove(books.ledger)
    assert "The ledger is balanced." in printed(80)
    await corrupt(engine, f"UPDATE ledger_accounts SET balance = 9999 WHERE id = {_WALLET}")
    report = await prove(books.ledger)
    subject = next(item.subject for item in report.differences if item.problem is Problem.WRONG_BALANCE)
    assert f"wrong_balance  {subject}  USD  should be 700, is 9999" in printed(60)
    assert "The ledger is not balanced" in printed(80)


async def test_souk_ledger_verify_tells_by_its_exit_code(
    books: WalletServices, engine: AsyncEngine, souk: Souk
) -> None:
    result = await souk("ledger", "verify")
    assert (result.exit_code, "The ledger is balanced." in result.output) == (0, True)
    await corrupt(engine, f"UPDATE ledger_accounts SET balance = 9999 WHERE id = {_WALLET}")
    result = await souk("ledger", "verify")
    assert result.exit_code == 1
    assert "USD  should be 700, is 9999" in result.output
