"""Tasks end when they are asked to, whatever they wait for at that moment."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.ending import end
from backend.infra.queue import JobServer, make_queue
from backend.infra.runner import Runner
from tests.backend.infra import jobs_bench as bench


async def test_one_that_takes_a_cancellation_for_something_else_is_asked_again() -> None:
    asked = 0

    async def stubborn() -> None:
        nonlocal asked
        while asked < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asked += 1
        raise ValueError("at last")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end(task, asyncio.create_task(asyncio.sleep(60)))
    assert (asked, task.done()) == (3, True)
    await end(task)


@pytest.mark.usefixtures("committed_db")
async def test_the_server_of_jobs_ends_at_any_moment(engine: AsyncEngine, redis_url: str) -> None:
    """redis-py swallows about one cancellation in twenty here."""
    runner = Runner(bench.make_uow(engine), {}, attempts=4)
    for turn in range(60):
        queue = make_queue(redis_url)
        serving = asyncio.create_task(JobServer(queue, runner, lease=5, longest_task=5).run())
        await asyncio.sleep(turn / 1000)
        async with asyncio.timeout(10):
            await end(serving)
        await queue.aclose(close_connection_pool=True)


async def test_a_watching_pipeline_gives_its_connection_back_however_it_ends(redis_url: str) -> None:
    """Cancelled, and cancelled again while it forgets what it watched: at every moment of both."""
    queue = make_queue(redis_url)
    watching = asyncio.Event()

    async def watch() -> None:
        async with queue.pipeline(transaction=True) as pipe:
            await pipe.watch("souk:test")
            watching.set()
            await pipe.exists("souk:test")

    for first in range(8):
        for second in range(24):
            watching.clear()
            task = asyncio.create_task(watch())
            await watching.wait()
            await _turns(first)
            task.cancel()
            await _turns(second)
            await end(task)
            assert not queue.connection_pool._in_use_connections, (first, second)
    await queue.aclose(close_connection_pool=True)


async def test_a_watching_pipeline_gives_its_connection_back_when_redis_is_silent(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make_queue(redis_url)

    async def silent(*_args: object, **_options: object) -> None:
        raise RedisTimeout("too late")

    with pytest.raises(RedisTimeout):
        async with queue.pipeline(transaction=True) as pipe:
            await pipe.watch("souk:test")
            monkeypatch.setattr(pipe.connection, "read_response", silent)
            await pipe.exists("souk:test")
    assert not queue.connection_pool._in_use_connections
    await queue.aclose(close_connection_pool=True)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
