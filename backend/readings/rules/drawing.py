"""The fair draw: what is committed to, and how seeds become the order of the cards. See decisions/0098.

Anybody must be able to repeat it: webapp/static/readings/fair-draw.js and the check script compute the same, and the
vectors in tests/vectors/draws.json hold all of them to it. A change is a new ALGORITHM, never another result of this.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from collections.abc import Iterator
from typing import Final

from backend.readings.types import CARDS, DrawnCard, ReadingId, SpreadId

ALGORITHM: Final = 1
SEED_BYTES: Final = 64
"""512 bits: more than the 460 that every order of 78 cards with every orientation takes."""
_COMMIT: Final = b"souk/commit/v1"
_DRAW: Final = b"souk/draw/v1"
_TURN: Final = b"souk/turn/v1"
_WORDS: Final = 1 << 32
_SPLIT: Final = struct.Struct(">8I").unpack
_CLIENT_SEED: Final = re.compile(r"[0-9A-Za-z_-]{16,64}")


def is_client_seed(text: str) -> bool:
    """Whether a page may send this as its seed: 16 to 64 letters, digits, hyphens and underscores."""
    return _CLIENT_SEED.fullmatch(text) is not None


def commitment(
    server_seed: bytes, reading_id: ReadingId, spread_id: SpreadId, spread_version: int, deck_version: int
) -> bytes:
    """The 32 bytes that are shown before the question. Every part has a fixed length, so nothing can be shifted."""
    if len(server_seed) != SEED_BYTES:
        raise ValueError(f"a server seed has {SEED_BYTES} bytes")
    versions = spread_version.to_bytes(4, "big") + deck_version.to_bytes(4, "big")
    return hashlib.sha256(_COMMIT + server_seed + reading_id.bytes + spread_id.bytes + versions).digest()


def order(server_seed: bytes, client_seed: str) -> list[int]:
    """The 78 cards in the order in which they lie, the next to be dealt first."""
    return shuffled(_words(server_seed, _DRAW, client_seed))


def draw(server_seed: bytes, client_seed: str, cards: int, *, reversed_cards: bool) -> tuple[DrawnCard, ...]:
    """The first ``cards`` of the deck as they are dealt, all of them upright without ``reversed_cards``."""
    dealt = order(server_seed, client_seed)[:cards]
    turns = orientations(server_seed, client_seed) if reversed_cards else (False,) * CARDS
    return tuple(DrawnCard(card, turned) for card, turned in zip(dealt, turns, strict=False))


def orientations(server_seed: bytes, client_seed: str) -> tuple[bool, ...]:
    """Whether each card, in the order of the deck, lies upside down: 78 bits of a stream of their own."""
    bits = int.from_bytes(_block(server_seed, _TURN, client_seed, 0), "big")
    return tuple(bool(bits >> (255 - place) & 1) for place in range(CARDS))


def shuffled(words: Iterator[int]) -> list[int]:
    """Fisher–Yates over 78 cards: a fresh 32-bit word for each swap; words that would favour one are skipped."""
    deck = list(range(CARDS))
    for last in range(CARDS - 1, 0, -1):
        choices = last + 1
        fair = _WORDS - _WORDS % choices
        word = next(words)
        while word >= fair:
            word = next(words)
        other = word % choices
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def _words(server_seed: bytes, label: bytes, client_seed: str) -> Iterator[int]:
    counter = 0
    while True:
        yield from _SPLIT(_block(server_seed, label, client_seed, counter))
        counter += 1


def _block(server_seed: bytes, label: bytes, client_seed: str, counter: int) -> bytes:
    """32 bytes of a stream; the client's seed comes with its length, so no two messages are spelt alike."""
    spelt = client_seed.encode("ascii")
    message = label + len(spelt).to_bytes(2, "big") + spelt + counter.to_bytes(4, "big")
    return hmac.digest(server_seed, message, "sha256")
