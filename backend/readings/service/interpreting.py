"""The worker's part of the reading room: texts are written, by the model or by the built-in interpreter.

An answer is claimed under a lease. Its text is stored piece by piece while it is written, so that any page can read
along, and leaving the page ends nothing. Every end is one of the domain's: complete, failed, stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
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
from backend.infra.jobs import RetryLater
from backend.infra.metrics import READINGS
from backend.infra.outbox import FOLLOW_UPS
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
TEXTS_AT_ONCE: Final = 32
"""How many texts one worker writes at a time: nearly always, all of them wait for a model's words."""
_BEAT_SECONDS: Final = 5.0
_CROWDED_SECONDS: Final = 1.0
log = structlog.get_logger(__name__)


class InterpretingService:
    """Writes answers, many side by side and beside the queue: a text takes minutes, and no job must wait for it."""

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, signals: Signals, authors: Authors, lease: timedelta = LEASE
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._authors = authors
        self._lease = lease
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._changed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._texts: set[asyncio.Task[None]] = set()
        self._ending = False
        signals.on(answers.TOPIC, self._heard)

    def _heard(self, key: str) -> None:
        if key in self._changed:
            self._changed[key].set()

    async def run(self) -> None:
        """Prepare the first call of the model, where there is one; when cancelled, leave all texts to other workers."""
        try:
            await self._authors.warm()
            await asyncio.Event().wait()
        finally:
            self._ending = True
            await end(*self._texts)

    async def drain(self, seconds: float) -> None:
        """Begin no more texts, and wait up to ``seconds`` for those that are being written."""
        self._ending = True
        if self._texts:
            await asyncio.wait(self._texts, timeout=seconds)

    async def begin(self, answer_id: AnswerId) -> None:
        """Have an answer written that waits, without waiting for its end; nothing happens to one that does not wait.

        A job that lasted as long as a text would keep its place from jobs that others wait for. Raises RetryLater where
        this worker writes as many texts as it may.
        """
        if self._ending or len(self._texts) >= TEXTS_AT_ONCE:
            raise RetryLater(_CROWDED_SECONDS, f"{len(self._texts)} texts are being written")
        claimed = await self._claim(answer_id)
        if claimed is None:
            return
        context = contextvars.copy_context()
        context.run(FOLLOW_UPS.set, None)  # the job ends before the text does
        text = asyncio.create_task(self._write(*claimed), context=context)
        self._texts.add(text)
        text.add_done_callback(self._texts.discard)

    async def interpret(self, answer_id: AnswerId) -> None:
        """Write an answer that waits; nothing happens to one that does not."""
        claimed = await self._claim(answer_id)
        if claimed is not None:
            await self._write(*claimed)

    async def _claim(self, answer_id: AnswerId) -> tuple[Work, Pen] | None:
        async with self._uow() as tx:
            work = await answers.claim(tx, self._ring, answer_id, self._worker, self._lease)
            if work is None:
                return None
            sealer = await privacy.sealer(tx, self._ring, work.user_id)
            seq = await chunks.last_number(tx, answer_id, work.attempt)
        return work, Pen(self._uow, sealer, work, seq)

    async def _write(self, work: Work, pen: Pen) -> None:
        with structlog.contextvars.bound_contextvars(answer=str(work.answer_id), attempt=work.attempt):
            try:
                await self._settle(work, pen, await self._tended(work, pen))
            except asyncio.CancelledError:
                await _in_any_case(self._hand_back(work))
                raise
            except (Unavailable, DBAPIError, OSError) as error:
                log.error("reading.not_stored", error=repr(error)[:300])
                await self._fail_quietly(work, Failure.DATABASE)
            except Exception:
                log.exception("reading.broken")
                await self._fail_quietly(work, Failure.DATABASE)

    async def _tended(self, work: Work, pen: Pen) -> Ending | None:
        """Write, store and show signs of life until the text has ended; None where nobody wants it any more."""
        changed = self._changed[str(work.answer_id)]
        author = asyncio.create_task(self._authors.write(work, pen))
        try:
            while not author.done():
                await _first(author, pen.dirty, changed, seconds=_BEAT_SECONDS)
                if pen.dirty.is_set():
                    await _first(author, changed, seconds=pen.due - asyncio.get_running_loop().time())
                    goes_on = await pen.store()
                    failpoint("readings.word_stored")
                else:
                    goes_on = await self._beat(work)
                if changed.is_set():
                    changed.clear()
                    goes_on = goes_on and await self._beat(work)
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
