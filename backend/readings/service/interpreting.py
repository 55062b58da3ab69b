"""The worker's part of the reading room: texts are written, by the model or by the built-in interpreter.

An answer is claimed under a lease. Its text is stored piece by piece while it is written, so that any page can read
along, and leaving the page ends nothing. Every end is one of the domain's: complete, failed, stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import defaultdict
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import DBAPIError

from backend.infra.crypto import KeyRing
from backend.infra.ending import end
from backend.infra.failpoints import failpoint
from backend.infra.metrics import READINGS
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Unavailable
from backend.readings.domain import answers, privacy
from backend.readings.domain.answers import Work
from backend.readings.repository import chunks
from backend.readings.rules.retries import LEVELS
from backend.readings.service.authors import Authors, Ending
from backend.readings.service.writing import Pen
from backend.readings.types import AnswerId, Failure

LEASE: Final = timedelta(seconds=20)
"""How long a worker may be silent before its answer counts as lost."""
_BEATS: Final = 4
"""So many signs of life there are in a lease."""
log = structlog.get_logger(__name__)


class InterpretingService:
    """Writes one answer a call; many may run side by side."""

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, signals: Signals, authors: Authors, lease: timedelta = LEASE
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._authors = authors
        self._lease = lease
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._changed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        signals.on(answers.TOPIC, self._heard)

    def _heard(self, key: str) -> None:
        if key in self._changed:
            self._changed[key].set()

    async def prepared(self) -> None:
        """Prepare the first call of the model, where there is one; then wait until cancelled, as a worker's part."""
        await self._authors.warm()
        await asyncio.Event().wait()

    async def interpret(self, answer_id: AnswerId) -> None:
        """Write an answer that waits; nothing happens to one that does not."""
        async with self._uow() as tx:
            work = await answers.claim(tx, self._ring, answer_id, self._worker, self._lease)
            if work is None:
                return
            sealer = await privacy.sealer(tx, self._ring, work.user_id)
            seq = await chunks.last_number(tx, answer_id, work.attempt)
        pen = Pen(self._uow, sealer, work, seq)
        with structlog.contextvars.bound_contextvars(answer=str(answer_id), attempt=work.attempt):
            try:
                await self._settle(work, pen, await self._tended(work, pen))
            except asyncio.CancelledError:
                await _in_any_case(self._hand_back(work))
                raise
            except (Unavailable, DBAPIError, OSError) as error:
                log.error("reading.not_stored", error=repr(error)[:300])
                await self._fail_quietly(work, Failure.DATABASE)
            except Exception:
                await self._fail_quietly(work, Failure.DATABASE)
                raise

    async def _tended(self, work: Work, pen: Pen) -> Ending | None:
        """Write, store and show signs of life until the text has ended; None where nobody wants it any more."""
        changed = self._changed[str(work.answer_id)]
        loop, every = asyncio.get_running_loop(), self._lease.total_seconds() / _BEATS
        due = loop.time() + every
        author = asyncio.create_task(self._authors.write(work, pen))
        try:
            while not author.done():
                await _first(author, pen.dirty, changed, seconds=due - loop.time())
                goes_on = True
                if pen.dirty.is_set():
                    await _first(author, changed, seconds=pen.due - loop.time())
                    goes_on = await pen.store()
                    failpoint("readings.word_stored")
                # Also while words come without a pause: storing them extends no lease.
                if goes_on and (changed.is_set() or loop.time() >= due):
                    changed.clear()
                    goes_on = await self._beat(work)
                    due = loop.time() + every
                if not goes_on:
                    return None
            ending = await author
            return ending if await pen.store() else None
        finally:
            self._changed.pop(str(work.answer_id), None)
            await end(author)

    async def _beat(self, work: Work) -> bool:
        async with self._uow() as tx:
            return await answers.beat(tx, work.answer_id, work.attempt, self._lease)

    async def _settle(self, work: Work, pen: Pen, ending: Ending | None) -> None:
        if ending is None:
            READINGS.labels("stopped").inc()
            log.info("reading.left", letters=len(pen.text))
            return
        async with self._uow() as tx:
            if ending.source is None:
                assert ending.failure is not None
                await answers.fail(tx, work.answer_id, work.attempt, ending.failure)
            else:
                await answers.complete(
                    tx, self._ring, work.answer_id, work.attempt, source=ending.source, text=pen.text,
                    usage=ending.usage, failure=ending.failure, free=ending.free,
                )  # fmt: skip
        outcome = ending.source.value if ending.source else "failed"
        READINGS.labels(outcome).inc()
        failure = ending.failure.value if ending.failure else None
        level = LEVELS[ending.failure] if ending.failure and not ending.source else 20
        log.log(level, "reading.ended", outcome=outcome, failure=failure, letters=len(pen.text))

    async def _hand_back(self, work: Work) -> None:
        """This process ends: another one writes the text, from its beginning."""
        async with self._uow() as tx:
            await answers.hand_back(tx, work.answer_id, work.attempt)
        log.info("reading.handed_back")

    async def _fail_quietly(self, work: Work, failure: Failure) -> None:
        # If even this cannot be stored, the lease runs out and the answer is reaped.
        with contextlib.suppress(Unavailable, DBAPIError, OSError):
            async with self._uow() as tx:
                await answers.fail(tx, work.answer_id, work.attempt, failure)


async def _first(task: asyncio.Task[Any], *events: asyncio.Event, seconds: float) -> None:
    """Wait for the task's end, the first event, or the time to pass."""
    if seconds <= 0:
        return
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waits], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _in_any_case(work: Coroutine[Any, Any, None]) -> None:
    """Do this although the task is cancelled, also again and again; an error is logged."""
    task = asyncio.create_task(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("reading.not_handed_back", error=repr(error)[:300])
