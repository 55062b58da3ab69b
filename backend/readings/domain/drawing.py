"""A draw inside the caller's transaction: committed to, then dealt or abandoned; each once."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.domain import privacy
from backend.readings.errors import ReadingLapsed
from backend.readings.repository import keys, readings
from backend.readings.repository.readings import Stored
from backend.readings.rules import drawing
from backend.readings.types import (
    DECK_VERSION,
    DrawnCard,
    ReadingId,
    ReadingState,
    Spread,
    SpreadBody,
    Unopenable,
)

LAPSES_AFTER: Final = timedelta(hours=24)
"""How long a commitment waits for its question; then its seed is revealed."""
_REVEALED_AT_ONCE: Final = 100


async def commit(tx: Tx, ring: KeyRing, user_id: UserId, spread: Spread, *, free: bool = False) -> Stored:
    """The draw of a spread that a person is shown the commitment of: the one that waits, or a new one."""
    await keys.lock_person(tx, user_id)
    waiting = await readings.find_committed(tx, user_id, spread.id, free=free)
    if waiting is not None:
        if not lapsed(waiting, tx):
            return waiting
        await abandon(tx, ring, waiting)
    reading_id, seed = ReadingId(tx.new_id()), secrets.token_bytes(drawing.SEED_BYTES)
    sealer = await privacy.sealer(tx, ring, user_id)
    new = Stored(
        id=reading_id,
        user_id=user_id,
        spread_id=spread.id,
        spread_version=spread.version,
        deck_version=DECK_VERSION,
        algorithm=drawing.ALGORITHM,
        credits=0 if free else spread.credits,
        free=free,
        state=ReadingState.COMMITTED,
        commitment=drawing.commitment(seed, reading_id, spread.id, spread.version, DECK_VERSION),
        sealed_seed=sealer.seal(seed, privacy.seed_context(reading_id)),
        committed_at=tx.now,
    )
    await readings.add(tx, new)
    return new


def lapsed(waiting: Stored, tx: Tx) -> bool:
    """Whether a commitment has waited too long for its question."""
    return waiting.committed_at <= tx.now - LAPSES_AFTER


async def deal(
    tx: Tx, ring: KeyRing, waiting: Stored, body: SpreadBody, client_seed: str, *, reversed_cards: bool, language: str
) -> Stored:
    """Deal the cards of a draw, which must be locked and committed, and reveal its seed.

    Raises ReadingLapsed where it has waited too long, or its seed cannot be opened.
    """
    seed = await _open(tx, ring, waiting)
    if seed is None or lapsed(waiting, tx):
        raise ReadingLapsed()
    cards = drawing.draw(seed, client_seed, len(body.positions), reversed_cards=reversed_cards)
    await readings.deal(
        tx, waiting.id, seed, client_seed, cards, reversed_cards=reversed_cards, language=language
    )  # fmt: skip
    return await readings.get(tx, waiting.id)


async def abandon(tx: Tx, ring: KeyRing, waiting: Stored) -> None:
    """Reveal the seed of a draw that nobody asked."""
    await readings.abandon(tx, waiting.id, await _open(tx, ring, waiting))


async def reveal_lapsed(tx: Tx, ring: KeyRing) -> int:
    """Reveal the seeds of draws that were not asked within a day; how many."""
    old = await readings.lock_old(tx, tx.now - LAPSES_AFTER, _REVEALED_AT_ONCE)
    for waiting in old:
        await abandon(tx, ring, waiting)
    return len(old)


async def _open(tx: Tx, ring: KeyRing, waiting: Stored) -> bytes | None:
    seed = await privacy.open_bytes(tx, ring, waiting.sealed_seed, privacy.seed_context(waiting.id))
    return None if isinstance(seed, Unopenable) else seed


def sample(cards: int) -> tuple[DrawnCard, ...]:
    """Cards to look at a spread with, which are no reading."""
    return drawing.draw(secrets.token_bytes(drawing.SEED_BYTES), secrets.token_urlsafe(16), cards, reversed_cards=True)
