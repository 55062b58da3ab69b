"""What happens without anybody: lost answers are ended, seals of abandoned draws opened, built-in spreads stored."""

from __future__ import annotations

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.readings.domain import answers, drawing, privacy, spreads


class RoomUpkeepService:
    """Run by timers, at the start, and by ``souk doctor``."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def reap(self) -> int:
        """End answers whose worker died, or that none came for, and return their credits; how many."""
        ended = 0
        while now := await self._reap():
            ended += now
        return ended

    @retry_conflicts
    async def _reap(self) -> int:
        async with self._uow() as tx:
            return await answers.reap(tx)

    async def reveal_lapsed(self) -> int:
        """Reveal the seeds of draws that nobody asked within a day; how many."""
        revealed = 0
        while now := await self._reveal():
            revealed += now
        return revealed

    @retry_conflicts
    async def _reveal(self) -> int:
        async with self._uow() as tx:
            return await drawing.reveal_lapsed(tx, self._ring)

    async def ensure_spreads(self) -> int:
        """Store the spreads that came with Souk, unless they are there; how many were stored."""
        from backend.readings.deck.spreads import BUILT_IN_SPREADS  # noqa: PLC0415 - texts that only this reads

        async with self._uow() as tx:
            return await spreads.ensure_built_in(tx, BUILT_IN_SPREADS)

    async def count_missing_keys(self) -> int:
        """How many keys of people's readings can't be opened."""
        async with self._uow.read() as tx:
            return await privacy.count_missing(tx, self._ring)
