"""Jobs that run right after the job that committed them, without the queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.jobs import Job, Task
from backend.infra.outbox import OutboxJob
from backend.infra.relay import Relay
from backend.infra.runner import Runner
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.infra import jobs_bench as bench
from tests.backend.infra.jobs_bench import Note
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def uow(engine: AsyncEngine, clock: FakeClock) -> UnitOfWork:
    """Transactions that commit, on a clock that tests move."""
    return bench.make_uow(engine, clock)


class Chain:
    """A task whose jobs commit ``children`` jobs of a second task, which follows it."""

    def __init__(self, uow: UnitOfWork, children: int = 2) -> None:
        self._uow = uow
        self._children = children
        self.ran: list[str] = []
        self.error: BaseException | None = None
        self.child_error: BaseException | None = None

    async def parent(self, _note: Note, _job: Job) -> None:
        async with self._uow() as tx:
            for number in range(self._children):
                tx.enqueue("test.child", Note(f"child {number}"), unique_key=f"child:{number}")
            if self.error:
                raise self.error
        self.ran.append("parent")

    async def child(self, note: Note, _job: Job) -> None:
        if self.child_error:
            raise self.child_error
        self.ran.append(note.text)

    def runner(self, *, follows: bool = True, most: int = 20, seconds: float = 10) -> Runner:
        tasks = {
            "test.note": Task("test.note", Note, self.parent),
            "test.child": Task("test.child", Note, self.child, follows=follows),
        }
        return Runner(self._uow, tasks, attempts=3, most_follow_ups=most, follow_seconds=seconds)


async def children(uow: UnitOfWork) -> list[tuple[bool, bool]]:
    """Of each child job: whether it is done, and whether it is marked as handed over."""
    async with uow.read() as tx:
        rows = await tx.execute(select(OutboxJob).where(OutboxJob.task == "test.child").order_by(OutboxJob.id))
        return [(row.done_at is not None, row.dispatched_at is not None) for row in rows]


async def test_they_run_after_their_parent_and_are_done(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    await chain.runner().run(await bench.add(uow))
    assert chain.ran == ["parent", "child 0", "child 1"]
    assert await children(uow) == [(True, True), (True, True)]


async def test_a_run_that_takes_long_leaves_the_rest_to_the_queue(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    await chain.runner(seconds=0).run(await bench.add(uow))
    assert chain.ran == ["parent"]
    # Not handed over any more: the relay takes them at once, not after a minute.
    assert await children(uow) == [(False, False), (False, False)]


async def test_other_tasks_are_left_to_the_relay(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    await chain.runner(follows=False).run(await bench.add(uow))
    assert chain.ran == ["parent"]
    assert await children(uow) == [(False, False), (False, False)]


async def test_what_is_too_much_for_one_process_is_left_to_the_relay(uow: UnitOfWork) -> None:
    chain = Chain(uow, children=3)
    await chain.runner(most=1).run(await bench.add(uow))
    assert chain.ran == ["parent", "child 0"]
    assert await children(uow) == [(True, True), (False, False), (False, False)]


async def test_a_transaction_that_is_rolled_back_has_none(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    chain.error = ValueError("rolled back")
    await chain.runner().run(await bench.add(uow))
    assert chain.ran == []
    assert await children(uow) == []


async def test_a_repeated_parent_does_not_run_them_again(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    for _ in range(2):
        await chain.runner().run(await bench.add(uow))
    assert chain.ran == ["parent", "child 0", "child 1", "parent"]


async def test_one_that_fails_is_tried_again_by_the_relay(uow: UnitOfWork) -> None:
    chain = Chain(uow)
    chain.child_error = ValueError("not now")
    await chain.runner().run(await bench.add(uow))
    assert await children(uow) == [(False, False), (False, False)]


async def test_those_of_a_process_that_died_are_handed_over(uow: UnitOfWork, clock: FakeClock) -> None:
    chain = Chain(uow)
    chain.child_error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await chain.runner().run(await bench.add(uow))
    assert await children(uow) == [(False, True), (False, True)]
    handed: list[UUID] = []

    async def queue(job_id: UUID) -> bool:
        handed.append(job_id)
        return True

    relay = Relay(uow, queue, visibility=timedelta(seconds=60))
    await relay.hand_over()  # its first batch after a start is everything that is not done
    clock.move(seconds=61)
    await relay.hand_over()
    assert len(handed) >= 2
    chain.child_error = None
    for job_id in dict.fromkeys(handed):
        await chain.runner().run(job_id)
    assert {"child 0", "child 1"} <= set(chain.ran)
    assert await children(uow) == [(True, True), (True, True)]
