"""Proofs of draws: everything that a draw follows from, for anybody who has its address."""

from __future__ import annotations

from typing import Final

from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.readings.repository import proofs as repository
from backend.readings.repository import readings, spreads
from backend.readings.repository.readings import Stored
from backend.readings.rules import drawing
from backend.readings.types import ReadingId, ReadingState
from backend.readings.types.rooms import Proof, Proofs

_LISTED: Final = 100


class ProofsService:
    """Proofs have no question and no text in them, so they need no session."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get(self, reading_id: ReadingId) -> Proof:
        """The proof of a draw; before its question nothing but the commitment. Raises NotFound, also if deleted."""
        async with self._uow.read() as tx:
            return await _proof(tx, reading_id)

    async def of(self, actor: Actor) -> Proofs:
        """How many draws the actor was shown the commitments of, and what became of them."""
        async with self._uow.read() as tx:
            counts = await repository.count_by_state(tx, actor.id)
            abandoned = [await _proof(tx, one) for one in await repository.list_abandoned(tx, actor.id, _LISTED)]
        return Proofs(
            committed=sum(counts.values()),
            drawn=counts.get(ReadingState.DRAWN, 0),
            waiting=counts.get(ReadingState.COMMITTED, 0),
            abandoned=tuple(abandoned),
            abandoned_count=counts.get(ReadingState.ABANDONED, 0),
        )


async def _proof(tx: Tx, reading_id: ReadingId) -> Proof:
    reading = await readings.get(tx, reading_id)
    if reading.deleted_at is not None:
        raise NotFound("a deleted reading")
    order: tuple[int, ...] = ()
    if reading.seed is not None and reading.client_seed is not None:
        order = tuple(drawing.order(reading.seed, reading.client_seed))
    return Proof(
        reading_id=reading.id,
        state=reading.state,
        name=(await spreads.get_body(tx, reading.spread_id, reading.spread_version)).name,
        spread_id=reading.spread_id,
        spread_version=reading.spread_version,
        deck_version=reading.deck_version,
        algorithm=reading.algorithm,
        commitment=reading.commitment.hex(),
        committed_at=reading.committed_at,
        seed=reading.seed.hex() if reading.seed is not None else None,
        client_seed=reading.client_seed,
        reversed_cards=reading.reversed_cards,
        order=order,
        cards=reading.cards,
        asked_at=reading.asked_at,
        revealed_at=reading.revealed_at,
        fits=_fits(reading),
    )


def _fits(reading: Stored) -> bool:
    if reading.seed is None:
        return True
    committed = drawing.commitment(
        reading.seed, reading.id, reading.spread_id, reading.spread_version, reading.deck_version
    )
    if committed != reading.commitment or reading.client_seed is None:
        return committed == reading.commitment
    dealt = drawing.draw(reading.seed, reading.client_seed, len(reading.cards), reversed_cards=reading.reversed_cards)
    return dealt == reading.cards
