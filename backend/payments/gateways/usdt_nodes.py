"""Read a token's transfers from EVM nodes by JSON-RPC: one node, and several that must agree."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
import structlog

from backend.infra import metrics
from backend.kernel.clock import Clock
from backend.payments.errors import ProviderDown
from backend.payments.gateways.usdt_quorum import (
    Agreement,
    Checkpoint,
    Fault,
    Reading,
    Seen,
    Stand,
    agree,
    astray,
    quorum,
    reached,
)
from backend.payments.ports import Http, Memory

# Source: ERC-20, keccak-256 of "Transfer(address,address,uint256)", and the selector of decimals().
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_DECIMALS: Final = "0x313ce567"
_QUANTITY: Final = re.compile("0x[0-9a-fA-F]{1,64}")
_WORD: Final = re.compile("0x[0-9a-f]{64}")
_WIDEST: Final = 1_000_000
# A read ends before the job's timeout; the next one continues from there.
_MOST_CALLS: Final = 500
_LOOK_SECONDS: Final = 25.0
_STEP: Final = 32
"""A checkpoint moves by at least so many blocks, so that not every read is a write."""
_MOST_TRANSFERS: Final = 500
_REST: Final = timedelta(seconds=20)
_PATIENCE_SECONDS: Final = 10.0
"""How long a node may take to report its latest block; reading has its own time limit."""
_RESTING_SECONDS: Final = 3.0
"""How long a resting node may take, which is asked only if the others are too few."""
_FAULTS: Final = "usdt_evm:faults"
_FAULT_DAYS: Final = 7
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Token(msgspec.Struct, frozen=True):
    """The token: ``contract`` in lower case. ``depth`` blocks make a transfer final; None: the chain's own finality."""

    chain_id: int
    contract: str
    decimals: int
    depth: int | None


class Sight(msgspec.Struct, frozen=True):
    """What the nodes agree on: ``final`` transfers are credited, ``waiting`` ones are on their way.

    ``head`` is the lowest of their latest blocks. ``whole``: read up to there, not only as far as one look came.
    """

    head: int
    final_block: int
    final: tuple[Seen, ...]
    waiting: tuple[Seen, ...]
    checkpoint: Checkpoint | None
    whole: bool


class _Refused(ProviderDown):
    """The node answered with an error of JSON-RPC."""


class Node:
    """One node. It is refused if its chain or the token's decimals differ from the settings."""

    def __init__(self, url: str, token: Token, http: Http) -> None:
        self.key = hashlib.sha256(url.encode()).hexdigest()[:12]
        self._url = url
        self._token = token
        self._http = http
        self._checked = False
        self._span = _WIDEST
        self.rests_until: datetime | None = None

    async def stand(self, checkpoint: Checkpoint | None = None) -> Stand:
        """The node's latest blocks, and whether it has the block of ``checkpoint``. Raises ProviderDown."""
        await self._check()
        head = _number(await self._call("eth_blockNumber"))
        if self._token.depth is None:
            final = _number((await self._block("finalized")).get("number"))
        else:
            final = head - self._token.depth + 1
        holds = (
            checkpoint is not None
            and head >= checkpoint.block
            and await self.block_hash(checkpoint.block) == checkpoint.block_hash
        )
        return Stand(head, min(final, head), holds)

    async def read(self, address: str, start: int, end: int) -> Reading:
        """The transfers to ``address`` in the blocks from ``start`` to ``end``, as far as one read gets.

        Raises ProviderDown, also for a node that contradicts itself.
        """
        topic = "0x" + address.removeprefix("0x").lower().rjust(64, "0")
        rows, upto = await self._logs(topic, start, end)
        read = {item for row in rows if (item := _transfer(row, self._token.contract, topic)) is not None}
        if any(not start <= item.block <= upto for item in read):
            raise ProviderDown("the node gave logs of blocks that it was not asked for")
        hashes = {(item.block, item.block_hash) for item in read}
        transactions = {(item.tx, item.block) for item in read}
        if len({item.name for item in read}) < len(read) or len(dict(hashes)) < len(hashes):
            raise ProviderDown("the node gave the same log or block in two forms")
        if len(dict(transactions)) < len(transactions):
            raise ProviderDown("the chain was reorganised between two calls")
        if read:
            # A node that reports money is asked again for its chain: another node may answer at the address by now.
            self._checked = False
            await self._check()
        return Reading(upto, frozenset(read))

    async def block_hash(self, number: int) -> str:
        """The hash of a block. Raises ProviderDown for one that the node does not have."""
        return _word((await self._block(hex(number))).get("hash"))

    async def _block(self, which: str) -> dict[str, Any]:
        block = await self._call("eth_getBlockByNumber", which, False)
        if not isinstance(block, dict):
            raise ProviderDown("the node gave no block")
        return block

    async def _logs(self, topic: str, start: int, end: int) -> tuple[list[Any], int]:
        """The logs, in as many calls as the node's limits require, and the last block that was read."""
        rows: list[Any] = []
        # Remember twice the width that worked: a refusal may have had another reason.
        span = min(self._span * 2, _WIDEST)
        until = asyncio.get_running_loop().time() + _LOOK_SECONDS
        for _ in range(_MOST_CALLS):
            if start > end or asyncio.get_running_loop().time() > until:
                break
            upto = min(end, start + span - 1)
            asked = {"address": self._token.contract, "topics": [_TRANSFER, None, topic]}
            try:
                part = await self._call("eth_getLogs", asked | {"fromBlock": hex(start), "toBlock": hex(upto)})
            except _Refused:
                if upto == start:
                    raise
                span = (upto - start + 1) // 2
                continue
            if not isinstance(part, list):
                raise ProviderDown("eth_getLogs gave no list")
            rows += part
            start = upto + 1
        self._span = span
        return rows, min(start - 1, end)

    async def _check(self) -> None:
        if self._checked:
            return
        chain = _number(await self._call("eth_chainId"))
        if chain != self._token.chain_id:
            raise ProviderDown(f"the node is of chain {chain}, not {self._token.chain_id}")
        answer = await self._call("eth_call", {"to": self._token.contract, "data": _DECIMALS}, "latest")
        if answer == "0x":
            raise ProviderDown("the node knows no token at USDT_EVM_CONTRACT")
        decimals = _number(answer)
        if decimals != self._token.decimals:
            raise ProviderDown(f"the token has {decimals} decimals, not {self._token.decimals}")
        self._checked = True

    async def _call(self, method: str, *params: Any) -> Any:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answer = (await self._http.call("POST", self._url, json=asked)).json()
        except ProviderDown:
            self._checked = False  # another node may answer next
            raise
        if not isinstance(answer, dict):
            raise ProviderDown(f"{method} was not answered in JSON-RPC")
        error = answer.get("error")
        if error is not None:
            # Its message may repeat the address with the key in it.
            raise _Refused(f"{method} was refused ({error.get('code') if isinstance(error, dict) else None})")
        if answer.get("result") is None:
            raise ProviderDown(f"{method} was answered with nothing")
        return answer["result"]


class Nodes:
    """All nodes of the operator. A transfer counts if more than half of them all have it in the same block."""

    def __init__(self, nodes: Sequence[Node], clock: Clock, *, spread: int, memory: Memory) -> None:
        self._nodes = {node.key: node for node in nodes}
        self._clock = clock
        self._spread = spread
        self._memory = memory
        self._needed = quorum(len(nodes))
        self._noted: set[str] = set()

    async def head(self) -> int:
        """The lowest latest block of the nodes that agree: reading from there misses no money.

        Raises ProviderDown when they are too few to confirm any.
        """
        return min(stand.head for stand in (await self._together(None)).values())

    async def read(self, address: str, start: int, checkpoint: Checkpoint | None) -> Sight:
        """The transfers to ``address`` from block ``start`` on, read from ``checkpoint`` on where it still holds.

        Raises ProviderDown if fewer than a quorum of nodes answer and agree on the height.
        """
        if checkpoint is not None and len(self._nodes.keys() & set(checkpoint.by)) < self._needed:
            checkpoint = None  # made by nodes that are no longer asked, or by too few of today's
        stands = await self._together(checkpoint)
        base = checkpoint if sum(stand.holds for stand in stands.values()) >= self._needed else None
        if base is not None:
            for key in [key for key, stand in stands.items() if not stand.holds]:
                del stands[key]
                await self._note(key, Fault.OTHER_BLOCKS)
        first = start if base is None else base.block + 1
        readings = await self._read(address, first, stands)
        level = min(stand.head for stand in stands.values())
        reach = reached((reading.upto for reading in readings.values()), self._needed)
        deep = reached((stands[key].final for key in readings), self._needed)
        agreed = agree(readings, self._needed, min(level, reach, deep))
        for key in agreed.doubted:
            await self._note(key, Fault.DISAGREES, address=address)
        known = base.transfers if base else ()
        return Sight(
            head=level,
            final_block=min(level, reach, deep),
            final=(*known, *agreed.final),
            waiting=agreed.waiting,
            checkpoint=await self._next(base, first, agreed, readings),
            whole=reach >= level,
        )

    async def examine(self) -> list[str]:
        """Problems of the nodes, now and in the last seven days, for the operator; empty if there are none."""
        answers = await self._gather(list(self._nodes), Node.stand, _RESTING_SECONDS)
        heads = {key: stand.head for key, stand in answers.items() if isinstance(stand, Stand)}
        total, problems = len(self._nodes), []
        if total == 1:
            problems.append("one node alone is believed in everything: name three nodes of different operators")
        problems += [
            f"{self._name(key)} does not answer: {error}" for key, error in answers.items() if key not in heads
        ]
        away = astray(heads, self._needed, self._spread) if len(heads) >= self._needed else {}
        for key, blocks in away.items():
            where = "ahead of" if blocks > 0 else "behind"
            problems.append(f"{self._name(key)} is {abs(blocks)} blocks {where} the others, and is left out")
        if len(heads) - len(away) < self._needed:
            together = f"{len(heads) - len(away)} of {total} nodes stand together, {self._needed} must"
            problems.append(f"{together}: until they do, no payment is opened or credited")
        since = (self._clock.now() - timedelta(days=_FAULT_DAYS)).date().isoformat()
        for name in sorted(await self._memory.names(_FAULTS)):
            day, _, rest = name.partition(" ")
            key, _, fault = rest.partition(" ")
            if day >= since and key in self._nodes:
                problems.append(f"{self._name(key)} was left out on {day}: {fault} (the log says more)")
        return problems

    async def _together(self, checkpoint: Checkpoint | None) -> dict[str, Stand]:
        """The nodes that answer and are at about the same height. Raises ProviderDown unless they are a quorum."""
        now = self._clock.now()
        awake = [key for key, node in self._nodes.items() if node.rests_until is None or node.rests_until <= now]
        asked = awake if len(awake) >= self._needed else list(self._nodes)
        stands = await self._ask(asked, lambda node: node.stand(checkpoint), _PATIENCE_SECONDS)
        if len(stands) >= self._needed:
            away = astray({key: stand.head for key, stand in stands.items()}, self._needed, self._spread)
            for key, blocks in away.items():
                del stands[key]
                await self._note(key, Fault.AHEAD if blocks > 0 else Fault.BEHIND, blocks=blocks)
        return self._enough(stands)

    async def _read(self, address: str, start: int, stands: Mapping[str, Stand]) -> dict[str, Reading]:
        top = reached((stand.head for stand in stands.values()), self._needed)
        ends = {self._nodes[key]: min(stand.head, top) for key, stand in stands.items()}
        limit = _LOOK_SECONDS + _RESTING_SECONDS
        return self._enough(await self._ask(list(stands), lambda node: node.read(address, start, ends[node]), limit))

    async def _next(
        self, base: Checkpoint | None, first: int, agreed: Agreement, readings: Mapping[str, Reading]
    ) -> Checkpoint | None:
        """The checkpoint for the next read: only what a quorum agreed on, in a block that a quorum has."""
        to = agreed.solid
        transfers = (
            *(base.transfers if base else ()),
            *(item for item in agreed.final if item.block <= to and item.units),
        )
        if to < first + _STEP or len(transfers) > _MOST_TRANSFERS:
            return base
        able = [key for key, reading in readings.items() if reading.upto >= to]
        hashes = await self._ask(able, lambda node: node.block_hash(to), _PATIENCE_SECONDS)
        for block_hash in set(hashes.values()):
            by = tuple(key for key, value in hashes.items() if value == block_hash)
            if len(by) >= self._needed:
                return Checkpoint(to, block_hash, transfers, by)
        return base

    def _enough(self, answers: dict[str, T]) -> dict[str, T]:
        if len(answers) < self._needed:
            raise ProviderDown(
                f"{len(answers)} of {len(self._nodes)} EVM nodes answer and stand together, {self._needed} must"
            )
        return answers

    async def _ask(self, keys: Sequence[str], question: Callable[[Node], Awaitable[T]], seconds: float) -> dict[str, T]:
        """The answers of the nodes; one that does not answer rests, so that not every read waits for it."""
        answers = await self._gather(keys, question, seconds)
        for key, said in answers.items():
            node, now = self._nodes[key], self._clock.now()
            if isinstance(said, ProviderDown) and (node.rests_until is None or node.rests_until <= now):
                node.rests_until = now + _REST
                await self._note(key, Fault.DOWN, error=str(said))
        return {key: said for key, said in answers.items() if not isinstance(said, ProviderDown)}

    async def _gather(
        self, keys: Sequence[str], question: Callable[[Node], Awaitable[T]], seconds: float
    ) -> dict[str, T | ProviderDown]:
        now = self._clock.now()

        async def ask(node: Node) -> T | ProviderDown:
            resting = node.rests_until is not None and node.rests_until > now
            try:
                async with asyncio.timeout(_RESTING_SECONDS if resting else seconds):
                    return await question(node)
            except ProviderDown as error:
                return error
            except TimeoutError:
                return ProviderDown("too slow")

        return dict(zip(keys, await asyncio.gather(*(ask(self._nodes[key]) for key in keys)), strict=True))

    def _name(self, key: str) -> str:
        return f"node {list(self._nodes).index(key) + 1} of USDT_EVM_RPC_URLS"

    async def _note(self, key: str, fault: Fault, **details: object) -> None:
        """Report a faulty node to the operator: in the log, the metrics, and for ``examine``."""
        place = list(self._nodes).index(key) + 1
        log.warning(f"payments.node_{fault}", place=place, **details)
        metrics.NODE_FAULTS.labels(str(place), fault).inc()
        line = f"{self._clock.now().date().isoformat()} {key} {fault}"
        if fault in {Fault.AHEAD, Fault.OTHER_BLOCKS, Fault.DISAGREES} and line not in self._noted:
            self._noted.add(line)
            await self._memory.add(_FAULTS, line)


def _number(value: Any) -> int:
    """A quantity of JSON-RPC: hex after 0x, up to 256 bits. Raises ProviderDown."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ProviderDown("the node gave no number")
    return int(value, 16)


def _word(value: Any) -> str:
    """32 bytes of JSON-RPC in lower case. Raises ProviderDown."""
    if not isinstance(value, str) or not _WORD.fullmatch(value.lower()):
        raise ProviderDown("the node gave no hash")
    return value.lower()


def _transfer(row: Any, contract: str, to: str) -> Seen | None:
    """Read a log as a transfer; None if it is not in a block, or not what was requested.

    Raises ProviderDown for what makes no sense.
    """
    try:
        if row.get("removed") or row["blockNumber"] is None:
            return None
        topics = [topic.lower() for topic in row["topics"]]
        if row["address"].lower() != contract or len(topics) != 3 or (topics[0], topics[2]) != (_TRANSFER, to):
            return None
        return Seen(
            tx=_word(row["transactionHash"]),
            index=_number(row["logIndex"]),
            block=_number(row["blockNumber"]),
            block_hash=_word(row["blockHash"]),
            sender="0x" + _word(topics[1])[-40:],
            units=_number(row["data"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ProviderDown("the node gave a log without sense") from error
