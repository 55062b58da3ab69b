"""What EVM nodes say of a token's transfers: JSON-RPC, one node, and several that have to agree."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from backend.kernel.clock import Clock
from backend.payments.errors import ProviderDown
from backend.payments.ports import Http

# Source: ERC-20, keccak-256 of "Transfer(address,address,uint256)", and the selector of decimals().
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_DECIMALS: Final = "0x313ce567"
_QUANTITY: Final = re.compile("0x[0-9a-fA-F]{1,64}")
_WIDEST: Final = 1_000_000
# A look ends before the job's own time does; the next goes on where it stopped.
_MOST_CALLS: Final = 500
_LOOK_SECONDS: Final = 25.0
# Blocks that are read again though they are final: a node may find logs later than blocks.
_AGAIN: Final = 16
_STEP: Final = 32
"""A mark that would move by fewer blocks stays, so that not each look is a write."""
_MOST_KEPT: Final = 500
_REST: Final = timedelta(seconds=20)
log = structlog.get_logger(__name__)


class Token(msgspec.Struct, frozen=True):
    """What is paid in: ``contract`` in lower case. ``depth`` blocks make a transfer final; None: the chain's word."""

    chain_id: int
    contract: str
    decimals: int
    depth: int | None


class Seen(msgspec.Struct, frozen=True):
    """A transfer in a block. Two are the same only in the same block, so a reorganised chain shows another one."""

    tx: str
    index: int
    block: int
    block_hash: str
    sender: str
    units: int


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far one node was read for an address: the hash tells whether the chain below is still the same one."""

    block: int
    block_hash: str
    transfers: tuple[Seen, ...]


Marks = Mapping[str, Mark]
"""By node. They only save reading: without them all is read anew."""


class View(msgspec.Struct, frozen=True):
    """One node's view: its latest block, the latest that is final, and the transfers up to ``upto``, which is as far
    as one look came."""

    head: int
    final: int
    upto: int
    transfers: tuple[Seen, ...]
    mark: Mark | None


class Sight(msgspec.Struct, frozen=True):
    """What all nodes say together: ``final`` transfers count, ``waiting`` ones are on their way. ``whole``: up to the
    latest block, not only as far as one look came."""

    head: int
    final_block: int
    final: tuple[Seen, ...]
    waiting: tuple[Seen, ...]
    marks: Marks
    whole: bool


class _Refused(ProviderDown):
    """The node answered with an error of JSON-RPC."""


class Node:
    """One node. It is refused unless it is of the token's chain and the token has the decimals that we count by."""

    def __init__(self, url: str, token: Token, http: Http) -> None:
        self.key = hashlib.sha256(url.encode()).hexdigest()[:12]
        self._url = url
        self._token = token
        self._http = http
        self._checked = False
        self._span = _WIDEST
        self.rests_until: datetime | None = None

    async def head(self) -> int:
        """The number of its latest block. Raises ProviderDown."""
        await self._check()
        return _number(await self._call("eth_blockNumber"))

    async def view(self, address: str, start: int, mark: Mark | None = None) -> View:
        """The transfers to ``address`` from block ``start`` on, read from ``mark`` on where it still holds.

        Raises ProviderDown.
        """
        head = await self.head()
        if self._token.depth is None:
            final = _number((await self._block("finalized")).get("number"))
        else:
            final = head - self._token.depth + 1
        if mark is not None and (head < mark.block or await self.block_hash(mark.block) != mark.block_hash):
            mark = None
        topic = "0x" + address.removeprefix("0x").lower().rjust(64, "0")
        rows, upto = await self._logs(topic, mark.block + 1 if mark else start, head)
        read = (_transfer(row, self._token.contract, topic) for row in rows)
        known = mark.transfers if mark else ()
        found = {(item.tx, item.index): item for item in (*known, *read) if item is not None}
        places = {(item.tx, item.block_hash) for item in found.values()}
        if len(places) > len({tx for tx, _ in places}):
            raise ProviderDown("the chain was reorganised between two calls")
        transfers = tuple(found.values())
        moved = await self._moved(mark, start, min(final - _AGAIN, upto), transfers)
        return View(head, min(final, upto), upto, transfers, moved)

    async def block_hash(self, number: int) -> str:
        """The hash of a block. Raises ProviderDown for one that the node does not have."""
        found = (await self._block(hex(number))).get("hash")
        if not isinstance(found, str):
            raise ProviderDown("the node gave a block without a hash")
        return found.lower()

    async def _block(self, which: str) -> dict[str, Any]:
        block = await self._call("eth_getBlockByNumber", which, False)
        if not isinstance(block, dict):
            raise ProviderDown("the node gave no block")
        return block

    async def _moved(self, mark: Mark | None, start: int, to: int, transfers: Sequence[Seen]) -> Mark | None:
        """The mark for the next look."""
        kept = tuple(item for item in transfers if item.block <= to and item.units)
        if to < (mark.block if mark else start) + _STEP or len(kept) > _MOST_KEPT:
            return mark
        return Mark(to, await self.block_hash(to), kept)

    async def _logs(self, topic: str, start: int, end: int) -> tuple[list[Any], int]:
        """The logs, in as many calls as the node's limits ask for, and the last block that was read."""
        rows: list[Any] = []
        # The width that worked is remembered; twice of it, because a refusal may have had another reason.
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
            self._checked = False  # whoever answers next may be another node
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
    """All nodes of the operator: one that is down or behind is made up for by the others, and money counts only where
    they agree."""

    def __init__(self, nodes: Sequence[Node], clock: Clock) -> None:
        self._nodes = nodes
        self._clock = clock

    async def head(self) -> int:
        """The latest block that all that answer know: to begin there hides no money, whoever of them is wrong.

        Raises ProviderDown when none answers.
        """
        answers = await asyncio.gather(*(self._head(node) for node in self._awake()))
        known = [head for head in answers if head is not None]
        if not known:
            raise ProviderDown("no EVM node answers")
        return min(known)

    async def look(self, address: str, start: int, marks: Marks) -> Sight:
        """The transfers to ``address`` from block ``start`` on. Raises ProviderDown when no node answers.

        The node that is ahead is believed in what every other that has come as far shows in the same block; in blocks
        that another has not come to only if both have the same block where that one stands.
        """
        nodes = self._awake()
        answers = await asyncio.gather(*(self._view(node, address, start, marks.get(node.key)) for node in nodes))
        views = {node: view for node, view in zip(nodes, answers, strict=True) if view is not None}
        if not views:
            raise ProviderDown("no EVM node answers")
        ahead, best = max(views.items(), key=lambda pair: pair[1].upto)
        deep = [item for item in best.transfers if item.block <= best.final]
        agreed = [item for item in deep if all(item in v.transfers for v in views.values() if v.upto >= item.block)]
        apart = await self._apart(ahead, {node: view.upto for node, view in views.items()}, agreed)
        final = tuple(item for item in agreed if item.block <= apart)
        self._warn(address, views.values(), best, final)
        settled = {(item.tx, item.index) for item in final}
        # A transfer that only some nodes know is on its way for all that we can say.
        others = {(item.tx, item.index): item for view in (*views.values(), best) for item in view.transfers}
        waiting = tuple(item for key, item in others.items() if key not in settled)
        read = {node.key: view.mark for node, view in views.items()}
        kept = {node.key: read.get(node.key, marks.get(node.key)) for node in self._nodes}
        marks = {key: mark for key, mark in kept.items() if mark is not None}
        return Sight(best.upto, best.final, final, waiting, marks, best.upto >= best.head)

    @staticmethod
    async def _apart(ahead: Node, upto: Mapping[Node, int], items: Sequence[Seen]) -> int:
        """The block from which on ``ahead`` stands alone: another node is not there, and has another block below."""
        highest = max((item.block for item in items), default=0)

        async def same(node: Node, number: int) -> bool:
            try:
                return await node.block_hash(number) == await ahead.block_hash(number)
            except ProviderDown:
                return False

        behind = {node: number for node, number in upto.items() if number < highest}
        agree = await asyncio.gather(*(same(node, number) for node, number in behind.items()))
        return min((number for number, good in zip(behind.values(), agree, strict=True) if not good), default=highest)

    @staticmethod
    def _warn(address: str, views: Iterable[View], best: View, final: Sequence[Seen]) -> None:
        """Tell the operator of transfers that are final for one node, and not for all."""
        told = {item for view in views for item in view.transfers if item.block <= view.final}
        later = {item for item in best.transfers if item.block > best.final}
        if doubted := told - later - set(final):
            log.warning("payments.nodes_disagree", address=address, transfers=len(doubted))

    def _awake(self) -> list[Node]:
        now = self._clock.now()
        awake = [node for node in self._nodes if node.rests_until is None or node.rests_until <= now]
        return awake or list(self._nodes)

    async def _head(self, node: Node) -> int | None:
        try:
            return await node.head()
        except ProviderDown as error:
            self._rest(node, error)
            return None

    async def _view(self, node: Node, address: str, start: int, mark: Mark | None) -> View | None:
        try:
            return await node.view(address, start, mark)
        except ProviderDown as error:
            self._rest(node, error)
            return None

    def _rest(self, node: Node, error: ProviderDown) -> None:
        """Let a node be that does not answer, so that not every look waits for it."""
        node.rests_until = self._clock.now() + _REST
        log.warning("payments.node_down", place=self._nodes.index(node) + 1, error=str(error))


def _number(value: Any) -> int:
    """A quantity of JSON-RPC: hex after 0x, up to 256 bits. Raises ProviderDown."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ProviderDown("the node gave no number")
    return int(value, 16)


def _transfer(row: Any, contract: str, to: str) -> Seen | None:
    """A log as a transfer; None for one that is not in a block, or is not what was asked for.

    Raises ProviderDown for what makes no sense.
    """
    try:
        if row.get("removed") or row["blockNumber"] is None:
            return None
        topics = [topic.lower() for topic in row["topics"]]
        if row["address"].lower() != contract or len(topics) != 3 or (topics[0], topics[2]) != (_TRANSFER, to):
            return None
        return Seen(
            tx=row["transactionHash"].lower(),
            index=_number(row["logIndex"]),
            block=_number(row["blockNumber"]),
            block_hash=row["blockHash"].lower(),
            sender="0x" + topics[1][-40:],
            units=_number(row["data"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ProviderDown("the node gave a log without sense") from error
