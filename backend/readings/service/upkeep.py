"""What is deleted when its time has passed: pieces of texts that are stored whole, figures of old calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from backend.infra.unit_of_work import UnitOfWork
from backend.readings.repository import calls, chunks

_FIGURES_STAY: Final = timedelta(days=400)
_BATCH: Final = 5000


class UpkeepService:
    """Deletes in batches, so that nobody waits for it."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def purge(self) -> None:
        """Delete what is not read any more."""
        while True:
            async with self._uow() as tx:
                if await chunks.purge(tx, tx.now - chunks.PIECES_STAY, _BATCH) < _BATCH:
                    break
        async with self._uow() as tx:
            await calls.purge(tx, tx.now - _FIGURES_STAY)
