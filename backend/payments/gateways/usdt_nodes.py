"""What EVM nodes say of a token's transfers: JSON-RPC, one node, and several that have to agree."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
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
_MOST_CALLS: Final = 500
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


class View(msgspec.Struct, frozen=True):
    """One node's view: its latest block, the latest that is final, and the transfers up to the former."""

    head: int
    final: int
    transfers: tuple[Seen, ...]


class Sight(msgspec.Struct, frozen=True):
    """What all nodes say together: ``final`` transfers count, ``waiting`` ones are on their way."""

    head: int
    final_block: int
    final: tuple[Seen, ...]
    waiting: tuple[Seen, ...]


class _Refused(ProviderDown):
    """The node answered with an error of JSON-RPC."""


class Node:
    """One node. It is refused unless it is of the token's chain and the token has the decimals that we count by."""

    def __init__(self, url: str, token: Token, http: Http) -> None:
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

    async def view(self, address: str, start: int) -> View:
        """The transfers to ``address`` from block ``start`` on. Raises ProviderDown."""
        head = await self.head()
        if self._token.depth is None:
            block = await self._call("eth_getBlockByNumber", "finalized", False)
            final = _number(block.get("number") if isinstance(block, dict) else None)
        else:
            final = head - self._token.depth + 1
        topic = "0x" + address.removeprefix("0x").lower().rjust(64, "0")
        read = (_transfer(row, self._token.contract, topic) for row in await self._logs(topic, start, head))
        found = {(item.tx, item.index): item for item in read if item is not None}
        places = {(item.tx, item.block_hash) for item in found.values()}
        if len(places) > len({tx for tx, _ in places}):
            raise ProviderDown("the chain was reorganised between two calls")
        return View(head, final, tuple(found.values()))

    async def _logs(self, topic: str, start: int, end: int) -> list[Any]:
        """The logs, in as many calls as the node's limits ask for."""
        rows: list[Any] = []
        # The width that worked is remembered; twice of it, because a refusal may have had another reason.
        span = min(self._span * 2, _WIDEST)
        for _ in range(_MOST_CALLS):
            if start > end:
                self._span = span
                return rows
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
        raise ProviderDown("the node allows too short ranges of eth_getLogs")

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
        """The latest block that any of them knows. Raises ProviderDown when none answers."""
        answers = await asyncio.gather(*(self._head(node) for node in self._awake()))
        known = [head for head in answers if head is not None]
        if not known:
            raise ProviderDown("no EVM node answers")
        return max(known)

    async def look(self, address: str, start: int) -> Sight:
        """The transfers to ``address`` from block ``start`` on. Raises ProviderDown when no node answers.

        The node that is ahead is believed in what every other that has come as far shows in the same block.
        """
        answers = await asyncio.gather(*(self._view(node, address, start) for node in self._awake()))
        views = [view for view in answers if view is not None]
        if not views:
            raise ProviderDown("no EVM node answers")
        best = max(views, key=lambda view: view.head)
        deep = [item for item in best.transfers if item.block <= best.final]
        final = tuple(item for item in deep if all(item in view.transfers for view in views if view.head >= item.block))
        if len(final) < len(deep):
            log.warning("payments.nodes_disagree", address=address, transfers=len(deep) - len(final))
        settled = {(item.tx, item.index) for item in final}
        # A transfer that only some nodes know is on its way for all that we can say.
        others = {(item.tx, item.index): item for view in (*views, best) for item in view.transfers}
        waiting = tuple(item for key, item in others.items() if key not in settled)
        return Sight(best.head, best.final, final, waiting)

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

    async def _view(self, node: Node, address: str, start: int) -> View | None:
        try:
            return await node.view(address, start)
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
