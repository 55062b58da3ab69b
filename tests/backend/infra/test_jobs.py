"""Running one job: what is written down, whatever comes of it."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import Services
from backend.infra import jobs
from backend.infra.crons import CronRunner, due_before, purge_done
from backend.infra.jobs import Cron, DeadLetter, Job, RetryLater, Task
from backend.infra.queue import JOBS_AT_ONCE
from backend.infra.runner import Runner, delay_before, describe
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import JobId, new_id
from backend.worker import all_tasks
from tests.backend.infra import jobs_bench as bench
from tests.backend.infra.jobs_bench import Note
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def uow(engine: AsyncEngine, clock: FakeClock) -> UnitOfWork:
    """Transactions that commit, on a clock that stands."""
    return bench.make_uow(engine, clock)


class Seen:
    """Remembers the runs, and does what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.jobs: list[Job] = []

    async def __call__(self, note: Note, job: Job) -> None:
        assert isinstance(note, Note)
        self.jobs.append(job)
        if self.error:
            raise self.error


def runner(uow: UnitOfWork, seen: Seen, attempts: int = 3) -> Runner:
    return Runner(uow, bench.task(seen), attempts=attempts)


async def test_success_is_written_down_and_not_run_again(uow: UnitOfWork, clock: FakeClock) -> None:
    seen, job_id = Seen(), await bench.add(uow)
    await runner(uow, seen).run(job_id)
    await runner(uow, seen).run(job_id)
    assert [job.attempt for job in seen.jobs] == [1]
    assert seen.jobs[0].id == job_id
    assert (await bench.row(uow, job_id)).done_at == clock.now()


async def test_a_failure_waits_longer_each_time_and_the_last_one_is_final(uow: UnitOfWork, clock: FakeClock) -> None:
    seen, job_id = Seen(ValueError("token 1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA leaked")), await bench.add(uow)
    for attempt in (1, 2):
        await runner(uow, seen).run(job_id)
        job = await bench.row(uow, job_id)
        assert (job.attempts, job.dead_at, job.dispatched_at) == (attempt, None, None)
        assert job.run_at == clock.now() + timedelta(seconds=delay_before(attempt))
        assert "AAAA" not in job.last_error
        assert job.last_error.startswith("ValueError: token")
        await runner(uow, seen).run(job_id)  # not due yet: nothing happens
        assert len(seen.jobs) == attempt
        clock.move(hours=2)
    await runner(uow, seen).run(job_id)
    assert [job.last for job in seen.jobs] == [False, False, True]
    assert (await bench.row(uow, job_id)).dead_at == clock.now()
    await runner(uow, seen).run(job_id)
    assert len(seen.jobs) == 3


async def test_delays_grow_to_an_hour() -> None:
    assert [delay_before(n) for n in (1, 2, 3)] == [5, 15, 45]
    assert delay_before(20) == 3600


async def test_retry_later_counts_no_attempt(uow: UnitOfWork, clock: FakeClock) -> None:
    seen, job_id = Seen(RetryLater(7.5)), await bench.add(uow)
    await runner(uow, seen).run(job_id)
    job = await bench.row(uow, job_id)
    assert (job.attempts, job.dispatched_at, job.run_at) == (0, None, clock.now() + timedelta(seconds=7.5))


async def test_a_task_with_few_places_leaves_the_rest_to_others(
    engine: AsyncEngine, redis_url: str, clock: FakeClock
) -> None:
    silent, running = asyncio.Event(), 0

    async def wait(_note: Note, _job: Job) -> None:
        nonlocal running
        running += 1
        assert running <= 2
        await silent.wait()
        running -= 1

    seen, live = Seen(), bench.make_uow(engine)
    tasks = bench.task(seen) | {"test.refund": Task("test.refund", Note, wait, at_once=2)}
    waiting = [await bench.add(live, task="test.refund") for _ in range(12)]  # more than a worker has places
    async with bench.working(live, redis_url, tasks):
        await bench.until(live, waiting[-1], lambda row: row.run_at > row.created_at)
        delivery = await bench.add(live)
        await bench.until(live, delivery, lambda row: row.done_at)
        assert running == 2
        rows = [await bench.row(live, job_id) for job_id in waiting]
        assert [row.attempts for row in rows] == [0] * 12
        assert not any(row.done_at for row in rows)
        silent.set()
        await bench.until(live, waiting[0], lambda row: row.done_at)


async def test_the_tasks_that_wait_for_others_leave_places_free(services: Services) -> None:
    tasks = all_tasks(services)
    bounded = {task.name: task.at_once for task in tasks if task.at_once is not None}
    assert set(bounded) == {
        "notifications.send", "notifications.remind",
        "payments.send_refund", "payments.send_renewal", "payments.compare", "assignments.collect",
        "community.settle", "community.refresh", "readings.interpret",
        "catalog.change_stock", "catalog.check_import", "catalog.run_import",
    }  # fmt: skip
    assert sum(bounded.values()) < JOBS_AT_ONCE


async def test_dead_letter_at_once_then_retried_by_an_admin(uow: UnitOfWork) -> None:
    seen, job_id = Seen(DeadLetter("never")), await bench.add(uow)
    await runner(uow, seen).run(job_id)
    async with uow() as tx:
        page = await jobs.list_dead(tx)
        assert [item.id for item in page.items] == [job_id]
        assert page.items[0].last_error == "DeadLetter: never"
        assert await jobs.count_dead(tx) == 1
        await jobs.retry_dead(tx, JobId(job_id))
    seen.error = None
    await runner(uow, seen).run(job_id)
    assert (await bench.row(uow, job_id)).done_at
    async with uow() as tx:
        assert await jobs.count_dead(tx) == 0
        with pytest.raises(NotFound):
            await jobs.retry_dead(tx, JobId(job_id))


async def test_dead_letters_page(uow: UnitOfWork, clock: FakeClock) -> None:
    for _ in range(5):
        await runner(uow, Seen(DeadLetter("no"))).run(await bench.add(uow))
        clock.move(seconds=1)
    listed, cursor = [], None
    async with uow.read() as tx:
        while True:
            page = await jobs.list_dead(tx, cursor, limit=2)
            listed += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        with pytest.raises(Invalid):
            await jobs.list_dead(tx, "nonsense")
    assert len({item.id for item in listed}) == 5
    assert [item.dead_at for item in listed] == sorted((item.dead_at for item in listed), reverse=True)


async def test_failing_jobs_are_listed_and_can_be_tried_now(uow: UnitOfWork) -> None:
    job_id = await bench.add(uow)
    await runner(uow, Seen(ValueError("x"))).run(job_id)
    async with uow() as tx:
        assert [item.id for item in await jobs.list_failing(tx)] == [job_id]
        await jobs.retry_dead(tx, JobId(job_id))
        assert await jobs.list_failing(tx) == []


async def test_what_cannot_be_decoded_or_is_not_known(uow: UnitOfWork) -> None:
    wrong = await bench.add(uow, payload={"text": 5})
    unknown = await bench.add(uow, task="test.tomorrow")
    seen = Seen()
    await runner(uow, seen).run(wrong)
    await runner(uow, seen).run(unknown)
    await runner(uow, seen).run(new_id())
    assert seen.jobs == []
    assert "payload does not fit" in (await bench.row(uow, wrong)).last_error
    assert (await bench.row(uow, wrong)).dead_at
    assert (await bench.row(uow, unknown)).attempts == 1
    assert not (await bench.row(uow, unknown)).dead_at


async def test_a_task_that_hangs_is_ended(uow: UnitOfWork) -> None:
    async def hang(_note: Note, _job: Job) -> None:
        await asyncio.Event().wait()

    job_id = await bench.add(uow)
    await Runner(uow, bench.task(hang, timeout=0), attempts=3).run(job_id)
    assert (await bench.row(uow, job_id)).last_error.startswith("TimeoutError")


async def test_a_job_that_ends_its_worker_again_and_again_is_given_up(uow: UnitOfWork) -> None:
    seen, job_id = Seen(), await bench.add(uow)
    await runner(uow, seen, attempts=3).run(job_id, starts=4)
    assert seen.jobs == []
    assert "the worker ended 3 times" in (await bench.row(uow, job_id)).last_error


async def test_a_late_failure_does_not_undo_a_success(uow: UnitOfWork) -> None:
    job_id = await bench.add(uow)
    good = runner(uow, Seen())

    async def overtaken(_note: Note, _job: Job) -> None:
        await good.run(job_id)
        raise ValueError("too late")

    await Runner(uow, bench.task(overtaken), attempts=1).run(job_id)
    job = await bench.row(uow, job_id)
    assert job.done_at
    assert not job.dead_at


async def test_a_unique_key_is_queued_once(uow: UnitOfWork) -> None:
    first = await bench.add(uow, unique_key="same")
    second = await bench.add(uow, unique_key="same")
    assert await bench.row(uow, first)
    with pytest.raises(Exception, match="No row"):
        await bench.row(uow, second)


def test_no_statement_in_an_errors_description() -> None:
    error = DBAPIError("SELECT secret", {"key": "hidden"}, ValueError("the cause"))
    assert describe(error) == "DBAPIError: the cause"


def test_names_are_unique() -> None:
    one = bench.task(Seen())["test.note"]
    with pytest.raises(ValueError, match=r"test\.note"):
        jobs.by_name([one, Task("test.note", Note, Seen())])


async def test_one_worker_runs_a_timer(uow: UnitOfWork, clock: FakeClock) -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(1)

    cron = Cron("test.every", run, seconds=30)
    workers = [CronRunner(uow, [cron]) for _ in range(3)]
    assert sum(await asyncio.gather(*(worker.tick(cron) for worker in workers))) == 1
    clock.move(seconds=29)
    assert not await workers[0].tick(cron)
    clock.move(seconds=1)
    assert await workers[1].tick(cron)
    assert len(runs) == 2


async def test_a_daily_timer_waits_for_its_hour(uow: UnitOfWork, clock: FakeClock) -> None:
    async def run() -> None:
        pass

    now = clock.now()
    cron = Cron("test.daily", run, at=(now + timedelta(hours=1)).time())
    worker = CronRunner(uow, [cron])
    assert not await worker.tick(cron)
    clock.move(minutes=61)
    assert await worker.tick(cron)
    assert not await worker.tick(cron)
    clock.move(days=2)  # all workers were down: made up for once
    assert await worker.tick(cron)
    assert not await worker.tick(cron)
    assert due_before(cron, now) < now


async def test_a_timer_is_seconds_or_an_hour() -> None:
    async def run() -> None:
        pass

    with pytest.raises(ValueError, match="either"):
        Cron("x", run)
    with pytest.raises(ValueError, match="either"):
        Cron("x", run, seconds=1, at=time(3))


async def test_done_jobs_are_forgotten_after_a_day(uow: UnitOfWork, clock: FakeClock) -> None:
    old, dead = await bench.add(uow), await bench.add(uow)
    await runner(uow, Seen()).run(old)
    await runner(uow, Seen(DeadLetter("no"))).run(dead)
    clock.move(hours=23)
    fresh = await bench.add(uow)
    await runner(uow, Seen()).run(fresh)
    clock.move(hours=2)
    await purge_done(uow).run()
    assert await bench.row(uow, fresh)
    assert await bench.row(uow, dead)
    with pytest.raises(Exception, match="No row"):
        await bench.row(uow, old)
