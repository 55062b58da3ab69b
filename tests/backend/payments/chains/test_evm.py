"""USDT on a real EVM node: what payers may do, and what a chain may do to their payments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.payments.service import POLL
from backend.payments.types import DifferenceKind, IntentStatus, PollIntent
from tests.backend.payments.chains.conftest import DEEP, Till, address_of, count_credits, usdt
from tests.fakes.clock import FakeClock
from tests.fakes.evm import CHAIN_ID, Evm, Gates

S = IntentStatus
SYSTEM = Actor.system()


@pytest.fixture
def till(open_evm: Callable[..., Till], gates: Gates) -> Till:
    """The shop with two nodes."""
    return open_evm(gates)


async def test_an_exact_payment_is_seen_confirmed_and_credited(till: Till, chain: Evm) -> None:
    intent = await till.begin(2550)
    assert intent.action is not None
    fields = intent.action.fields
    address = fields["address"]
    assert (fields["amount"], fields["asset"], fields["network"]) == ("25.5", "USDT", f"EVM chain {CHAIN_ID}")
    assert fields["uri"] == f"ethereum:{chain.token.lower()}@{CHAIN_ID}/transfer?address={address}&uint256=25500000"
    assert address != address.lower()  # with its checksum
    await till.paid(intent, S.PENDING, 0)
    await chain.pay(address, 25_500_000)
    for depth in range(1, DEEP):
        payment = await till.paid(intent, S.CONFIRMING, 0)
        assert payment.progress == {"confirmations": str(depth), "needed": str(DEEP), "seen": "25.5"}
        await chain.mine(1)
    payment = await till.paid(intent, S.SUCCEEDED, 2550)
    assert (payment.received, payment.missing) == (usdt(25_500_000), usdt(0))
    await chain.mine(5)
    await till.paid(intent, S.SUCCEEDED, 2550)
    assert (await till.reconcile()).differences == []


async def test_every_payment_has_an_address_of_its_own(till: Till, chain: Evm) -> None:
    one, other = await till.begin(500), await till.begin(500)
    assert address_of(one) != address_of(other)
    await chain.pay(address_of(other), 5_000_000)
    await chain.mine(DEEP)
    await till.paid(one, S.PENDING, 0)
    await till.paid(other, S.SUCCEEDED, 500)


async def test_two_parts_and_then_too_much(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(DEEP)
    payment = await till.paid(intent, S.UNDERPAID, 400)
    assert payment.missing == usdt(6_000_000)
    await chain.pay(address_of(intent), 6_000_000)
    # The second part is on its way: what has come already does not hide it.
    payment = await till.paid(intent, S.UNDERPAID, 400)
    assert payment.progress == {"confirmations": "1", "needed": str(DEEP), "seen": "6"}
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    await chain.pay(address_of(intent), 2_500_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.OVERPAID, 1250)


async def test_the_same_transfer_twice_in_one_transaction_counts_twice(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 5_000_000, twice=True)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_a_token_of_18_decimals_is_counted_exactly(
    open_evm: Callable[..., Till], gates: Gates, chain: Evm
) -> None:
    token = await chain.deploy(18)
    till = open_evm(gates, usdt_evm_contract=token, usdt_evm_decimals=18, usdt_price="0.9")
    intent = await till.begin(1000)
    assert intent.payable == usdt(11_111_112)  # 10 / 0.9, rounded up
    assert intent.action is not None
    assert intent.action.fields["amount"] == "11.111112"
    assert intent.action.fields["uri"].endswith("uint256=11111112000000000000")
    # A millionth less one of 10¹⁸ is short by a whole millionth.
    await chain.pay(address_of(intent), 11_111_112 * 10**12 - 1, token=token)
    await chain.mine(DEEP)
    payment = await till.paid(intent, S.UNDERPAID, 999)
    assert payment.missing == usdt(1)
    await chain.pay(address_of(intent), 1, token=token)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    file = await till.inbox.payment(SYSTEM, intent.id)
    dusts = [event.details.get("dust") for event in file.events]
    assert dusts == [None, "0.000000999999999999"]


async def test_late_money_is_seen_and_credited(till: Till, chain: Evm, clock: FakeClock) -> None:
    intent = await till.begin(1000)
    clock.move(hours=2)
    await till.paid(intent, S.EXPIRED, 0)
    clock.move(days=3)
    await chain.pay(address_of(intent), 10_000_000)
    await till.paid(intent, S.CONFIRMING, 0)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_the_worker_follows_a_payment_for_a_week(till: Till, chain: Evm, clock: FakeClock) -> None:
    intent = await till.begin(1000)

    latest = text(
        "SELECT payload, run_at FROM outbox_jobs WHERE task = :task ORDER BY (payload ->> 'attempt')::int DESC LIMIT 1"
    )

    async def poll() -> float:
        """One question of the worker; the seconds until its next, 0 when it asks no more."""
        async with till.uow.read() as tx:
            before = (await tx.execute(latest, {"task": POLL})).one()
        await till.payments.poll(msgspec.convert(before.payload, PollIntent))
        async with till.uow.read() as tx:
            after = (await tx.execute(latest, {"task": POLL})).one()
        return (after.run_at - clock.now()).total_seconds() if after.payload != before.payload else 0.0

    waits = [await poll() for _ in range(5)]
    assert (waits[0], waits[-1]) == (8.0, 15.0)
    clock.move(minutes=59)
    await chain.pay(address_of(intent), 10_000_000)
    await poll()
    clock.move(minutes=2)
    # The payment has expired with money awaiting confirmations: polling stays frequent.
    assert await poll() == 15.0
    await chain.mine(DEEP)
    assert await poll() == 1800.0
    await till.paid(intent, S.SUCCEEDED, 1000)
    clock.move(days=7)
    assert await poll() == 0.0


async def test_ten_looks_at_once_credit_once(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await asyncio.gather(*(till.look(intent) for _ in range(10)), till.reconcile())
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert await count_credits(till.uow) == 1
    file = await till.inbox.payment(SYSTEM, intent.id)
    assert len(file.events) == 1


async def test_another_token_and_nothing_at_all_are_no_payment(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000, token=await chain.deploy(6))
    await chain.pay(address_of(intent), 0)
    await chain.mine(DEEP)
    await till.paid(intent, S.PENDING, 0)


async def test_a_sum_beyond_all_reason_waits_for_an_admin(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 2**255)
    payment = await till.paid(intent, S.CONFIRMING, 0)
    assert payment.progress["seen"] == f"{2**255 // 10**6}.{2**255 % 10**6}".rstrip("0")
    await chain.mine(DEEP)
    for _ in range(2):
        await till.paid(intent, S.CONFIRMING, 0)
    (row,) = await till.unmatched()
    assert (row.reason, row.amount) == ("unknown_payment", Money(2**63 - 1, "USDT"))
    assert row.details["sum"] == payment.progress["seen"]
    # It differs until an admin has looked.
    assert [item.kind for item in (await till.reconcile()).differences] == [DifferenceKind.MISSING_HERE]
    await till.inbox.dismiss(SYSTEM, row.id, "nobody has so much")
    assert (await till.reconcile()).differences == []


async def test_a_reorganisation_that_removes_the_payment(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    before = await chain.snapshot()
    await chain.pay(address_of(intent), 10_000_000)
    await till.paid(intent, S.CONFIRMING, 0)
    await chain.revert(before)
    await till.paid(intent, S.PENDING, 0)
    await chain.mine(2 * DEEP)
    await till.paid(intent, S.PENDING, 0)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert await count_credits(till.uow) == 1


async def test_a_reorganisation_that_moves_the_payment(till: Till, chain: Evm) -> None:
    before = await chain.snapshot()
    await chain.mine(5)
    intent = await till.begin(1000)
    first = await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP - 2)
    await till.paid(intent, S.CONFIRMING, 0)
    await chain.revert(before)
    # The very same transaction, in a block before the one in which its address was given out.
    assert await chain.pay(address_of(intent), 10_000_000) == first
    payment = await till.paid(intent, S.CONFIRMING, 0)
    assert payment.progress["confirmations"] == "1"
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert await count_credits(till.uow) == 1


async def test_a_chain_that_takes_final_money_back_is_told_by_the_comparison(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.UNDERPAID, 400)
    middle = await chain.snapshot()
    await chain.pay(address_of(intent), 6_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []
    await chain.revert(middle)
    await till.paid(intent, S.SUCCEEDED, 1000)
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 10_000_000, 4_000_000)
    # Money that comes in its place was credited already.
    await chain.pay(address_of(intent), 6_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []
    assert await count_credits(till.uow) == 2


async def test_a_chain_that_takes_all_back_is_told_too(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    before = await chain.snapshot()
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    await chain.revert(before)
    await till.paid(intent, S.SUCCEEDED, 1000)
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 10_000_000, 0)


async def test_finality_by_the_chains_own_word(open_evm: Callable[..., Till], gates: Gates, chain: Evm) -> None:
    till = open_evm(gates, usdt_evm_confirmations="finalized")
    await chain.mine(100)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    payment = await till.paid(intent, S.CONFIRMING, 0)
    assert payment.progress["confirmations"] == "1"
    assert int(payment.progress["needed"]) > 10
    await chain.mine(int(payment.progress["needed"]))
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []
