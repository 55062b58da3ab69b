"""What the ledger promises to a single writer, and what the database itself refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.unit_of_work import Tx, UnitOfWork, sqlstate
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.wallet import domain
from backend.wallet.errors import IdempotencyConflict, InsufficientFunds
from backend.wallet.types import REVENUE, AccountRef, TransferKind
from tests.constraints import violated_constraint
from tests.factories.wallet import add_person, give, rich_person, usd
from tests.fakes.heard import statements_of

SHOP = AccountRef.shop(REVENUE)


async def buy(tx: Tx, user_id: UserId, cents: int, key: str = "order:1") -> object:
    return await domain.transfer(tx, TransferKind.PURCHASE, key, AccountRef.user(user_id), SHOP, usd(cents))


async def test_a_purchase_moves_money_from_the_person_to_the_shop(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(1000))
    async with uow() as tx:
        await buy(tx, user_id, 400)
        assert await domain.balance(tx, user_id, "USD") == usd(600)
        accounts = {item.name: item.balance for item in await domain.shop_balances(tx)}
    assert accounts == {"provider:demo": usd(-1000), "revenue": usd(400)}


async def test_somebody_new_has_nothing_and_cannot_spend(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(0))
    async with uow() as tx:
        assert await domain.balance(tx, user_id, "USD") == usd(0)
        with pytest.raises(InsufficientFunds) as refused:
            await buy(tx, user_id, 400)
        assert (refused.value.missing, refused.value.balance) == (usd(400), usd(0))


async def test_too_little_money_says_how_much_is_missing_and_leaves_the_transaction_good(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(300))
    async with uow() as tx:
        with pytest.raises(InsufficientFunds) as refused:
            await buy(tx, user_id, 400)
        assert (refused.value.missing, refused.value.balance) == (usd(100), usd(300))
        await buy(tx, user_id, 300, "order:2")
    async with uow() as tx:
        assert await domain.balance(tx, user_id, "USD") == usd(0)


async def test_the_same_key_again_moves_nothing_and_names_the_first_transfer(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(500))
    async with uow() as tx:
        first = await buy(tx, user_id, 400)
    async with uow() as tx:
        # The balance no longer covers it: a replay is told from a refusal all the same.
        assert await buy(tx, user_id, 400) == first
        assert await domain.balance(tx, user_id, "USD") == usd(100)


@pytest.mark.parametrize("change", ["amount", "kind", "debit", "credit"])
async def test_a_key_used_for_something_else_is_a_conflict(uow: UnitOfWork, change: str) -> None:
    user_id, other = await rich_person(uow, usd(500)), await rich_person(uow, usd(500))
    asked = {
        "kind": TransferKind.PURCHASE,
        "debit": AccountRef.user(user_id),
        "credit": SHOP,
        "amount": usd(100),
    }
    async with uow() as tx:
        await domain.transfer(tx, idempotency_key="k", **asked)  # type: ignore[arg-type]
    changes = {"amount": usd(101), "kind": TransferKind.READING, "debit": AccountRef.user(other),
               "credit": AccountRef.shop("provider:demo")}  # fmt: skip
    async with uow() as tx:
        with pytest.raises(IdempotencyConflict):
            await domain.transfer(tx, idempotency_key="k", **(asked | {change: changes[change]}))  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [0, -1, 10**15 + 1, 2**63 - 1])
async def test_amounts_that_no_transfer_has_are_refused(uow: UnitOfWork, amount: int) -> None:
    async with uow() as tx:
        user_id = await add_person(tx)
        with pytest.raises(ValueError, match="positive amount"):
            await buy(tx, user_id, amount)


async def test_between_two_people_and_between_two_shop_accounts(uow: UnitOfWork) -> None:
    one, two = await rich_person(uow, usd(500)), await rich_person(uow, usd(0))
    async with uow() as tx:
        await domain.transfer(tx, TransferKind.BONUS, "a", AccountRef.user(one), AccountRef.user(two), usd(200))
        await domain.transfer(tx, TransferKind.ADJUSTMENT, "b", SHOP, AccountRef.shop("fees"), usd(30))
        with pytest.raises(InsufficientFunds):
            await domain.transfer(tx, TransferKind.BONUS, "c", AccountRef.user(two), AccountRef.user(one), usd(201))
        assert await domain.balance(tx, one, "USD") == usd(300)
        assert await domain.balance(tx, two, "USD") == usd(200)
        accounts = {item.name: item.balance.amount for item in await domain.shop_balances(tx)}
    assert accounts == {"provider:demo": -500, "fees": 30, "revenue": -30}


async def test_a_transfer_to_oneself_and_an_odd_account_name_are_refused(uow: UnitOfWork) -> None:
    async with uow() as tx:
        with pytest.raises(ValueError, match="two accounts"):
            await domain.transfer(tx, TransferKind.BONUS, "k", SHOP, SHOP, usd(1))
    for name in ("", "Revenue", "a b", "provider:", "x:y:z", "a;drop"):
        with pytest.raises(ValueError, match="account name"):
            AccountRef.shop(name)


async def test_assets_do_not_mix(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(500))
    async with uow() as tx:
        await give(tx, user_id, Money(4, CREDIT))
        held = await domain.balances(tx, user_id, ("USD", CREDIT, "EUR"))
        assert {asset: money.amount for asset, money in held.items()} == {"USD": 500, CREDIT: 4, "EUR": 0}
        with pytest.raises(InsufficientFunds):
            await domain.transfer(tx, TransferKind.READING, "r", AccountRef.user(user_id), SHOP, Money(5, CREDIT))


async def test_a_transaction_of_several_transfers_is_all_or_nothing(uow: UnitOfWork) -> None:
    one, two = await rich_person(uow, usd(100)), await rich_person(uow, usd(100))
    with pytest.raises(InsufficientFunds):
        async with uow() as tx:
            await buy(tx, one, 60, "a")
            await buy(tx, two, 101, "b")
    async with uow() as tx:
        assert await domain.balance(tx, one, "USD") == usd(100)
        transfers = [await buy(tx, one, 60, "a"), await buy(tx, two, 40, "b"), await buy(tx, one, 60, "a")]
        assert transfers[0] == transfers[2] != transfers[1]
        assert await domain.balance(tx, one, "USD") == usd(40)


async def test_the_rollup_counts_each_leg_once(uow: UnitOfWork) -> None:
    user_id = await rich_person(uow, usd(1000))
    async with uow() as tx:
        await buy(tx, user_id, 100, "1")
        before = await domain.shop_balances(tx)
        assert await domain.roll_up(tx) == 2
        assert await domain.roll_up(tx) == 0
        await buy(tx, user_id, 50, "2")
        assert await domain.roll_up(tx) == 1
        after = {item.name: item.balance.amount for item in await domain.shop_balances(tx)}
    assert {item.name: item.balance.amount for item in before} == {"provider:demo": -1000, "revenue": 100}
    assert after == {"provider:demo": -1000, "revenue": 150}


async def test_a_purchase_is_one_statement(uow: UnitOfWork, engine: AsyncEngine) -> None:
    user_id = await rich_person(uow, usd(1000))
    async with uow() as tx:
        await buy(tx, user_id, 10, "opens the revenue account")
        with statements_of(engine) as seen:
            await buy(tx, user_id, 10, "the usual way")
        assert len(seen) == 1
        with statements_of(engine) as seen:
            await buy(tx, user_id, 10, "the usual way")
        assert len(seen) == 2


# What the database itself refuses.

_LEG = """INSERT INTO ledger_legs (transfer_id, ordinal, account_id, asset, amount, at)
          SELECT t.id, {ordinal}, a.id, {asset}, {amount}, now() FROM ledger_transfers t, ledger_accounts a
          WHERE t.idempotency_key = 'order:1' AND a.name = 'revenue'"""


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE ledger_transfers SET kind = 'bonus'", ""),
        ("DELETE FROM ledger_transfers WHERE false", ""),
        ("TRUNCATE ledger_transfers CASCADE", ""),
        ("UPDATE ledger_legs SET amount = amount * 2", ""),
        ("DELETE FROM ledger_legs", ""),
        ("TRUNCATE ledger_legs", ""),
        ("DELETE FROM ledger_accounts", ""),
        ("UPDATE ledger_accounts SET asset = 'EUR'", ""),
        ("UPDATE ledger_accounts SET user_id = NULL, balance = NULL, seq = NULL", ""),
        ("UPDATE ledger_accounts SET balance = -1 WHERE user_id IS NOT NULL", "ck_ledger_accounts_not_negative"),
        (_LEG.format(ordinal=2, asset="a.asset", amount=5), "ledger_transfer_balanced"),
        (_LEG.format(ordinal=2, asset="'EUR'", amount=5), "ledger_transfer_balanced"),
        (_LEG.format(ordinal=0, asset="a.asset", amount=5), "pk_ledger_legs"),
        (_LEG.format(ordinal=-1, asset="a.asset", amount=5), "ck_ledger_legs_ordinal_counts"),
        (_LEG.format(ordinal=2, asset="a.asset", amount=0), "ck_ledger_legs_moves_something"),
        ("INSERT INTO ledger_transfers (id, kind, idempotency_key, memo, at) "
         "VALUES (gen_random_uuid(), 'bonus', 'bare', '{}', now())", "ledger_transfer_balanced"),
    ],
)  # fmt: skip
async def test_the_database_refuses(uow: UnitOfWork, sql: str, constraint: str) -> None:
    user_id = await rich_person(uow, usd(1000))
    async with uow() as tx:
        await buy(tx, user_id, 100)
    with pytest.raises(DBAPIError) as refused:
        async with uow() as tx:
            await tx.execute(text(sql))
    if constraint:
        assert violated_constraint(refused.value) == constraint
    else:
        assert sqlstate(refused.value) in {"23001", "0A000"}


def pair(account: str, asset: str) -> str:
    return " UNION ALL ".join(
        (
            _LEG.format(ordinal=2, asset=asset, amount=5).replace("a.id", account),
            _LEG[_LEG.index("SELECT") :].format(ordinal=3, asset=asset, amount=-5).replace("a.id", account),
        )
    )


@pytest.mark.parametrize(
    ("account", "asset"), [("a.id", "'EUR'"), ("gen_random_uuid()", "'USD'")], ids=["wrong asset", "no such account"]
)
async def test_a_later_pair_that_balances_must_also_fit_its_accounts(uow: UnitOfWork, account: str, asset: str) -> None:
    user_id = await rich_person(uow, usd(1000))
    async with uow() as tx:
        await buy(tx, user_id, 100)
    with pytest.raises(DBAPIError) as refused:
        async with uow() as tx:
            await tx.execute(text(pair(account, asset)))
    assert violated_constraint(refused.value) == "ledger_transfer_balanced"
    async with uow() as tx:
        await tx.execute(text(pair("a.id", "a.asset")))
