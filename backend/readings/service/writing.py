"""The text of an attempt as it is written: sealed pieces, the first at once, then about ten a second."""

from __future__ import annotations

import asyncio
from typing import Final

from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain import privacy
from backend.readings.domain.answers import Work
from backend.readings.domain.privacy import Sealer
from backend.readings.repository import chunks
from backend.readings.repository.chunks import StoredChunk

TEXT_TOPIC: Final = "reading_text"
"""Signalled with an answer's id when a piece of its text was stored."""
EVERY_SECONDS: Final = 0.1


class Pen:
    """Takes the words of one attempt. ``store`` is called by one task, the other methods by another."""

    def __init__(self, uow: UnitOfWork, sealer: Sealer, work: Work, seq: int, every: float = EVERY_SECONDS) -> None:
        self._uow = uow
        self._sealer = sealer
        self._work = work
        self._seq = seq
        self._every = every
        self._waiting = ""
        self._fresh = seq > 0
        self._due = 0.0
        self.text = ""
        """All words since the text was begun, or begun again."""
        self.dirty = asyncio.Event()
        """There is something to store."""

    @property
    def due(self) -> float:
        """When the next piece is to be stored, in the loop's time."""
        return self._due

    def add(self, words: str) -> None:
        """Write on."""
        if words:
            self.text += words
            self._waiting += words
            self.dirty.set()

    def begin_again(self, text: str = "") -> None:
        """What was written so far counts no more; ``text`` stands in its place."""
        # Nothing was stored yet: nobody has seen what there was.
        self._fresh = self._fresh or self._seq > 0
        self.text = self._waiting = text
        self._due = 0.0
        if self._fresh or text:
            self.dirty.set()

    async def store(self) -> bool:
        """Store what waits; False where the attempt was stopped or lost, so that nothing can be stored any more."""
        self.dirty.clear()
        words, fresh, self._waiting, self._fresh = self._waiting, self._fresh, "", False
        if not words and not fresh:
            return True
        self._seq += 1
        self._due = asyncio.get_running_loop().time() + self._every
        answer_id, attempt = self._work.answer_id, self._work.attempt
        sealed = self._sealer.seal_text(words, privacy.chunk_context(answer_id, attempt, self._seq))
        async with self._uow() as tx:
            stored = await chunks.add(tx, answer_id, attempt, StoredChunk(self._seq, fresh, sealed))
            tx.signal(TEXT_TOPIC, answer_id)
        return stored
