"""A text that takes long keeps its lease, however fast its words come."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain.answers import Work
from backend.readings.repository import answers as stored
from backend.readings.repository.answers import StoredAnswer
from backend.readings.service.authors import Authors, Ending
from backend.readings.service.interpreting import InterpretingService
from backend.readings.service.writing import Pen
from backend.readings.types import AnswerSource, AnswerStatus
from tests.factories.readings import add_answer, add_reader, add_spread
from tests.fakes.clock import FakeClock

_MOST_WORDS = 1_000


class _Talker(Authors):
    """Writes word after word without a pause until the lease was extended twice."""

    def __init__(self, uow: UnitOfWork, clock: FakeClock) -> None:
        self._uow = uow
        self._clock = clock
        self.leases: list[datetime] = []

    async def write(self, work: Work, pen: Pen) -> Ending:
        for _ in range(_MOST_WORDS):
            pen.add("word ")
            self._clock.move(milliseconds=1)
            async with self._uow.read() as tx:
                answer = await stored.find(tx, work.answer_id)
            assert answer is not None
            if answer.lease_until not in self.leases:
                self.leases.append(answer.lease_until)
            if len(self.leases) > 2:
                break
            await asyncio.sleep(0.002)
        return Ending(source=AnswerSource.BUILT_IN)


async def test_words_that_come_without_a_pause_keep_the_lease(
    room: UnitOfWork, ring: KeyRing, engine: AsyncEngine, database_url: str, clock: FakeClock
) -> None:
    async with room() as tx:
        spread = await add_spread(tx, "long", credits=2)
        asked: StoredAnswer = await add_answer(tx, ring, await add_reader(tx, 3), spread, "How long?", "en")
    talker = _Talker(room, clock)
    interpreting = InterpretingService(
        uow=room, ring=ring, signals=Signals(engine, database_url), authors=talker, lease=timedelta(seconds=0.4)
    )
    await interpreting.interpret(asked.id)
    assert len(talker.leases) > 2
    assert talker.leases == sorted(talker.leases)
    async with room.read() as tx:
        answer = await stored.find(tx, asked.id)
    assert answer is not None
    assert answer.status is AnswerStatus.COMPLETE
