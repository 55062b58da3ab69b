"""Figures of the reading room for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.repository import figures as repository
from backend.readings.repository import spreads
from backend.readings.types.office import CreditFigures, DayFigures
from backend.readings.types.rooms import SpreadFigures

_NO_DRAWS = {"drawn": 0, "free": 0, "abandoned": 0}
_NO_ANSWERS = {"answers": 0, "built_in": 0, "credits": 0, "cost_micros": 0}


class FiguresService:
    """For admins with the permission for readings."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def count_readings(self, actor: Actor, days: int) -> int:
        """How many readings were asked for in the last ``days``, free cards included. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await repository.count_asked(tx, tx.now - timedelta(days=days))

    async def count_between(self, actor: Actor, starts: Sequence[datetime]) -> list[int]:
        """How many readings were asked for from each of ``starts`` (ascending) until the next, from the last until now.

        Raises Forbidden.
        """
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await repository.count_between(tx, starts)

    async def by_day(self, actor: Actor, days: int) -> list[DayFigures]:
        """What came of each of the last ``days``, the latest first. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            midnight = tx.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            return await repository.list_days(tx, midnight - timedelta(days=days - 1))

    async def of_credits(self, actor: Actor, days: int) -> CreditFigures:
        """Where the credits of the last ``days`` came from, and where they went. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await repository.sum_credits(tx, tx.now - timedelta(days=days))

    async def of_spreads(self, actor: Actor, days: int) -> list[SpreadFigures]:
        """What came of each spread in the last ``days``, in the order of the spreads. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            since = tx.now - timedelta(days=days)
            draws, answers = await repository.list_draws(tx, since), await repository.list_answers(tx, since)
            failures = await repository.list_failures(tx, since)
            return [
                SpreadFigures(
                    spread=spread,
                    failures=failures.get(spread.id, {}),
                    **draws.get(spread.id, _NO_DRAWS),
                    **answers.get(spread.id, _NO_ANSWERS),
                )
                for spread in await spreads.list_spreads(tx, hidden=True)
            ]
