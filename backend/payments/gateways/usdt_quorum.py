"""What several EVM nodes agree on: pure decisions. Why: backend/decisions/0001-chains-threat-model.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

AGAIN: Final = 16
"""Final blocks that are read again: a node may have logs later than blocks."""


class Seen(msgspec.Struct, frozen=True):
    """A transfer in a block. The same transfer in another block, after a reorganisation, is a different one."""

    tx: str
    index: int
    block: int
    block_hash: str
    sender: str
    units: int

    @property
    def name(self) -> tuple[str, int]:
        """Its identity on the chain, regardless of the amount or block that a node reports."""
        return self.tx, self.index


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """Up to ``block`` the nodes ``by`` agreed on ``transfers``; its hash tells whether the chain below is the same."""

    block: int
    block_hash: str
    transfers: tuple[Seen, ...]
    by: tuple[str, ...]


class Stand(msgspec.Struct, frozen=True):
    """A node's latest block, its latest final one, and whether it has the checkpoint's block."""

    head: int
    final: int
    holds: bool


class Reading(msgspec.Struct, frozen=True):
    """The transfers that a node reports, up to the block ``upto``."""

    upto: int
    transfers: frozenset[Seen]


class Fault(StrEnum):
    """Why a node is not believed."""

    DOWN = "down"
    AHEAD = "ahead"
    BEHIND = "behind"
    OTHER_BLOCKS = "other_blocks"
    """Its block differs from the one that the others agreed on: it is on a fork, or lies."""
    DISAGREES = "disagrees"
    """It reports a final transfer that the others do not have, or lacks one that they have."""


class Agreement(msgspec.Struct, frozen=True):
    """``final`` transfers are credited, ``waiting`` ones are on their way; up to ``solid`` all is decided.

    ``doubted`` are the nodes that contradict the others about final blocks; all of them where no side has a quorum.
    """

    final: tuple[Seen, ...]
    waiting: tuple[Seen, ...]
    solid: int
    doubted: frozenset[str]


def quorum(nodes: int) -> int:
    """How many of so many configured nodes must agree: more than half."""
    return nodes // 2 + 1


def reached(heights: Iterable[int], needed: int) -> int:
    """The highest block that ``needed`` of the nodes have reached."""
    return sorted(heights, reverse=True)[needed - 1]


def astray(heads: Mapping[str, int], needed: int, spread: int) -> dict[str, int]:
    """The nodes more than ``spread`` blocks away from the height of the quorum, and how far."""
    top = reached(heads.values(), needed)
    return {node: head - top for node, head in heads.items() if abs(head - top) > spread}


def agree(readings: Mapping[str, Reading], needed: int, final_block: int) -> Agreement:
    """Count votes: a transfer is true if ``needed`` nodes report it, and false if ``needed`` do not have it."""
    final: list[Seen] = []
    waiting: dict[tuple[str, int], tuple[int, Seen]] = {}
    doubted: set[str] = set()
    solid = final_block - AGAIN
    shown = {item for reading in readings.values() for item in reading.transfers}
    for item in sorted(shown, key=lambda item: (item.block, item.index, item.tx, item.units)):
        able = {node for node, reading in readings.items() if reading.upto >= item.block}
        yes = {node for node in able if item in readings[node].transfers}
        no = able - yes
        is_true, is_false = len(yes) >= needed, len(no) >= needed
        if item.block <= final_block:
            if is_true:
                final.append(item)
            if is_true or is_false or len(able) == len(readings):
                doubted |= no if is_true else yes if is_false else able
        if not is_true and not is_false:
            solid = min(solid, item.block - 1)
        open_still = not is_false and not (is_true and item.block <= final_block)
        if open_still and len(yes) >= len(no):
            waiting[item.name] = max(waiting.get(item.name, (0, item)), (len(yes), item), key=lambda vote: vote[0])
    settled = {item.name for item in final}
    arriving = tuple(item for name, (_, item) in waiting.items() if name not in settled)
    return Agreement(tuple(final), arriving, solid, frozenset(doubted))
