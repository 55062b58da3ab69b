"""The ledger under many writers at once, each in a transaction of its own."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.wallet import domain
from backend.wallet.errors import InsufficientFunds
from backend.wallet.service import WalletServices
from backend.wallet.types import REVENUE, AccountRef, TransferId, TransferKind
from tests.factories.wallet import rich_person, usd

SHOP = AccountRef.shop(REVENUE)


async def buy(
    uow: UnitOfWork, user_id: UserId, cents: int, key: str, together: asyncio.Barrier | None = None
) -> TransferId:
    async with uow() as tx:
        if together is not None:
            # Everybody's transaction is open before the first moves money: a race, not a queue.
            await tx.execute(text("SELECT 1"))
            await together.wait()
        return await domain.transfer(tx, TransferKind.PURCHASE, key, AccountRef.user(user_id), SHOP, usd(cents))


async def balance(uow: UnitOfWork, user_id: UserId) -> int:
    async with uow.read() as tx:
        return (await domain.balance(tx, user_id, "USD")).amount


async def assert_books(wallet: WalletServices) -> None:
    report = await wallet.ledger.verify(Actor.system())
    assert report.balanced, report.differences


async def test_ten_taps_with_money_for_one(real_uow: UnitOfWork, real_wallet: WalletServices) -> None:
    user_id = await rich_person(real_uow, usd(500))
    results = await asyncio.gather(
        *(buy(real_uow, user_id, 500, f"tap:{n}") for n in range(10)), return_exceptions=True
    )
    refused = [item for item in results if isinstance(item, InsufficientFunds)]
    assert len(refused) == 9
    assert {item.missing for item in refused} == {usd(500)}
    assert len([item for item in results if not isinstance(item, BaseException)]) == 1
    assert await balance(real_uow, user_id) == 0
    await assert_books(real_wallet)


async def test_one_key_ten_times_at_once_is_one_transfer(real_uow: UnitOfWork, real_wallet: WalletServices) -> None:
    user_id = await rich_person(real_uow, usd(500))
    together = asyncio.Barrier(10)
    transfer_ids = await asyncio.gather(*(buy(real_uow, user_id, 300, "tap", together) for _ in range(10)))
    assert len(set(transfer_ids)) == 1
    assert await balance(real_uow, user_id) == 200
    await assert_books(real_wallet)


async def test_a_replay_waits_for_the_first_and_takes_over_when_that_one_fails(
    real_uow: UnitOfWork, real_wallet: WalletServices
) -> None:
    user_id = await rich_person(real_uow, usd(500))
    begun = asyncio.Event()

    async def dies() -> None:
        async with real_uow() as tx:
            await domain.transfer(tx, TransferKind.PURCHASE, "k", AccountRef.user(user_id), SHOP, usd(300))
            begun.set()
            await asyncio.sleep(0.05)
            raise RuntimeError("killed")

    async def retries() -> TransferId:
        await begun.wait()
        return await buy(real_uow, user_id, 300, "k")

    died, transfer_id = await asyncio.gather(dies(), retries(), return_exceptions=True)
    assert isinstance(died, RuntimeError)
    assert not isinstance(transfer_id, BaseException)
    assert await balance(real_uow, user_id) == 200
    await assert_books(real_wallet)


async def test_first_money_of_one_person_twenty_times_at_once(
    real_uow: UnitOfWork, real_wallet: WalletServices
) -> None:
    user_id = await rich_person(real_uow, usd(0))
    provider = AccountRef.shop("provider:demo")

    together = asyncio.Barrier(20)

    async def top_up(number: int) -> None:
        async with real_uow() as tx:
            await tx.execute(text("SELECT 1"))
            await together.wait()
            await domain.transfer(tx, TransferKind.TOP_UP, f"t:{number}", provider, AccountRef.user(user_id), usd(10))

    await asyncio.gather(*(top_up(number) for number in range(20)))
    assert await balance(real_uow, user_id) == 200
    await assert_books(real_wallet)


async def pay(uow: UnitOfWork, payer: UserId, payee: UserId, key: str) -> None:
    async with uow() as tx:
        await domain.transfer(tx, TransferKind.BONUS, key, AccountRef.user(payer), AccountRef.user(payee), usd(7))


async def test_two_people_paying_each_other_do_not_deadlock(real_uow: UnitOfWork, real_wallet: WalletServices) -> None:
    one, two = await rich_person(real_uow, usd(1000)), await rich_person(real_uow, usd(1000))
    # No retry stands around these: a deadlock would fail the test.
    await asyncio.gather(
        *(pay(real_uow, one, two, f"a:{n}") for n in range(20)),
        *(pay(real_uow, two, one, f"b:{n}") for n in range(20)),
    )
    assert (await balance(real_uow, one), await balance(real_uow, two)) == (1000, 1000)
    await assert_books(real_wallet)


_ACCOUNTS = text("SELECT id FROM ledger_accounts WHERE user_id IS NOT NULL ORDER BY id")
_LOCK = text("SELECT id FROM ledger_accounts WHERE id = :id FOR NO KEY UPDATE NOWAIT")
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.mark.parametrize("backwards", [False, True])
async def test_in_either_direction_the_lower_account_is_locked_first(real_uow: UnitOfWork, *, backwards: bool) -> None:
    people = [await rich_person(real_uow, usd(100)), await rich_person(real_uow, usd(100))]
    payer, payee = people[::-1] if backwards else people
    async with real_uow() as first:
        low, high = (await first.execute(_ACCOUNTS)).scalars().all()
        await first.execute(_LOCK, {"id": low})
        paying = asyncio.create_task(pay(real_uow, payer, payee, "k"))
        async with real_uow.read() as tx:
            while (await tx.execute(_WAITING)).scalar_one() == 0:
                await asyncio.sleep(0)
        # It waits for the lower account, and holds nothing yet.
        await first.execute(_LOCK, {"id": high})
    await paying
    assert sorted([await balance(real_uow, user_id) for user_id in people]) == [93, 107]


async def test_eight_workers_and_a_rollup_lose_nothing(real_uow: UnitOfWork, real_wallet: WalletServices) -> None:
    people = [await rich_person(real_uow, usd(400)) for _ in range(5)]
    done = asyncio.Event()
    counts: list[int] = []

    async def worker(number: int) -> int:
        sold = 0
        for turn in range(40):
            try:
                await buy(real_uow, people[(number + turn) % 5], 11, f"{number}:{turn}")
                sold += 1
            except InsufficientFunds:
                pass
        return sold

    async def roller() -> None:
        while not done.is_set():
            counts.append(await real_wallet.ledger.roll_up())
            await asyncio.sleep(0)

    rollers = [asyncio.create_task(roller()) for _ in range(2)]
    sold = sum(await asyncio.gather(*(worker(number) for number in range(8))))
    done.set()
    await asyncio.gather(*rollers)
    counts.append(await real_wallet.ledger.roll_up())

    # 36 purchases of 11 fit into 400, five times; each of the five was asked for 64.
    assert sold == 5 * 36
    assert [await balance(real_uow, user_id) for user_id in people] == [400 - 36 * 11] * 5
    assert sum(counts) == sold + 5
    accounts = {item.name: item.balance.amount for item in await real_wallet.ledger.shop_accounts(Actor.system())}
    assert accounts == {"provider:demo": -2000, "revenue": sold * 11}
    await assert_books(real_wallet)


async def test_legs_that_commit_out_of_order_are_rolled_up_once(
    real_uow: UnitOfWork, real_wallet: WalletServices
) -> None:
    early, late = await rich_person(real_uow, usd(100)), await rich_person(real_uow, usd(100))
    await buy(real_uow, late, 10, "opens the revenue account")
    await real_wallet.ledger.roll_up()
    async with real_uow() as tx:
        # Begun first, committed last: a mark such as "the last id seen" would pass it over.
        await domain.transfer(tx, TransferKind.PURCHASE, "early", AccountRef.user(early), SHOP, usd(30))
        await buy(real_uow, late, 40, "late")
        assert await real_wallet.ledger.roll_up() == 1
    assert await real_wallet.ledger.roll_up() == 1
    async with real_uow.read() as tx:
        rolled = (await tx.execute(text("SELECT balance FROM ledger_rollups ORDER BY balance DESC"))).scalars().all()
    assert rolled[0] == 80
    await assert_books(real_wallet)
