"""Timers, run by whichever worker comes first. They need PostgreSQL only: reservations lapse without Redis too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.infra.jobs import Cron
from backend.infra.metrics import CRON_RUNS
from backend.infra.outbox import OutboxJob
from backend.infra.runner import describe
from backend.infra.unit_of_work import UnitOfWork

_KEEP_DONE = timedelta(days=1)
_PURGE_BATCH = 5000
_LONGEST_SLEEP = 30.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
log = structlog.get_logger(__name__)


class CronRun(Model):
    """When a timer last ran, in whichever worker."""

    __tablename__ = "cron_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime]


_REGISTER = upsert(CronRun).on_conflict_do_nothing()
_CLAIM = (
    update(CronRun)
    .where(CronRun.name == bindparam("cron"), CronRun.ran_at <= bindparam("due"))
    .values(ran_at=bindparam("now"))
    .returning(CronRun.name)
)


def due_before(cron: Cron, now: datetime) -> datetime:
    """The timer is due when it last ran at this moment or earlier."""
    if cron.seconds is not None:
        return now - timedelta(seconds=cron.seconds)
    assert cron.at is not None
    slot = datetime.combine(now.date(), cron.at, tzinfo=UTC)
    return (slot if slot <= now else slot - timedelta(days=1)) - timedelta(microseconds=1)


class CronRunner:
    """Runs timers; of several workers one runs each, and a claim outlives its worker until the next time only."""

    def __init__(self, uow: UnitOfWork, crons: list[Cron]) -> None:
        names = [cron.name for cron in crons]
        if len(set(names)) != len(names):
            raise ValueError("two timers share a name")
        self._uow = uow
        self._crons = crons

    async def run(self) -> None:
        """Run all timers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cron in self._crons:
                group.create_task(self._forever(cron))

    async def _forever(self, cron: Cron) -> None:
        # A third of the interval: with several workers, one that is late is made up for by the next.
        pause = min(max((cron.seconds or 3600) / 3, 0.5), _LONGEST_SLEEP)
        while True:
            try:
                await self.tick(cron)
            except Exception as error:  # a timer that fails runs again at its next time
                CRON_RUNS.labels(cron.name, "failed").inc()
                log.warning("cron.failed", cron=cron.name, error=describe(error), exc_info=error)
            await asyncio.sleep(pause)

    async def tick(self, cron: Cron) -> bool:
        """Run the timer if it is due and no other worker has run it; whether it did. Raises what it raises."""
        async with self._uow() as tx:
            # A daily timer does not fire on the day it is first seen past its hour; the others start at once.
            first = _LONG_AGO if cron.seconds is not None else tx.now
            await tx.execute(_REGISTER, {"name": cron.name, "ran_at": first})
            values = {"cron": cron.name, "now": tx.now, "due": due_before(cron, tx.now)}
            claimed = (await tx.execute(_CLAIM, values)).one_or_none()
        if claimed is None:
            return False
        await cron.run()
        CRON_RUNS.labels(cron.name, "done").inc()
        return True


def purge_done(uow: UnitOfWork) -> Cron:
    """The timer that forgets jobs a day after they were done."""

    async def purge() -> None:
        while True:
            async with uow() as tx:
                old = select(OutboxJob.id).where(OutboxJob.done_at < tx.now - _KEEP_DONE).limit(_PURGE_BATCH)
                result = await tx.execute(delete(OutboxJob).where(OutboxJob.id.in_(old)))
            if result.rowcount < _PURGE_BATCH:
                return

    return Cron("outbox.purge_done", purge, seconds=3600)
