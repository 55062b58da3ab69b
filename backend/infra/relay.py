"""The relay: hands the outbox's due rows to arq. Several may run side by side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Uuid, any_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.jobs import count_dead
from backend.infra.metrics import DEAD_LETTERS, OUTBOX_LAG, OUTBOX_WAITING
from backend.infra.outbox import OutboxJob
from backend.infra.runner import describe
from backend.infra.unit_of_work import UnitOfWork

_BATCH = 100
_AT_ONCE = 10
_SHORTEST_REST = 0.25
_LONGEST_REST = 5.0
_MEASURE_SECONDS = 5.0
_STILL_QUEUED = timedelta(seconds=1)
log = structlog.get_logger(__name__)

Enqueue = Callable[[UUID], Awaitable[bool]]
"""Gives a job's id to the queue; False when the queue has it already. Raises when the queue is away."""

_WAITING = (OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None), OutboxJob.run_at <= bindparam("now"))
_CLAIM = (
    select(OutboxJob.id, OutboxJob.dispatched_at)
    .where(*_WAITING)
    .where(or_(OutboxJob.dispatched_at.is_(None), OutboxJob.dispatched_at < bindparam("stale")))
    .order_by(OutboxJob.run_at)
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)
# One array, so that the statement is the same for any number.
_DISPATCHED = update(OutboxJob).where(OutboxJob.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
_MARK = _DISPATCHED.values(dispatched_at=bindparam("now"))
_POSTPONE = _DISPATCHED.values(run_at=bindparam("later"))
_MEASURE = select(func.count().label("waiting"), func.min(OutboxJob.run_at).label("oldest")).where(*_WAITING)


class Relay:
    """Hands over the jobs that are due: when woken, every ``poll`` seconds, and again if not done in ``visibility``.

    After Redis or PostgreSQL was away (and at its start) it hands everything over again that is not done: a Redis that
    lost its data gets its queue back at once, one that kept it drops the repetitions by their ids. ``lost`` tells of a
    Redis that came back with nothing, or was emptied, while there was nothing to hand over. ``handed`` is called when
    there may be something in the queue.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        enqueue: Enqueue,
        *,
        lost: Callable[[], Awaitable[bool]] | None = None,
        handed: Callable[[], None] | None = None,
        visibility: timedelta = timedelta(seconds=60),
        poll: float = 1.0,
    ) -> None:
        self._uow = uow
        self._enqueue = enqueue
        self._lost = lost
        self._handed = handed
        self._visibility = visibility
        self._poll = poll
        self._wake = asyncio.Event()
        self._hand_all_over = True
        self._before: datetime | None = None
        self._measured_at = 0.0
        self._asked_at = 0.0

    def wake(self, _key: str = "") -> None:
        """Check for due jobs now: called by the ``outbox`` signal."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled; waits while Redis or PostgreSQL is away."""
        rest = 0.0
        while True:
            self._wake.clear()
            try:
                await self._notice_loss()
                # A batch that is not full leaves nothing due.
                while await self.hand_over() == _BATCH:
                    pass
                if self._handed is not None:
                    self._handed()
                await self._measure()
            except Exception as error:  # the relay outlives everything it talks to
                self._hand_all_over = True
                if not rest:
                    log.warning("relay.waiting", error=describe(error))
                rest = min(max(rest * 2, _SHORTEST_REST), _LONGEST_REST)
                await asyncio.sleep(rest)
                continue
            if rest:
                log.info("relay.recovered")
            rest = 0.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._wake.wait()

    async def _notice_loss(self) -> None:
        """Ask once a second whether Redis has lost its data, and not for each job."""
        if self._lost is None or time.monotonic() < self._asked_at + self._poll:
            return
        if await self._lost():
            self._hand_all_over = True
        self._asked_at = time.monotonic()

    async def hand_over(self) -> int:
        """Hand one batch over; how many rows it took. Raises when Redis or PostgreSQL is away.

        The rows stay locked while Redis is asked (a second at most, by its time-out). Their runner can write its
        outcome only after that, so "handed over" never overwrites "done" or "later".
        """
        async with self._uow() as tx:
            if self._hand_all_over:
                self._before, self._hand_all_over = tx.now, False
            stale = tx.now - self._visibility
            if self._before is not None:
                stale = max(stale, self._before)
            rows = (await tx.execute(_CLAIM, {"now": tx.now, "stale": stale})).all()
            queued: list[bool] = []
            for start in range(0, len(rows), _AT_ONCE):
                queued += await asyncio.gather(*(self._enqueue(row.id) for row in rows[start : start + _AT_ONCE]))
            taken = list(zip(rows, queued, strict=True))
            # The queue may still know the run before this one, at its very end: asked again in a second.
            ending = [row.id for row, new in taken if not new and row.dispatched_at is None]
            handed = [row.id for row, new in taken if new or row.dispatched_at is not None]
            if handed:
                await tx.execute(_MARK, {"ids": handed, "now": tx.now})
            if ending:
                await tx.execute(_POSTPONE, {"ids": ending, "later": tx.now + _STILL_QUEUED})
        return len(rows)

    async def _measure(self) -> None:
        if time.monotonic() < self._measured_at + _MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        async with self._uow.read() as tx:
            row = (await tx.execute(_MEASURE, {"now": tx.now})).one()
            OUTBOX_WAITING.set(row.waiting)
            OUTBOX_LAG.set((tx.now - row.oldest).total_seconds() if row.oldest else 0)
            DEAD_LETTERS.set(await count_dead(tx))
