"""USDT on an EVM chain whose nodes are down, behind, limited, wrong or at odds with each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.infra.embedded import free_port
from backend.infra.settings import SettingsError
from backend.payments.errors import ProviderDown
from backend.payments.gateways.http import HttpClient
from backend.payments.gateways.usdt_evm import EvmProvider
from backend.payments.ports import ProviderKit
from backend.payments.types import IntentStatus
from tests.backend.payments.chains.conftest import DEEP, Till, address_of, usdt
from tests.fakes.clock import FakeClock
from tests.fakes.evm import CHAIN_ID, Evm, Gates

S = IntentStatus
ALONE = "http://first.test"
Rows = list[dict[str, Any]]


@pytest.fixture
def till(open_evm: Callable[..., Till], gates: Gates) -> Till:
    """The shop with two nodes."""
    return open_evm(gates)


async def test_without_a_node_the_payment_waits_and_goes_on(
    till: Till, gates: Gates, chain: Evm, clock: FakeClock
) -> None:
    intent = await till.begin(1000)
    gates["first"].down = gates["second"].down = True
    await chain.pay(address_of(intent), 10_000_000)
    await till.paid(intent, S.PENDING, 0)
    with pytest.raises(ProviderDown):
        await till.begin(500)
    assert (await till.reconcile()).error == "0 of 2 EVM nodes answer and stand together, 2 must"
    await chain.mine(DEEP)
    # The time of the payment passes meanwhile; what could not be asked is asked again later.
    clock.move(hours=3)
    await till.paid(intent, S.EXPIRED, 0)
    gates["first"].down = gates["second"].down = False
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []


async def test_two_of_three_are_enough_and_a_dead_one_is_not_asked_each_time(
    open_evm: Callable[..., Till], three: Gates, chain: Evm, clock: FakeClock
) -> None:
    till = open_evm(three)
    three["first"].down = True
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await till.paid(intent, S.CONFIRMING, 0)
    asked = len(three["first"].calls)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert len(three["first"].calls) == asked == 1
    clock.move(seconds=20)
    three["first"].down = False
    await till.look(intent)
    assert len(three["first"].calls) > asked


async def test_one_of_two_alone_credits_nothing_and_opens_nothing(till: Till, gates: Gates, chain: Evm) -> None:
    """It might be the one that lies: the payment waits until the other answers."""
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    gates["first"].down = True
    await till.paid(intent, S.PENDING, 0)
    with pytest.raises(ProviderDown):
        await till.begin(500)
    gates["first"].down = False
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_a_node_that_is_not_there_at_all(
    open_evm: Callable[..., Till], gates: Gates, chain: Evm, clock: FakeClock
) -> None:
    http = HttpClient()
    urls = f"http://127.0.0.1:{free_port()}, {chain.url}, {chain.url}/"
    with pytest.raises(SettingsError, match="twice"):
        open_evm(gates, ProviderKit(clock=clock, http=http), usdt_evm_rpc_urls=urls)
    urls = urls[:-1] + "/?second"
    till = open_evm(gates, ProviderKit(clock=clock, http=http), usdt_evm_rpc_urls=urls)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    await http.close()


async def test_nothing_is_credited_above_the_lowest_head(till: Till, gates: Gates, chain: Evm) -> None:
    await chain.mine(30)
    intent = await till.begin(1000)
    gates["first"].behind = 20
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.PENDING, 0)
    gates["first"].behind = 0
    await till.paid(intent, S.SUCCEEDED, 1000)


@pytest.mark.parametrize("behind", [100, -100])
async def test_a_node_far_off_is_left_out_and_stops_nothing(
    open_evm: Callable[..., Till], three: Gates, chain: Evm, behind: int
) -> None:
    till = open_evm(three)
    await chain.mine(110)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    three["first"].behind = behind
    with capture_logs() as logs:
        await till.paid(intent, S.SUCCEEDED, 1000)
    event = "payments.node_behind" if behind > 0 else "payments.node_ahead"
    assert [(line["event"], line["place"], line["blocks"]) for line in logs] == [(event, 1, -behind)]
    assert isinstance(till.provider, EvmProvider)
    lines = await till.provider.examine()
    where = "behind" if behind > 0 else "ahead of"
    assert lines[0] == f"node 1 of USDT_EVM_RPC_URLS is 100 blocks {where} the others, and is left out"


async def test_money_that_nodes_do_not_agree_on_is_not_credited(till: Till, gates: Gates, chain: Evm) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    gates["first"].tells["eth_getLogs"] = lambda rows: []
    payment = await till.paid(intent, S.CONFIRMING, 0)
    assert payment.progress == {"confirmations": str(DEEP), "needed": str(DEEP), "seen": "10"}
    # On another fork: the same transaction, in another block.
    gates["first"].tells["eth_getLogs"] = lambda rows: [row | {"blockHash": "0x" + "ab" * 32} for row in rows]
    await till.paid(intent, S.CONFIRMING, 0)
    gates["first"].tells.clear()
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_ranges_are_cut_to_what_a_node_allows(open_evm: Callable[..., Till], gates: Gates, chain: Evm) -> None:
    till = open_evm(gates, usdt_evm_rpc_urls=ALONE)
    gates["first"].widest = 7
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(40)
    await chain.pay(address_of(intent), 6_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    gates["first"].calls.clear()
    await till.look(intent)
    # The width that worked is remembered: no long way down to it again.
    assert gates["first"].calls.count("eth_getLogs") < 30
    gates["first"].widest = 0
    with pytest.raises(ProviderDown):
        await till.provider.status(await reference(till, intent))


async def reference(till: Till, intent: object) -> Any:
    from backend.payments.service.common import ref

    async with till.uow.read() as tx:
        return await ref(tx, intent)  # type: ignore[arg-type]


async def test_a_node_of_another_chain_is_refused(
    open_evm: Callable[..., Till], three: Gates, chain: Evm, clock: FakeClock
) -> None:
    till = open_evm(three)
    three["first"].tells["eth_chainId"] = lambda _: "0x1"
    three["first"].tells["eth_getLogs"] = lambda rows: []
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert "eth_getLogs" not in three["first"].calls


async def test_a_node_that_changes_its_chain_after_the_start_shows_no_money(
    open_evm: Callable[..., Till], gates: Gates, chain: Evm
) -> None:
    till = open_evm(gates, usdt_evm_rpc_urls=ALONE)
    intent = await till.begin(1000)
    await till.paid(intent, S.PENDING, 0)
    gates["first"].tells["eth_chainId"] = lambda _: hex(CHAIN_ID + 1)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.PENDING, 0)
    gates["first"].tells.clear()
    await till.paid(intent, S.SUCCEEDED, 1000)


@pytest.mark.parametrize("wrong", [{"usdt_evm_decimals": 18}, {"usdt_evm_contract": "0x" + "11" * 20}])
async def test_a_token_that_is_not_what_the_settings_say_is_not_taken(
    open_evm: Callable[..., Till], gates: Gates, wrong: dict[str, object]
) -> None:
    with pytest.raises(ProviderDown):
        await open_evm(gates, **wrong).begin(1000)


async def test_what_a_node_tells_is_checked_row_by_row(open_evm: Callable[..., Till], gates: Gates, chain: Evm) -> None:
    till = open_evm(gates, usdt_evm_rpc_urls=ALONE)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 1_000_000)
    await chain.mine(DEEP)

    def spoiled(rows: Rows) -> Rows:
        (row,) = rows
        topics = row["topics"]
        elsewhere = "0x" + "22" * 32
        return [
            row,
            row,
            row | {"removed": True, "logIndex": "0x9"},
            row | {"blockNumber": None, "logIndex": "0x8"},
            row | {"address": "0x" + "33" * 20, "logIndex": "0x7"},
            row | {"topics": [topics[0], topics[1], elsewhere], "logIndex": "0x6"},
            row | {"topics": [elsewhere, *topics[1:]], "logIndex": "0x5"},
            row | {"topics": topics[:2], "logIndex": "0x4"},
        ]

    gates["first"].tells["eth_getLogs"] = spoiled
    payment = await till.paid(intent, S.UNDERPAID, 100)
    assert payment.received == usdt(1_000_000)


SENSELESS: list[Callable[[Rows], Any]] = [
    lambda rows: None,
    lambda rows: {"a": 1},
    lambda rows: ["text"],
    lambda rows: [{}],
    lambda rows: [rows[0] | {"data": "0x"}],
    lambda rows: [rows[0] | {"data": "0x" + "f" * 65}],
    lambda rows: [rows[0] | {"data": "0x-1"}],
    lambda rows: [rows[0] | {"data": "0x1_1"}],
    lambda rows: [rows[0] | {"data": 12}],
    lambda rows: [rows[0] | {"blockNumber": "12"}],
    lambda rows: [rows[0] | {"topics": None}],
    lambda rows: [rows[0] | {"transactionHash": "0x\0"}],
    lambda rows: [rows[0] | {"blockHash": "0xzz"}],
    # Another amount for the same log; a block that was not asked for; one block with two hashes.
    lambda rows: [rows[0], rows[0] | {"data": "0x" + "1" * 64}],
    lambda rows: [rows[0] | {"blockNumber": hex(2**63)}],
    lambda rows: [rows[0] | {"blockNumber": "0x0"}],
    # The same transaction in two blocks: the chain changed between two calls.
    lambda rows: [rows[0], rows[0] | {"blockHash": "0x" + "cd" * 32, "logIndex": "0x3"}],
]


async def test_senseless_answers_change_nothing(open_evm: Callable[..., Till], gates: Gates, chain: Evm) -> None:
    till = open_evm(gates, usdt_evm_rpc_urls=ALONE)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    for spoil in SENSELESS:
        gates["first"].tells["eth_getLogs"] = spoil
        assert (await till.look(intent)).status is S.PENDING
    gates["first"].tells.clear()
    await till.paid(intent, S.SUCCEEDED, 1000)
