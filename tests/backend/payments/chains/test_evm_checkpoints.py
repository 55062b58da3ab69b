"""USDT on an EVM chain: what was read once is not read again, and no single node is believed about heights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from backend.payments.gateways import usdt_evm, usdt_nodes
from backend.payments.types import DifferenceKind, Intent, IntentStatus
from tests.backend.payments.chains.conftest import DEEP, Till, address_of
from tests.fakes.evm import Evm, Gates

S = IntentStatus
OpenEvm = Callable[..., Till]
_INVENTED = "0x" + "e2" * 32
"""A transfer that never was. Whole: hashes of the chain are random, and four of their signs are soon the same."""


@pytest.fixture
def till(open_evm: OpenEvm, gates: Gates) -> Till:
    """The shop with two nodes."""
    return open_evm(gates)


async def mark_of(till: Till, intent: Intent) -> str:
    async with till.uow.read() as tx:
        statement = text("SELECT mark FROM payment_intents WHERE id = :id")
        return str((await tx.execute(statement, {"id": intent.id})).scalar_one())


async def set_mark(till: Till, intent: Intent, mark: str) -> None:
    async with till.uow() as tx:
        await tx.execute(
            text("UPDATE payment_intents SET mark = :mark WHERE id = :id"), {"id": intent.id, "mark": mark}
        )


# ── marks ──


@pytest.mark.parametrize("depth", [str(DEEP), "finalized"])
async def test_what_was_read_is_not_read_again_not_even_after_a_restart(
    open_evm: OpenEvm, gates: Gates, chain: Evm, depth: str
) -> None:
    till = open_evm(gates, usdt_evm_confirmations=depth)
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(400)
    await till.paid(intent, S.UNDERPAID, 400)
    gates["first"].widest = gates["second"].widest = 20
    again = open_evm(gates, usdt_evm_confirmations=depth)
    for gate in gates.nodes.values():
        gate.calls.clear()
    await again.paid(intent, S.UNDERPAID, 400)
    assert gates["first"].calls.count("eth_getLogs") < 15
    await chain.pay(address_of(intent), 6_000_000)
    await chain.mine(100)
    await again.paid(intent, S.SUCCEEDED, 1000)
    assert (await again.reconcile()).differences == []


async def test_a_node_of_five_blocks_a_call_gets_there_in_several_looks(
    till: Till, gates: Gates, chain: Evm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usdt_nodes, "_MOST_CALLS", 30)
    gates["first"].widest = gates["second"].widest = 5
    intent = await till.begin(1000)
    await chain.mine(200)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(100)
    looks = 0
    while (await till.look(intent)).status is S.PENDING:
        looks += 1
        assert looks < 10
    assert looks >= 1  # one look was not enough
    await till.paid(intent, S.SUCCEEDED, 1000)
    # The checkpoint is lost: credited money stays, and nothing is reported missing while the chain is read again.
    await set_mark(till, intent, "")
    assert (await till.reconcile()).differences == []
    await till.paid(intent, S.SUCCEEDED, 1000)


@pytest.mark.parametrize("mark", ["", "{}", "[]", "nonsense", '{"x": 1}'])
async def test_a_mark_that_is_lost_or_unreadable_changes_nothing(till: Till, chain: Evm, mark: str) -> None:
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(200)
    await till.paid(intent, S.UNDERPAID, 400)
    assert await mark_of(till, intent)
    await set_mark(till, intent, mark)
    await chain.pay(address_of(intent), 6_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []


async def test_a_mark_on_a_chain_that_was_reorganised_is_dropped(till: Till, chain: Evm) -> None:
    intent = await till.begin(1000)
    before = await chain.snapshot()
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(200)
    await till.paid(intent, S.UNDERPAID, 400)
    assert "4000000" in await mark_of(till, intent)
    await chain.revert(before)
    await chain.mine(300)
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 4_000_000, 0)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_what_a_node_finds_late_is_found(till: Till, gates: Gates, chain: Evm) -> None:
    """It shows blocks before their logs: the last final blocks are read again."""
    intent = await till.begin(1000)
    await chain.mine(100)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP + 5)
    for gate in gates.nodes.values():
        gate.tells["eth_getLogs"] = lambda rows: []
    await till.paid(intent, S.PENDING, 0)
    assert await mark_of(till, intent)
    for gate in gates.nodes.values():
        gate.tells.clear()
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_no_end_of_dust_is_kept(till: Till, chain: Evm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usdt_nodes, "_MOST_TRANSFERS", 2)
    intent = await till.begin(1000)
    for _ in range(3):
        await chain.pay(address_of(intent), 1)
    await chain.mine(100)
    await till.paid(intent, S.UNDERPAID, 0)
    assert await mark_of(till, intent) == ""


# ── lies ──


async def test_a_height_that_one_node_made_up_hides_no_money(open_evm: OpenEvm, three: Gates, chain: Evm) -> None:
    till = open_evm(three)
    three["first"].behind = -(2**63)
    intent = await till.begin(1000)
    three["first"].behind = 0
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await till.paid(intent, S.SUCCEEDED, 1000)


def inventing(block: int, address: str, token: str, units: int) -> Callable[[Any], Any]:
    """What a node makes of its logs that adds a transfer that never was."""
    row = {
        "address": token.lower(), "blockNumber": hex(block), "blockHash": "0x" + "e1" * 32, "logIndex": "0x0",
        "transactionHash": _INVENTED, "data": f"0x{units:064x}", "removed": False,
        "topics": [usdt_nodes._TRANSFER, "0x" + "0" * 64, "0x" + address[2:].lower().rjust(64, "0")],
    }  # fmt: skip
    return lambda rows: [*rows, row]


async def test_money_beyond_the_other_s_head_is_not_credited_nor_kept(till: Till, gates: Gates, chain: Evm) -> None:
    """The fault as it was found: two nodes, one of which runs ahead with made-up logs and later comes to its senses."""
    intent = await till.begin(1000)
    top = int(await chain.rpc("eth_blockNumber"), 16)
    gates["first"].behind = -200
    gates["first"].tells["eth_getLogs"] = inventing(top + 50, address_of(intent), chain.token, 10_000_000)
    gates["first"].tells["eth_getBlockByNumber"] = lambda block: block or {"hash": "0x" + "e1" * 32}
    for _ in range(3):
        await till.paid(intent, S.PENDING, 0)
    gates["first"].behind = -20  # not so far ahead that it is left out
    for _ in range(3):
        await till.paid(intent, S.PENDING, 0)
    await chain.mine(200)
    gates["first"].behind = 0
    gates["first"].tells["eth_getLogs"] = inventing(top + 50, address_of(intent), chain.token, 10_000_000)
    await till.paid(intent, S.CONFIRMING, 0)  # one says this, one says that
    assert _INVENTED not in await mark_of(till, intent)
    gates["first"].tells.clear()
    await till.paid(intent, S.PENDING, 0)
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(100)
    await till.paid(intent, S.UNDERPAID, 400)
    assert _INVENTED not in await mark_of(till, intent)
    assert "4000000" in await mark_of(till, intent)


async def test_what_one_of_three_invents_or_hides_changes_nothing(open_evm: OpenEvm, three: Gates, chain: Evm) -> None:
    till = open_evm(three)
    intent = await till.begin(1000)
    await chain.mine(100)
    top = int(await chain.rpc("eth_blockNumber"), 16)
    three["second"].tells["eth_getLogs"] = inventing(top - 20, address_of(intent), chain.token, 10_000_000)
    with capture_logs() as logs:
        await till.paid(intent, S.PENDING, 0)
    assert [(line["event"], line["place"]) for line in logs] == [("payments.node_disagrees", 2)]
    await chain.pay(address_of(intent), 4_000_000)
    await chain.mine(100)
    three["second"].tells["eth_getLogs"] = lambda rows: []
    await till.paid(intent, S.UNDERPAID, 400)
    assert isinstance(till.provider, usdt_evm.EvmProvider)
    (line,) = await till.provider.examine()
    assert line.startswith("node 2 of USDT_EVM_RPC_URLS was left out on ")
    # Its lies are not what the next look begins from.
    three["second"].tells.clear()
    assert '"10000000"' not in await mark_of(till, intent)
    with capture_logs() as logs:
        await till.paid(intent, S.UNDERPAID, 400)
    assert logs == []


async def test_a_checkpoint_of_nodes_that_were_removed_is_not_believed(
    open_evm: OpenEvm, gates: Gates, chain: Evm
) -> None:
    """A node that was alone invented money: with another one beside it, all is read again."""
    alone = open_evm(gates, usdt_evm_rpc_urls="http://first.test")
    intent = await alone.begin(1000)
    await chain.mine(200)
    top = int(await chain.rpc("eth_blockNumber"), 16)
    gates["first"].tells["eth_getLogs"] = inventing(top - 100, address_of(intent), chain.token, 4_000_000)
    await alone.paid(intent, S.UNDERPAID, 400)  # one node alone is believed, which the decision says
    assert _INVENTED in await mark_of(alone, intent)
    gates["first"].tells.clear()
    both = open_evm(gates)
    both.clock.move(seconds=1)
    (difference,) = (await both.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 4_000_000, 0)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    await both.paid(intent, S.SUCCEEDED, 1000)
    assert _INVENTED not in await mark_of(both, intent)


async def test_a_node_on_another_chain_of_blocks_is_left_out(open_evm: OpenEvm, three: Gates, chain: Evm) -> None:
    till = open_evm(three)
    intent = await till.begin(1000)
    await chain.mine(200)
    await till.paid(intent, S.PENDING, 0)
    assert await mark_of(till, intent)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(DEEP)
    three["second"].tells["eth_getBlockByNumber"] = lambda block: block | {"hash": "0x" + "ab" * 32}
    with capture_logs() as logs:
        await till.paid(intent, S.SUCCEEDED, 1000)
    assert [(line["event"], line["place"]) for line in logs] == [("payments.node_other_blocks", 2)]


async def test_one_node_alone_needs_nobody(open_evm: OpenEvm, gates: Gates, chain: Evm) -> None:
    till = open_evm(gates, usdt_evm_rpc_urls="http://first.test")
    intent = await till.begin(1000)
    await chain.pay(address_of(intent), 10_000_000)
    await chain.mine(100)
    await till.paid(intent, S.SUCCEEDED, 1000)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert gates["second"].calls == []
