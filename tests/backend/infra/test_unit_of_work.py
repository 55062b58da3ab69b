"""One write, one transaction: all of it or nothing, its jobs with it, its signals after it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.database import make_engine
from backend.infra.outbox import OutboxJob
from backend.infra.settings import Settings
from backend.infra.unit_of_work import UnitOfWork, sqlstate
from backend.kernel.events import Event
from tests.backend.infra.conftest import RecordingSignals
from tests.backend.infra.scratch import numbers
from tests.constraints import violated_constraint
from tests.fakes.clock import FakeClock


class ThingDone(Event, frozen=True):
    """An event of these tests."""

    thing_id: int


class NobodyCares(Event, frozen=True):
    """An event without a subscriber."""


async def jobs(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(OutboxJob.__table__).order_by(OutboxJob.id))).all())


async def test_what_is_written_is_there_afterwards(real_uow: UnitOfWork, engine: AsyncEngine, scratch: str) -> None:
    async with real_uow() as tx:
        await tx.execute(text("UPDATE uow_scratch SET n = 11 WHERE id = 1"))
        assert await numbers(engine) == [10, 20]

    assert await numbers(engine) == [11, 20]


async def test_an_error_undoes_everything(
    real_uow: UnitOfWork, engine: AsyncEngine, signals: RecordingSignals, scratch: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with real_uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = 11"))
            tx.emit(ThingDone(thing_id=1))
            tx.enqueue("tests.other", ThingDone(thing_id=2))
            tx.signal("order", 1)
            _ = 1 // 0

    assert await numbers(engine) == [10, 20]
    assert await jobs(engine) == []
    assert signals.sent == []


async def test_a_failed_savepoint_takes_its_jobs_and_signals_with_it(
    real_uow: UnitOfWork, engine: AsyncEngine, signals: RecordingSignals, scratch: str
) -> None:
    async with real_uow() as tx:
        tx.emit(ThingDone(thing_id=1))
        tx.signal("order", 1)
        with pytest.raises(ZeroDivisionError):
            async with tx.savepoint():
                await tx.execute(text("UPDATE uow_scratch SET n = 11"))
                async with tx.savepoint():
                    tx.emit(ThingDone(thing_id=2))
                tx.enqueue("tests.other", ThingDone(thing_id=3))
                tx.signal("order", 2)
                _ = 1 // 0
        with pytest.raises(IntegrityError):
            async with tx.savepoint():
                tx.signal("order", 3)
                await tx.execute(text("UPDATE uow_scratch SET n = -1"))
        async with tx.savepoint():
            await tx.execute(text("UPDATE uow_scratch SET n = 12 WHERE id = 1"))
            tx.emit(ThingDone(thing_id=4))
            tx.signal("order", 4)

    assert await numbers(engine) == [12, 20]
    assert [job.payload["thing_id"] for job in await jobs(engine)] == [1, 1, 4, 4]
    assert [sent for sent in signals.sent if sent[0] == "order"] == [("order", "1"), ("order", "4")]


async def test_a_cancelled_transaction_is_undone(
    real_uow: UnitOfWork, engine: AsyncEngine, signals: RecordingSignals, scratch: str
) -> None:
    written = asyncio.Event()

    async def work() -> None:
        async with real_uow() as tx:
            await tx.execute(text("UPDATE uow_scratch SET n = 11"))
            tx.signal("order", 1)
            written.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await numbers(engine) == [10, 20]
    assert signals.sent == []


async def test_jobs_are_stored_with_the_write(
    real_uow: UnitOfWork, engine: AsyncEngine, clock: FakeClock, signals: RecordingSignals
) -> None:
    async with real_uow() as tx:
        tx.emit(ThingDone(thing_id=7))
        tx.enqueue("tests.later", ThingDone(thing_id=8), delay=timedelta(minutes=5))
        assert await jobs(engine) == []

    first, second, later = await jobs(engine)
    assert [first.task, second.task, later.task] == ["tests.first", "tests.second", "tests.later"]
    assert first.payload == {"thing_id": 7}
    assert (first.created_at, first.run_at) == (clock.now(), clock.now())
    assert later.run_at == clock.now() + timedelta(minutes=5)
    assert first.dispatched_at is first.done_at is first.dead_at is None
    # One hint wakes the relay, after the commit.
    assert signals.sent == [("outbox", "")]


async def test_a_job_with_the_same_unique_key_is_dropped(real_uow: UnitOfWork, engine: AsyncEngine) -> None:
    for number in range(3):
        async with real_uow() as tx:
            tx.enqueue("tests.once", ThingDone(thing_id=number), unique_key="only-one")
            tx.enqueue("tests.once", ThingDone(thing_id=number), unique_key="only-one")
            tx.enqueue("tests.always", ThingDone(thing_id=number))

    stored = await jobs(engine)
    assert [row.payload["thing_id"] for row in stored if row.task == "tests.once"] == [0]
    assert [row.payload["thing_id"] for row in stored if row.task == "tests.always"] == [0, 1, 2]


async def test_an_event_that_nobody_handles_is_a_bug(real_uow: UnitOfWork) -> None:
    with pytest.raises(KeyError):
        async with real_uow() as tx:
            tx.emit(NobodyCares())


async def test_signals_leave_after_the_commit(
    real_uow: UnitOfWork, engine: AsyncEngine, signals: RecordingSignals, scratch: str
) -> None:
    async with real_uow() as tx:
        tx.signal("order", uuid.UUID(int=5))
        tx.signal("stock", 1)
        assert signals.sent == []

    assert signals.sent == [("order", "00000000-0000-0000-0000-000000000005"), ("stock", "1")]


async def test_the_time_stands_in_a_transaction(real_uow: UnitOfWork, clock: FakeClock) -> None:
    start = clock.now()
    async with real_uow() as tx:
        clock.move(hours=1)
        assert tx.now == start
    async with real_uow() as tx:
        assert tx.now == start + timedelta(hours=1)


async def test_ids_sort_by_time(real_uow: UnitOfWork) -> None:
    async with real_uow() as tx:
        ids = [tx.new_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    assert {item.version for item in ids} == {7}


async def test_a_condition_keeps_only_its_own_task_from_starting(
    engine: AsyncEngine, clock: FakeClock, signals: RecordingSignals, committed_db: None
) -> None:
    tasks = {"ThingDone": ("tests.first", "tests.second")}
    uow = UnitOfWork(engine, clock, signals, tasks, {"tests.second": lambda event: event.thing_id > 1})
    for thing_id in (1, 2):
        async with uow() as tx:
            tx.emit(ThingDone(thing_id=thing_id))
    async with uow.read() as tx:
        rows = (await tx.execute(text("SELECT task, payload FROM outbox_jobs ORDER BY id"))).all()
    stored = [(row.task, row.payload["thing_id"]) for row in rows]
    assert stored == [("tests.first", 1), ("tests.first", 2), ("tests.second", 2)]


async def test_deferred_constraints_speak_at_the_commit(real_uow: UnitOfWork, scratch: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with real_uow() as tx:
            await tx.execute(text("INSERT INTO uow_child VALUES (99)"))

    assert violated_constraint(caught.value) == "uow_child_id_fkey"
    assert sqlstate(caught.value) == "23503"
    # Nothing is left of it, and the connection is as good as new.
    async with real_uow() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM uow_child"))).scalar_one() == 0
        await tx.execute(text("INSERT INTO uow_child VALUES (1)"))
    async with real_uow() as tx:
        await tx.execute(text("DELETE FROM uow_child"))


async def test_deferred_constraints_speak_in_tests_that_roll_back(scratch: str, uow: UnitOfWork) -> None:
    with pytest.raises(IntegrityError):
        async with uow() as tx:
            await tx.execute(text("INSERT INTO uow_child VALUES (99)"))
    # The savepoint is gone, the transaction around it is good.
    async with uow() as tx:
        await tx.execute(text("INSERT INTO uow_child VALUES (1)"))


async def test_reads_stand_alone(real_uow: UnitOfWork, engine: AsyncEngine, scratch: str) -> None:
    async with real_uow.read() as tx:
        assert (await tx.execute(text("SELECT n FROM uow_scratch WHERE id = 1"))).scalar_one() == 10
        async with engine.begin() as other:
            await other.execute(text("UPDATE uow_scratch SET n = 12 WHERE id = 1"))
        assert (await tx.execute(text("SELECT n FROM uow_scratch WHERE id = 1"))).scalar_one() == 12
        idle = "SELECT state FROM pg_stat_activity WHERE pid = :pid"
        pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with engine.connect() as other:
            assert (await other.execute(text(idle), {"pid": pid})).scalar_one() == "idle"


async def test_a_read_connection_goes_back_as_it_was(settings: Settings, clock: FakeClock, scratch: str) -> None:
    """A connection that has been read from must not commit by itself when it is next written to."""
    single = make_engine(settings.database_url, pool_size=1)
    one = UnitOfWork(single, clock, RecordingSignals(), {})
    try:
        async with one.read() as tx:
            await tx.execute(text("SELECT 1"))
        with pytest.raises(ZeroDivisionError):
            async with one() as tx:
                await tx.execute(text("UPDATE uow_scratch SET n = 99"))
                _ = 1 // 0
        assert await numbers(single) == [10, 20]
    finally:
        await single.dispose()
