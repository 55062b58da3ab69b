"""Several EVM nodes of which one lies in every way that it can think of: nothing it says becomes money, or stays."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from backend.infra.memory import LocalMemory
from backend.payments.errors import ProviderDown
from backend.payments.gateways.usdt_nodes import _TRANSFER, Node, Nodes, Sight, Token
from backend.payments.gateways.usdt_quorum import Checkpoint
from tests.fakes.clock import FakeClock

ADDRESS = "0x" + "aa" * 20
CONTRACT = "0x" + "cc" * 20
DEPTH, SPREAD, START = 3, 10, 100


def _hash(*parts: object) -> str:
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Lies:
    """What a node makes of the truth, in one look. Blocks are told from the true head on."""

    head: int = 0
    """Blocks that it adds to its head; from 2⁶³ on it says so much itself."""
    final: int = 0
    invents: tuple[int, ...] = ()
    factor: int = 1
    """By which amounts are multiplied."""
    hides: bool = False
    wrong_hashes: bool = False
    twice: bool = False
    removed: bool = False
    elsewhere: str = ""
    """A field whose value is another's: address, topics."""
    chain: int = 7
    breaks: str = ""
    """The method that it answers with nonsense."""


HONEST = Lies()


@dataclass
class Chain:
    """The truth, and by whom it is told how."""

    nodes: int
    liar: int = 0
    lies: Lies = HONEST
    head: int = 200
    paid: dict[int, int] = field(default_factory=dict)
    calls: int = 0

    async def call(self, method: str, url: str, *, json: Any = None, **_: Any) -> Any:
        """The port Http."""
        self.calls += 1
        place = int(url.rpartition("/")[2])
        lies = self.lies if place == self.liar else HONEST
        name, params = json["method"], json["params"]
        if lies.breaks == name:
            return _Answer({"jsonrpc": "2.0", "id": 1, "result": [{"nonsense": [None]}]})
        return _Answer({"jsonrpc": "2.0", "id": 1, "result": getattr(self, f"_{name}")(lies, params)})

    def _eth_chainId(self, lies: Lies, _: Any) -> str:
        return hex(lies.chain)

    def _eth_call(self, lies: Lies, _: Any) -> str:
        return "0x6"

    def _eth_blockNumber(self, lies: Lies, _: Any) -> str:
        return hex(lies.head if lies.head >= 2**63 else max(self.head + lies.head, 0))

    def _eth_getBlockByNumber(self, lies: Lies, params: Any) -> Any:
        number = max(self.head - 20 + lies.final, 0) if params[0] == "finalized" else int(params[0], 16)
        if number > self.head and lies == HONEST:
            return None
        return {"number": hex(number), "hash": _hash("lie" if lies.wrong_hashes else "", number)}

    def _eth_getLogs(self, lies: Lies, params: Any) -> Any:
        low, high = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        rows = [] if lies.hides else [self._row(lies, block, units) for block, units in self.paid.items()]
        rows += [self._row(lies, self.head + block, 5_000_000, "made up") for block in lies.invents]
        rows = [row for row in rows if low <= int(row["blockNumber"], 16) <= high]
        return rows * 2 if lies.twice else rows

    def _row(self, lies: Lies, block: int, units: int, kind: str = "") -> dict[str, Any]:
        row = {
            "address": CONTRACT, "blockNumber": hex(max(block, 0)), "logIndex": "0x0", "removed": lies.removed,
            "blockHash": _hash("lie" if lies.wrong_hashes else "", block), "transactionHash": _hash("tx", block, kind),
            "data": hex(units * lies.factor), "topics": [_TRANSFER, "0x" + "1" * 64, "0x" + "0" * 24 + "aa" * 20],
        }  # fmt: skip
        other = {"address": ADDRESS, "topics": [_TRANSFER, "0x" + "1" * 64, "0x" + "0" * 24 + "bb" * 20]}
        return row | ({lies.elsewhere: other[lies.elsewhere]} if lies.elsewhere else {})


@dataclass(frozen=True)
class _Answer:
    said: Any
    status: int = 200
    body: bytes = b""

    def json(self) -> Any:
        return self.said


class Shop:
    """The nodes as a payment sees them, look after look, with its checkpoint; every look is checked."""

    def __init__(self, chain: Chain, depth: int | None) -> None:
        self.chain, self.clock, self.depth = chain, FakeClock(), depth
        token = Token(7, CONTRACT, 6, depth)
        nodes = [Node(f"http://node/{place}", token, chain) for place in range(chain.nodes)]
        self.nodes = Nodes(nodes, self.clock, spread=SPREAD, memory=LocalMemory())
        self.checkpoint: Checkpoint | None = None
        self.start = START

    async def look(self) -> Sight | None:
        """One look, half a minute later; None where too few nodes answer and agree."""
        self.clock.move(seconds=30)
        try:
            with capture_logs():
                sight = await self.nodes.read(ADDRESS, self.start, self.checkpoint)
        except ProviderDown:
            return None
        final = self.chain.head - (DEPTH - 1 if self.depth else 20)
        true = {(block, units) for block, units in self.chain.paid.items() if block <= final}
        assert {(item.block, item.units) for item in sight.final} <= true
        assert len(sight.final) == len({item.name for item in sight.final})
        if sight.checkpoint is not None:
            self.checkpoint = sight.checkpoint
            assert {(item.block, item.units) for item in sight.checkpoint.transfers} <= true
        return sight


LIES = st.builds(
    Lies,
    head=st.sampled_from([0, 1, 5, 11, 60, 2**63, -1, -9, -50, -10_000]),
    final=st.sampled_from([0, 19, 100, 2**40, -15, -10_000]),
    invents=st.lists(st.sampled_from([-90, -60, -20, -3, -1, 0, 1, 4, 30]), max_size=3).map(tuple),
    factor=st.sampled_from([1, 1, 1000, 2**200]),
    hides=st.booleans(),
    wrong_hashes=st.booleans(),
    twice=st.booleans(),
    removed=st.booleans(),
    elsewhere=st.sampled_from(["", "", "address", "topics"]),
    chain=st.sampled_from([7, 7, 7, 1]),
    breaks=st.sampled_from(["", "", "", "eth_blockNumber", "eth_getLogs", "eth_getBlockByNumber", "eth_chainId"]),
)


@settings(max_examples=120, deadline=None)
@given(
    nodes=st.integers(2, 5),
    looks=st.lists(st.tuples(LIES, st.integers(0, 60), st.sampled_from([0, 0, 4_000_000])), min_size=1, max_size=5),
    depth=st.sampled_from([DEPTH, None]),
)
@example(nodes=2, looks=[(Lies(head=5, invents=(4,)), 0, 0), (Lies(invents=(-3,)), 60, 0)], depth=DEPTH)
@example(nodes=2, looks=[(Lies(invents=(-90,)), 0, 0), (HONEST, 60, 0)], depth=DEPTH)
@example(nodes=3, looks=[(Lies(invents=(-90,)), 0, 0), (Lies(hides=True), 60, 4_000_000)], depth=DEPTH)
@example(nodes=3, looks=[(Lies(head=2**63, hides=True), 0, 4_000_000)], depth=None)
def test_one_liar_makes_no_money_and_stops_none_for_ever(
    nodes: int, looks: list[tuple[Lies, int, int]], depth: int | None
) -> None:
    async def play() -> None:
        chain = Chain(nodes)
        shop = Shop(chain, depth)
        for lies, blocks, units in looks:
            chain.lies = lies
            chain.head += blocks
            if units:
                chain.head += 1
                chain.paid[chain.head] = units
            await shop.look()
        chain.head += 1
        chain.paid[chain.head] = 1_000_000
        chain.head += 40
        # With an honest majority it goes on beside the liar, with two nodes once that one tells the truth.
        if nodes == 2:
            chain.lies = HONEST
        sight = await shop.look()
        assert sight is not None
        assert {(item.block, item.units) for item in sight.final} >= {(chain.head - 40, 1_000_000)}
        assert sum(item.units for item in sight.final) == sum(chain.paid.values())
        assert sight.waiting == () or nodes == 2

    asyncio.run(play())


@settings(max_examples=60, deadline=None)
@given(nodes=st.integers(3, 5), lies=LIES)
def test_a_payment_begins_where_honest_nodes_stand(nodes: int, lies: Lies) -> None:
    async def play() -> None:
        shop = Shop(Chain(nodes, lies=lies), DEPTH)
        with capture_logs():
            assert shop.chain.head - SPREAD <= await shop.nodes.head() <= shop.chain.head

    asyncio.run(play())


@pytest.mark.parametrize(("depth", "quiet", "with_money"), [(DEPTH, 3, 5), (None, 4, 6)])
async def test_a_look_costs_each_node_few_calls(depth: int | None, quiet: int, with_money: int) -> None:
    """Height, the checkpoint's block, logs (and the final block): three or four, as before; money asks who says so."""
    shop = Shop(Chain(3), depth)
    await shop.look()
    shop.chain.calls = 0
    await shop.look()
    assert (shop.checkpoint is not None, shop.chain.calls) == (True, quiet * 3)
    shop.chain.paid[shop.chain.head] = 1_000_000
    shop.chain.calls = 0
    await shop.look()
    assert shop.chain.calls == with_money * 3


async def test_a_slow_node_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.payments.gateways.usdt_nodes._PATIENCE_SECONDS", 0.05)
    shop = Shop(Chain(3), DEPTH)
    call, asked = shop.chain.call, []

    async def slow(method: str, url: str, **more: Any) -> Any:
        asked.append(url)
        if url.endswith("/0"):
            await asyncio.Event().wait()
        return await call(method, url, **more)

    monkeypatch.setattr(shop.chain, "call", slow)
    assert await shop.look() is not None
    assert asked.count("http://node/0") == 1
    for node in shop.nodes._nodes.values():  # it rests: the next look does not wait for it
        node.rests_until = node.rests_until and shop.clock.now().replace(year=2100)
    assert await shop.look() is not None
    assert asked.count("http://node/0") == 1
