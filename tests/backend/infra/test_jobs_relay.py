"""The relay and the queue: nothing is lost when Redis, PostgreSQL or a worker is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from backend.infra import embedded
from backend.infra.database import Model, make_engine
from backend.infra.jobs import Job, RetryLater
from backend.infra.outbox import OutboxJob
from backend.infra.relay import Relay
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.infra import jobs_bench as bench
from tests.backend.infra.jobs_bench import Note
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("committed_db")


class Queue:
    """Stands in for arq where only the relay is looked at."""

    def __init__(self) -> None:
        self.held: set[UUID] = set()
        self.given: list[UUID] = []
        self.down = False

    async def __call__(self, job_id: UUID) -> bool:
        if self.down:
            raise ConnectionError("no Redis")
        self.given.append(job_id)
        new = job_id not in self.held
        self.held.add(job_id)
        return new


@pytest.fixture
def uow(engine: AsyncEngine, clock: FakeClock) -> UnitOfWork:
    """Transactions that commit, on a clock that stands."""
    return bench.make_uow(engine, clock)


@pytest.fixture
def live(engine: AsyncEngine) -> UnitOfWork:
    """Transactions that commit, on the real clock."""
    return bench.make_uow(engine)


@pytest.fixture
async def flushed(redis_url: str) -> str:
    """The address of an empty Redis database."""
    client = Redis.from_url(redis_url)
    await client.flushdb()
    await client.aclose()
    return redis_url


async def test_due_jobs_are_handed_over_once(uow: UnitOfWork, clock: FakeClock) -> None:
    queue = Queue()
    relay = Relay(uow, queue)
    now = await bench.add(uow)
    later = await bench.add(uow, delay=timedelta(seconds=30))
    await relay.hand_over()
    await relay.hand_over()
    assert queue.given == [now]
    assert (await bench.row(uow, now)).dispatched_at == clock.now()
    clock.move(seconds=30)
    await relay.hand_over()
    assert queue.given == [now, later]


async def test_what_was_not_done_in_time_is_handed_over_again(uow: UnitOfWork, clock: FakeClock) -> None:
    queue = Queue()
    relay = Relay(uow, queue, visibility=timedelta(seconds=60))
    job_id = await bench.add(uow)
    await relay.hand_over()
    clock.move(seconds=59)
    await relay.hand_over()
    assert queue.given == [job_id]
    clock.move(seconds=2)
    await relay.hand_over()
    assert queue.given == [job_id, job_id]
    assert (await bench.row(uow, job_id)).dispatched_at == clock.now()


async def test_a_queue_that_is_away_loses_nothing(uow: UnitOfWork, clock: FakeClock) -> None:
    queue = Queue()
    relay = Relay(uow, queue)
    before = await bench.add(uow)
    await relay.hand_over()
    queue.down = True
    during = await bench.add(uow)
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.3)
    assert (await bench.row(uow, during)).dispatched_at is None
    clock.move(seconds=1)
    queue.down = False
    queue.held.clear()  # and it came back empty: the one handed over before is handed over again
    async with asyncio.timeout(10):
        while queue.held != {before, during}:
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_job_whose_last_run_is_just_ending_is_not_forgotten(uow: UnitOfWork, clock: FakeClock) -> None:
    queue = Queue()
    relay = Relay(uow, queue)
    job_id = await bench.add(uow)
    queue.held.add(job_id)
    await relay.hand_over()
    assert (await bench.row(uow, job_id)).dispatched_at is None
    queue.held.clear()
    clock.move(seconds=1)
    await relay.hand_over()
    assert (await bench.row(uow, job_id)).dispatched_at == clock.now()


async def test_relays_side_by_side_share_the_work(uow: UnitOfWork) -> None:
    jobs = [await bench.add(uow) for _ in range(30)]
    queue = Queue()
    relays = [Relay(uow, queue) for _ in range(4)]
    await asyncio.gather(*(relay.hand_over() for relay in relays))
    assert sorted(queue.given) == sorted(jobs)


async def test_a_wake_is_faster_than_the_poll(live: UnitOfWork) -> None:
    queue = Queue()
    relay = Relay(live, queue, poll=60)
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.2)
    job_id = await bench.add(live)
    relay.wake()
    async with asyncio.timeout(20):
        while job_id not in queue.given:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("turns", range(4))
async def test_it_ends_though_it_is_woken_at_that_moment(live: UnitOfWork, turns: int) -> None:
    """A cancellation that meets a wake is not swallowed: a worker that is asked to stop would never end."""
    relay = Relay(live, Queue(), poll=60)
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(0.2)
    relay.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait([running], timeout=20)
    assert ended


async def test_through_redis_and_back(live: UnitOfWork, flushed: str) -> None:
    runs: list[tuple[str, int]] = []

    async def run(note: Note, job: Job) -> None:
        runs.append((note.text, job.attempt))
        if note.text == "later" and len([1 for text, _ in runs if text == "later"]) == 1:
            raise RetryLater(0.1)

    async with bench.working(live, flushed, bench.task(run)):
        first, second = await bench.add(live, payload=Note("now")), await bench.add(live, payload=Note("later"))
        await bench.until(live, first, lambda job: job.done_at)
        job = await bench.until(live, second, lambda job: job.done_at)
    assert runs.count(("now", 1)) == 1
    assert runs.count(("later", 1)) == 2
    assert job.attempts == 0


async def test_several_workers_run_each_job_once(live: UnitOfWork, flushed: str) -> None:
    runs: list[str] = []

    async def run(note: Note, _job: Job) -> None:
        runs.append(note.text)

    tasks = bench.task(run)
    jobs = [await bench.add(live, payload=Note(str(number))) for number in range(40)]
    async with bench.working(live, flushed, tasks), bench.working(live, flushed, tasks):
        for job_id in jobs:
            await bench.until(live, job_id, lambda job: job.done_at)
    assert sorted(runs) == sorted(str(number) for number in range(40))


@pytest.mark.parametrize("keeps_its_data", [True, False])
async def test_redis_stops_and_starts(live: UnitOfWork, tmp_path: Path, keeps_its_data: bool) -> None:
    runs: list[str] = []

    async def run(note: Note, _job: Job) -> None:
        runs.append(note.text)

    port = embedded.free_port()
    url = f"redis://127.0.0.1:{port}/0"
    folder = tmp_path / "redis"
    with capture_logs() as lines:
        async with bench.working(live, url, bench.task(run)):  # started without Redis
            early = await bench.add(live, payload=Note("early"))
            await bench.heard(lines, "relay.waiting")
            with contextlib.ExitStack() as stack:
                await asyncio.to_thread(stack.enter_context, embedded.redis(folder, port))
                await bench.until(live, early, lambda job: job.done_at)
                await bench.heard(lines, "relay.recovered")
                await asyncio.to_thread(stack.close)
            during = await bench.add(live, payload=Note("during"))
            await bench.heard(lines, "relay.waiting", 2)
            assert not (await bench.row(live, during)).done_at
            if not keeps_its_data:
                shutil.rmtree(folder)
            with contextlib.ExitStack() as stack:
                await asyncio.to_thread(stack.enter_context, embedded.redis(folder, port))
                await bench.until(live, during, lambda job: job.done_at)
    assert runs == ["early", "during"]


async def test_a_queue_that_was_emptied_is_filled_again(live: UnitOfWork, flushed: str) -> None:
    client = Redis.from_url(flushed)
    job_id = await bench.add(live)

    async def run(_note: Note, _job: Job) -> None:
        pass

    # Handed over, then lost with all of Redis's data before a worker took it.
    queue = Queue()
    await Relay(live, queue).hand_over()
    await client.flushdb()
    await client.aclose()
    assert (await bench.row(live, job_id)).dispatched_at
    async with bench.working(live, flushed, bench.task(run)):
        assert (await bench.until(live, job_id, lambda job: job.done_at)).attempts == 0


def _start(database_url: str, redis_url: str, diary: Path, hold: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.backend.infra.jobs_bench", database_url, redis_url, str(diary), str(hold)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[3])


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes, ended with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.long("starts processes")
async def test_a_worker_killed_in_the_middle_of_a_job(
    live: UnitOfWork,
    database_url: str,
    flushed: str,
    tmp_path: Path,
    processes: list[subprocess.Popen[bytes]],
) -> None:
    diary = tmp_path / "diary"
    job_id = await bench.add(live, payload=Note("it"))
    processes.append(_start(database_url, flushed, diary, 60))
    async with asyncio.timeout(30):
        while not (diary.exists() and diary.read_text()):
            await asyncio.sleep(0.05)
    os.kill(processes[0].pid, signal.SIGKILL)
    processes[0].wait()
    assert not (await bench.row(live, job_id)).done_at
    processes.append(_start(database_url, flushed, diary, 0))
    job = await bench.until(live, job_id, lambda job: job.done_at, seconds=30)
    assert diary.read_text().split("\n") == ["begun it", "begun it", "done it", ""]
    assert job.attempts == 0
    assert not job.dead_at


async def test_postgresql_stops_and_starts(tmp_path: Path, flushed: str) -> None:
    runs: list[str] = []

    async def run(note: Note, _job: Job) -> None:
        runs.append(note.text)

    folder = tmp_path / "pg"
    with contextlib.ExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, embedded.postgres(folder))
        engine = make_engine(url)
        uow = bench.make_uow(engine)
        async with engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all, tables=[OutboxJob.__table__])
        with capture_logs() as lines:
            async with bench.working(uow, flushed, bench.task(run)):
                first = await bench.add(uow, payload=Note("first"))
                await bench.until(uow, first, lambda job: job.done_at)
                await asyncio.to_thread(stack.close)
                await bench.heard(lines, "relay.waiting")
                assert await asyncio.to_thread(stack.enter_context, embedded.postgres(folder)) == url
                second = await bench.add(uow, payload=Note("second"))
                await bench.until(uow, second, lambda job: job.done_at)
        await engine.dispose()
        await asyncio.to_thread(stack.close)
    assert runs == ["first", "second"]
