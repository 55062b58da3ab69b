"""A worker dies, or is told to end, in mid-text: the credits come back, or another worker writes the text."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.embedded import free_port
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import answers
from backend.readings.repository import answers as stored
from backend.readings.repository.answers import StoredAnswer
from backend.readings.types import AnswerStatus, CreditState, Failure
from backend.readings.types.models import TextStep
from tests.factories.readings import add_answer, add_spread, credits_of
from tests.factories.wallet import give
from tests.fakes.model_server import DONE, MODEL, ROLE, STOP, ModelServer, Play, whole, words
from tests.resilience.ground import Ground
from tests.resilience.processes import Process, until

WORDS = "You walk alone with a lamp and look for something that you know already. Go on."
_HELD_AT = 10


@dataclass
class Room:
    """The shop with two workers, a model's server, and somebody whose text stands still at its tenth word."""

    ground: Ground
    workers: list[Process]
    server: ModelServer
    go_on: asyncio.Event
    reader: Actor

    async def asked(self) -> StoredAnswer:
        """An answer that waits for a worker; it costs two of three credits."""
        async with self.ground.services.uow() as tx:
            await give(tx, self.reader.id, Money(3, CREDIT))
            spread = await add_spread(tx, credits=2)
            return await add_answer(tx, self.ground.services.ring, self.reader.id, spread)

    async def now(self, answer: StoredAnswer) -> tuple[StoredAnswer, CreditState]:
        """The answer and its credits."""
        async with self.ground.services.uow.read() as tx:
            row = await stored.find(tx, answer.id)
            assert row is not None
            return row, (await answers.credit_note(tx, row)).state

    async def page(self, answer: StoredAnswer) -> TextStep:
        """What a page shows that is opened now."""
        return await self.ground.services.interpretation.watching.follow(self.reader, answer.id).advance()

    async def at_word_ten(self, answer: StoredAnswer) -> Process:
        """Wait until ten words are there; the worker that writes them."""

        async def there() -> bool:
            return "".join(part.body for part in (await self.page(answer)).parts).count(" ") >= _HELD_AT - 1

        await until(there)
        async with self.ground.services.uow.read() as tx:
            statement = text("SELECT worker FROM reading_answers WHERE id = :id")
            pid = int((await tx.execute(statement, {"id": answer.id})).scalar_one().rpartition(":")[2])
        return next(worker for worker in self.workers if worker.pid == pid)


@pytest.fixture
async def room(ground: Ground, folder: Path) -> AsyncIterator[Room]:
    """Two workers that are ready."""
    go_on = asyncio.Event()
    steps = words(WORDS)
    server = ModelServer(Play([ROLE, *steps[:_HELD_AT], go_on, *steps[_HELD_AT:], STOP, DONE]))
    (buyer,) = await ground.buyers(1, 0)
    async with server.serving() as url:
        workers = []
        for number in range(2):
            settings = msgspec.structs.replace(
                ground.settings, reading_model_url=url, reading_model=MODEL, metrics_port=free_port()
            )
            workers.append(Process("backend.worker", settings, folder / f"reader{number}.log"))
            workers[-1].start()
        try:
            yield Room(ground, workers, server, go_on, buyer.actor)
        finally:
            go_on.set()
            for worker in workers:
                worker.close()


async def test_a_worker_that_is_killed_at_word_ten_costs_nothing(room: Room) -> None:
    answer = await room.asked()
    writer = await room.at_word_ten(answer)
    prefix = await room.page(answer)
    assert (prefix.status, prefix.done) == (AnswerStatus.RUNNING, False)
    os.kill(writer.pid, signal.SIGKILL)
    assert await writer.ended() == -signal.SIGKILL
    row, credits = await room.now(answer)
    assert (row.status, credits) == (AnswerStatus.RUNNING, CreditState.HELD)
    # As it is by itself after the lease.
    await room.ground.rows("UPDATE reading_answers SET lease_until = now()")
    async with room.ground.services.uow() as tx:
        await answers.reap(tx)
    row, credits = await room.now(answer)
    assert (row.status, row.failure, credits) == (AnswerStatus.FAILED, Failure.WORKER_LOST, CreditState.RETURNED)
    assert await credits_of(room.ground.services.uow, room.reader.id) == 3
    after = await room.page(answer)
    assert (after.parts, after.done) == (prefix.parts, True)
    assert len(room.server.calls) == 1  # the other worker has left it alone
    assert sum(worker.runs for worker in room.workers) == 1


async def test_a_worker_that_is_told_to_end_leaves_its_text_to_another(room: Room) -> None:
    answer = await room.asked()
    writer = await room.at_word_ten(answer)
    place = (await room.page(answer)).place
    room.server.plays = [whole(WORDS)]
    os.kill(writer.pid, signal.SIGTERM)

    async def complete() -> bool:
        return (await room.now(answer))[0].status is AnswerStatus.COMPLETE

    await until(complete)
    assert await writer.ended() == 0
    row, credits = await room.now(answer)
    assert (row.attempt, credits, len(room.server.calls)) == (1, CreditState.USED, 2)
    assert await credits_of(room.ground.services.uow, room.reader.id) == 1
    page = await room.page(answer)
    assert [part.body for part in page.parts] == [WORDS]
    # A page that had ten words is told that the text begins again.
    assert page.place.seq > place.seq
    async with room.ground.services.uow.read() as tx:
        starts = text("SELECT count(*) FROM reading_chunks WHERE fresh AND seq > :seq")
        assert (await tx.execute(starts, {"seq": place.seq})).scalar_one() == 1


async def test_who_stops_a_text_ends_its_call(room: Room) -> None:
    answer = await room.asked()
    await room.at_word_ten(answer)
    async with room.ground.services.uow() as tx:
        assert await answers.stopped(tx, answer.id, 1)

    async def hung_up() -> bool:
        return room.server.broken == 1

    await until(hung_up)
    row, credits = await room.now(answer)
    assert (row.status, credits) == (AnswerStatus.STOPPED, CreditState.RETURNED)
