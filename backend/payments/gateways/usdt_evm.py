"""USDT on an EVM chain: an address for each payment, watched through any JSON-RPC nodes."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.infra.settings import Settings, SettingsError
from backend.payments.gateways import usdt
from backend.payments.gateways.usdt_addresses import Addresses, base_url, evm_address
from backend.payments.gateways.usdt_nodes import Node, Nodes, Sight, Token
from backend.payments.gateways.usdt_quorum import Checkpoint, Seen
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
)

# A reorganisation may move a transfer below the block in which its address was issued.
_BEFORE: Final = 64
_WAIT_SECONDS: Final = 240
_FINALIZED: Final = "finalized"
# About a minute of blocks, by chain id: honest nodes differ by seconds.
_SPREAD: Final = {1: 5, 10: 30, 56: 100, 137: 30, 8453: 30, 42161: 240, 43114: 40}
_OTHER_SPREAD: Final = 30


class _Known(msgspec.Struct, frozen=True):
    contract: str
    decimals: int
    network: str
    explorer: str = ""


# Source: tether.to, supported protocols; on chain 56 it is Binance's own token.
_KNOWN: Final = {
    1: _Known("0xdAC17F958D2ee523a2206206994597C13D831ec7", 6, "Ethereum (ERC-20)", "https://etherscan.io/tx/{tx}"),
    56: _Known(
        "0x55d398326f99059fF775485246999027B3197955", 18, "BNB Smart Chain (BEP-20)", "https://bscscan.com/tx/{tx}"
    ),
}


class EvmProvider(usdt.Watcher):
    """Reads a payment's state from the chain each time, so a reorganised chain is simply read again.

    What is final and agreed on is stored as the payment's ``checkpoint``, which only saves reading.
    """

    name = "usdt_evm"

    def __init__(
        self, *, addresses: Addresses, nodes: Nodes, token: Token, contract: str, network: str, can: Capabilities
    ) -> None:
        self.capabilities = can
        self._addresses = addresses
        self._nodes = nodes
        self._token = token
        self._contract = contract
        self._network = network

    async def create(self, payment: PaymentRef) -> Created:
        """Derive an address for the payment, watched from the current block on. Raises ProviderDown without a node."""
        address = self._addresses.at(payment.number)
        start = max(await self._nodes.head() - _BEFORE, 0)
        units = usdt.units_of(payment.payable, self._token.decimals)
        fields = {
            "network": self._network,
            "address": address,
            "amount": usdt.decimal_text(units, self._token.decimals),
            "asset": usdt.ASSET,
            # Source: EIP-681.
            "uri": f"ethereum:{self._contract}@{self._token.chain_id}/transfer?address={address}&uint256={units}",
        }
        return Created(f"{address}@{start}", PayAction(ActionKind.TRANSFER, fields=fields))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Report final transfers, else those on their way with their confirmations. Raises ProviderDown."""
        external_id = payment.external_id or ""
        address, _, start = external_id.partition("@")
        sight = await self._nodes.read(address, int(start), _read_checkpoint(payment.checkpoint))
        final = sorted((item for item in sight.final if item.units), key=lambda item: (item.block, item.index))
        coins = [usdt.Coins(f"{item.tx}:{item.index}", item.units, item.sender) for item in final]
        waiting = [item for item in sight.waiting if item.units]
        progress = self._progress(sight, waiting) if waiting else None
        checkpoint = msgspec.json.encode(sight.checkpoint).decode() if sight.checkpoint else ""
        report = usdt.report(external_id, coins, self._token.decimals, credited=payment.received, progress=progress)
        if not sight.whole and report.received is not None and report.received < payment.received:
            # The chain is being read again and the rest is not reached yet.
            return ProviderReport(
                event_id=f"{external_id}:reads",
                state=ProviderState.PENDING,
                external_id=external_id,
                checkpoint=checkpoint,
            )
        return msgspec.structs.replace(report, checkpoint=checkpoint)

    async def examine(self) -> list[str]:
        """Problems of the nodes, for the operator."""
        return await self._nodes.examine()

    def _progress(self, sight: Sight, waiting: list[Seen]) -> dict[str, str]:
        needed = self._token.depth or sight.head - sight.final_block + 1
        depth = sight.head - max(item.block for item in waiting) + 1
        micro = usdt.micro_of(sum(item.units for item in waiting), self._token.decimals)
        return {
            "confirmations": str(min(max(depth, 0), needed)),
            "needed": str(needed),
            "seen": usdt.decimal_text(micro, usdt.DIGITS),
        }


def _read_checkpoint(text: str) -> Checkpoint | None:
    try:
        return msgspec.json.decode(text, type=Checkpoint) if text else None
    except msgspec.MsgspecError:  # written by another version
        return None


def _read_depth(text: str) -> int | None:
    if text == _FINALIZED:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 10_000):
        raise SettingsError("USDT_EVM_CONFIRMATIONS must be a number of blocks, from 1 on, or finalized")
    return int(text)


def _known(chain: int) -> _Known:
    return _KNOWN.get(chain, _Known("", 0, f"EVM chain {chain}"))


def _read_token(settings: Settings) -> tuple[Token, str, str]:
    """The token, its contract's address with its checksum, and the network's name. Raises SettingsError."""
    chain = settings.usdt_evm_chain_id
    known = _known(chain)
    own_contract = settings.usdt_evm_contract or known.contract
    if not own_contract:
        raise SettingsError(f"USDT_EVM_CONTRACT must name the token's contract on chain {chain}")
    contract = evm_address(own_contract, "USDT_EVM_CONTRACT")
    known_one = contract.lower() == known.contract.lower()
    decimals = settings.usdt_evm_decimals or (known.decimals if known_one else 0)
    if decimals < usdt.DIGITS:
        raise SettingsError(f"USDT_EVM_DECIMALS must be set for this contract, {usdt.DIGITS} or more")
    token = Token(chain, contract.lower(), decimals, _read_depth(settings.usdt_evm_confirmations))
    return token, contract, settings.usdt_evm_network or known.network


def _build(settings: Settings, kit: ProviderKit) -> EvmProvider:
    urls = [part.strip() for part in settings.usdt_evm_rpc_urls.split(",") if part.strip()]
    token, contract, network = _read_token(settings)
    nodes = [Node(base_url(url, "USDT_EVM_RPC_URLS"), token, kit.http) for url in urls]
    if not nodes:
        raise SettingsError("USDT_EVM_RPC_URLS names no node")
    if len({node.key for node in nodes}) < len(nodes):
        raise SettingsError("USDT_EVM_RPC_URLS names a node twice: each has one vote")
    return EvmProvider(
        addresses=Addresses(settings.usdt_evm_xpub, "ETHEREUM", "USDT_EVM_XPUB"),
        nodes=Nodes(nodes, kit.clock, spread=_SPREAD.get(token.chain_id, _OTHER_SPREAD), memory=kit.memory),
        token=token,
        contract=contract,
        network=network,
        can=usdt.capabilities(usdt.read_price(settings), _WAIT_SECONDS, _known(token.chain_id).explorer),
    )


SPEC: Final = ProviderSpec(name="usdt_evm", needs=("USDT_EVM_RPC_URLS", "USDT_EVM_XPUB"), build=_build)
