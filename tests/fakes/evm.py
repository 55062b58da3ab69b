"""A real EVM node (anvil) on loopback, with tokens to pay with; and a gate before it that can fail as nodes do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.infra import embedded
from backend.payments.errors import ProviderDown
from backend.payments.gateways.http import HttpClient
from tests.processes import ROOT

CHAIN_ID = 31337
DECIMALS = 6
XPUB = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"
"""A shop's account m/44'/60'/0', of the mnemonic "abandon … about", which everybody knows."""
_READY_SECONDS = 20.0
_LOOK_SECONDS = 0.02
_ZERO = "0x" + "0" * 40
# USDT's transfer, too, returns nothing, unlike what ERC-20 wants.
_TOKEN = """
# pragma version ^0.4.0
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])

@deploy
def __init__(places: uint8):
    self.decimals = places
    self.balanceOf[msg.sender] = max_value(uint256)

@internal
def _move(receiver: address, amount: uint256):
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=msg.sender, receiver=receiver, amount=amount)

@external
def transfer(receiver: address, amount: uint256):
    self._move(receiver, amount)

@external
def twice(receiver: address, amount: uint256):
    self._move(receiver, amount)
    self._move(receiver, amount)
"""


def _program() -> str:
    programs = sorted((ROOT / ".venv" / "anvil" / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil*"))
    if not programs:
        pytest.fail("The chain tests need anvil: make anvil", pytrace=False)
    return str(programs[0])


def _word(value: int | str) -> str:
    number = int(value, 16) if isinstance(value, str) else value
    return f"{number:064x}"


class Evm:
    """The chain: ``pay``, ``mine``, ``snapshot`` and ``revert``. Every transaction is a block of its own."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client
        self._methods: dict[str, str] = {}
        self._rich = ""
        self.token = ""
        """The token with 6 decimals."""

    async def rpc(self, method: str, *params: Any) -> Any:
        """One call, which has to succeed."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = (await self._client.post(self.url, json=asked)).json()
        assert "error" not in answer, answer
        return answer["result"]

    async def settle(self) -> None:
        """Compile the token and put the first one on the chain."""
        from vyper import compile_code  # every test process imports this file, and few of them start a node

        built = compile_code(_TOKEN, output_formats=["bytecode", "method_identifiers"])
        self._methods = built["method_identifiers"]
        self._bytecode = built["bytecode"]
        self._rich = (await self.rpc("eth_accounts"))[0]
        self.token = await self.deploy(DECIMALS)

    async def deploy(self, decimals: int) -> str:
        """One more token; its address."""
        receipt = await self._send({"data": self._bytecode + _word(decimals)})
        return str(receipt["contractAddress"])

    async def pay(self, address: str, units: int, *, token: str = "", twice: bool = False) -> str:
        """Send ``units`` of a token, in one transaction (twice in the same one, where asked); its hash."""
        method = self._methods[("twice" if twice else "transfer") + "(address,uint256)"]
        receipt = await self._send({"to": token or self.token, "data": method + _word(address) + _word(units)})
        return str(receipt["transactionHash"])

    async def mine(self, blocks: int) -> None:
        """Let so many empty blocks follow."""
        await self.rpc("anvil_mine", hex(blocks))

    async def snapshot(self) -> str:
        """The chain as it is, for ``revert``."""
        return str(await self.rpc("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Take back every block since the snapshot."""
        assert await self.rpc("evm_revert", snapshot)

    async def _send(self, transaction: dict[str, str]) -> Any:
        # With a fixed price the same payment after a revert is the same transaction.
        terms = {"from": self._rich, "gas": hex(1_000_000), "gasPrice": hex(10 * 10**9)}
        sent = await self.rpc("eth_sendTransaction", terms | transaction)
        while (receipt := await self.rpc("eth_getTransactionReceipt", sent)) is None:
            await asyncio.sleep(_LOOK_SECONDS)
        assert receipt["status"] == "0x1", receipt
        return receipt


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Evm]:
    """Start anvil with a token of 6 decimals, and stop it afterwards."""
    port = embedded.free_port()
    command = [_program(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--accounts", "1", "--silent"]
    with (folder / "anvil.log").open("wb") as output:
        environ = os.environ | {"HOME": str(folder)}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environ, cwd=folder)
    try:
        async with httpx.AsyncClient(timeout=60) as client:
            chain = Evm(f"http://127.0.0.1:{port}", client)
            await _until_ready(chain, process)
            await chain.settle()
            yield chain
    finally:
        process.terminate()
        process.wait(10)


async def _until_ready(chain: Evm, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            await chain.rpc("eth_chainId")
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline, "anvil did not start"
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return


@dataclass
class Gate:
    """How one node behaves: ``down``, so many blocks behind, with a limit of its ranges, or telling another thing."""

    down: bool = False
    behind: int = 0
    widest: int | None = None
    tells: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """By method: what it makes of the true result."""
    calls: list[str] = field(default_factory=list)


class Gates:
    """The port ``Http`` to the one real node by several addresses, each with its own whims."""

    def __init__(self, chain: Evm, *names: str) -> None:
        self._chain = chain
        self._http = HttpClient()
        self.nodes = {f"http://{name}.test": Gate() for name in names}

    def __getitem__(self, name: str) -> Gate:
        return self.nodes[f"http://{name}.test"]

    @property
    def urls(self) -> str:
        """The addresses, as the setting has them."""
        return ",".join(self.nodes)

    async def call(self, method: str, url: str, *, json: Any = None, **more: Any) -> Any:
        """Pass a call on, and spoil it as the node's gate says."""
        gate = self.nodes[url]
        gate.calls.append(json["method"])
        if gate.down:
            raise ProviderDown("down")
        asked = dict(json)
        if asked["method"] == "eth_getLogs":
            params = asked["params"][0]
            span = int(params["toBlock"], 16) - int(params["fromBlock"], 16) + 1
            if gate.widest is not None and span > gate.widest:
                return Answered({"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "range too wide"}})
        answer = await self._http.call(method, self._chain.url, json=asked, **more)
        body = answer.json()
        if asked["method"] == "eth_blockNumber" and gate.behind:
            body["result"] = hex(max(int(body["result"], 16) - gate.behind, 0))
        if asked["method"] in gate.tells:
            body["result"] = gate.tells[asked["method"]](body["result"])
        return Answered(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


@dataclass(frozen=True)
class Answered:
    """An answer made up."""

    said: Mapping[str, Any]
    status: int = 200
    body: bytes = b""

    def json(self) -> Any:
        """What it says."""
        return self.said
