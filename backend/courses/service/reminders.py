"""The worker's part of reminders, and the switch that turns them off."""

from __future__ import annotations

from typing import Final

from backend.courses.domain import reminders as domain
from backend.courses.repository import reminders as repository
from backend.identity.types import Actor
from backend.infra.failpoints import failpoint
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts

_BATCH: Final = 500
_BATCHES: Final = 20
"""In one round; the next one goes on."""


class RemindersService:
    """Reminds students who have an open lesson and have done nothing for a while."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def remind(self, most: int = _BATCH) -> int:
        """Look at the students who are due, in batches, each a transaction of a few statements; how many there were."""
        total = 0
        for _ in range(_BATCHES):
            looked = await self._look(most)
            total += looked
            if looked < most:
                break
        return total

    @retry_conflicts
    async def _look(self, most: int) -> int:
        async with self._uow() as tx:
            looked = await domain.look_at_due(tx, most)
            failpoint("reminders.decided")
        return looked

    @retry_conflicts
    async def switch(self, actor: Actor, *, on: bool) -> None:
        """Send the actor reminders of their courses, or none; doing it again changes nothing."""
        async with self._uow() as tx:
            if await repository.set_off(tx, actor.id, None if on else tx.now) and on:
                await repository.restart_person(tx, actor.id)
