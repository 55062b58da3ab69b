"""arq as the queue: it carries only job ids, and everything in it can be restored from PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool
from redis.asyncio.client import Pipeline

from backend.infra.ending import end
from backend.infra.redis import REDIS_DOWN
from backend.infra.runner import Runner, describe

QUEUE = "souk:jobs"
JOBS_AT_ONCE = 36
"""Places of a worker: one more than the tasks that wait for other servers may take together."""
_MARK = "souk:jobs:mark"
_RUN = "run"
_TIMEOUT_SECONDS = 1.0
# The relay of this process wakes the server; only what another process has queued waits for this.
_POLL_SECONDS = 0.1
_LEASE_SECONDS = 15.0
_SHORTEST_REST = 0.25
_LONGEST_REST = 5.0
# The runner counts attempts in PostgreSQL; arq's own limit must never be the one that ends a job.
_ARQ_TRIES = 1_000_000
# arq also packs the exceptions of jobs that it fails itself; their text is enough.
_encode = msgspec.msgpack.Encoder(enc_hook=repr).encode
log = structlog.get_logger(__name__)


class _Pipeline(Pipeline):
    """A pipeline whose connection goes back to the pool, however it ends.

    redis-py first tells Redis to forget what was watched; a cancellation or a time-out in that moment left the
    connection with nobody. arq watches whenever it queues a job or takes one. Source: redis-py 5.2, Pipeline.reset.
    """

    async def reset(self) -> None:
        """End what was begun, and return the connection."""
        try:
            await super().reset()  # type: ignore[no-untyped-call]
        finally:
            if connection := self.connection:
                self.connection, self.watching = None, False
                # Closed without a wait: nothing in here can be cancelled, and Redis forgets with the connection.
                await connection.disconnect(nowait=True)
                await self.connection_pool.release(connection)


class _Queue(ArqRedis):
    """arq's Redis, with pipelines that leave no connection behind."""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """A pipeline of several commands."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def make_queue(url: str) -> ArqRedis:
    """The queue in the Redis at ``url``; connects on first use, and carries msgpack instead of pickles."""
    pool = ConnectionPool.from_url(
        url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, health_check_interval=15
    )
    return _Queue(
        pool,
        job_serializer=_encode,
        job_deserializer=msgspec.msgpack.decode,
        default_queue_name=QUEUE,
    )


async def enqueue(queue: ArqRedis, job_id: UUID) -> bool:
    """Queue a job by its id; False when it is queued or running already. Raises one of REDIS_DOWN."""
    return await queue.enqueue_job(_RUN, _job_id=str(job_id)) is not None


async def lost(queue: ArqRedis) -> bool:
    """Whether Redis has lost its data since anybody asked. Raises one of REDIS_DOWN."""
    return bool(await queue.set(_MARK, b"here", nx=True))


class _PromptWorker(Worker):
    """arq's worker, which looks for jobs as soon as it is woken, and not only every ``poll_delay_s``."""

    def __init__(self, *args: Any, wake: asyncio.Event, **options: Any) -> None:
        super().__init__(*args, **options)
        self._wake = wake

    async def main(self) -> None:
        """Take jobs until cancelled. Source: arq 0.28, Worker.main."""
        self.ctx["redis"] = self.pool
        while True:
            self._wake.clear()
            await self._poll_iteration()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.poll_delay_s):
                    await self._wake.wait()


class JobServer:
    """Takes jobs off the queue and runs them, ``at_once`` at a time; builds a new arq worker whenever Redis was away.

    arq marks a running job in Redis. The mark is a lease (of ``lease`` seconds) that is renewed while the job runs, so
    that the jobs of a killed worker are free again after that and not only after the longest time-out.
    """

    def __init__(
        self,
        queue: ArqRedis,
        runner: Runner,
        *,
        at_once: int = JOBS_AT_ONCE,
        longest_task: int = 60,
        lease: float = _LEASE_SECONDS,
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._at_once = at_once
        self._longest_task = longest_task
        self._lease_seconds = lease
        self._worker: Worker | None = None
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Check the queue now."""
        self._wake.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        rest = 0.0
        while True:
            self._worker = worker = self._make_worker()
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                await worker.main()
            except REDIS_DOWN as error:
                if not rest:
                    log.warning("jobs.waiting", error=describe(error))
            finally:
                # What runs goes on without Redis: its outcome belongs into PostgreSQL.
                await _settle(worker, self._longest_task if not _cancelled() else 0)
            rest = 0.0 if loop.time() - started > _LONGEST_REST else rest
            rest = min(max(rest * 2, _SHORTEST_REST), _LONGEST_REST)
            await asyncio.sleep(rest)

    async def drain(self, seconds: float) -> None:
        """Take no more jobs, and wait up to ``seconds`` for those that run; the rest is cancelled with ``run``."""
        if self._worker is None:
            return
        self._worker.allow_pick_jobs = False
        running = [task for task in self._worker.tasks.values() if not task.done()]
        if running:
            await asyncio.wait(running, timeout=seconds)

    def _make_worker(self) -> Worker:
        worker = _PromptWorker(
            [func(self._run_job, name=_RUN, timeout=self._longest_task + 30, max_tries=_ARQ_TRIES)],
            queue_name=QUEUE,
            redis_pool=self._queue,
            handle_signals=False,
            max_jobs=self._at_once,
            keep_result=0,
            poll_delay=_POLL_SECONDS,
            max_tries=_ARQ_TRIES,
            log_results=False,
            job_serializer=_encode,
            job_deserializer=msgspec.msgpack.decode,
            wake=self._wake,
        )
        worker.in_progress_timeout_s = self._lease_seconds
        return worker

    async def _run_job(self, ctx: dict[Any, Any]) -> None:
        async with self._lease(ctx["job_id"]):
            await self._runner.run(UUID(ctx["job_id"]), ctx["job_try"])
        self.wake()  # there is room for another job

    @contextlib.asynccontextmanager
    async def _lease(self, job_id: str) -> AsyncIterator[None]:
        over = False

        async def renew() -> None:
            while not over:
                await asyncio.sleep(self._lease_seconds / 4)
                with contextlib.suppress(*REDIS_DOWN):
                    await self._queue.pexpire(in_progress_key_prefix + job_id, int(self._lease_seconds * 1000))

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            over = True  # should the cancellation be lost: see ending
            renewing.cancel()


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _settle(worker: Worker, seconds: float) -> None:
    """Wait for the worker's running jobs, then cancel those that are left."""
    running = [task for task in worker.tasks.values() if not task.done()]
    if running and seconds:
        await asyncio.wait(running, timeout=seconds)
    await end(*worker.tasks.values())
