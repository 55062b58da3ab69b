"""The worker: ``python -m backend.worker``. Relays the outbox to arq, runs jobs and timers."""

from __future__ import annotations

import backend.infra.lean  # noqa: F401 - before anything that would import rich

# isort: split

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
import uvloop
from arq.connections import ArqRedis

from backend.assignments import tasks as assignments_tasks
from backend.audience import tasks as audience_tasks
from backend.bootstrap import Services, build
from backend.catalog import tasks as catalog_tasks
from backend.certificates import tasks as certificates_tasks
from backend.community import tasks as community_tasks
from backend.courses import tasks as courses_tasks
from backend.growth import tasks as growth_tasks
from backend.infra.crons import CronRunner, purge_done
from backend.infra.heartbeat import beat, heartbeat_file
from backend.infra.jobs import Cron, Task, by_name
from backend.infra.outbox import TOPIC
from backend.infra.queue import JobServer, enqueue, lost, make_queue
from backend.infra.relay import Relay
from backend.infra.roots import run_process, run_until_stopped
from backend.infra.runner import Runner
from backend.infra.settings import Settings
from backend.notifications import tasks as notifications_tasks
from backend.orders import tasks as orders_tasks
from backend.payments import tasks as payments_tasks
from backend.quizzes import tasks as quizzes_tasks
from backend.readings import tasks as readings_tasks
from backend.wallet import tasks as wallet_tasks

_DRAIN_SECONDS = 10.0
log = structlog.get_logger(__name__)


def all_tasks(services: Services) -> list[Task]:
    """Every task of every slice."""
    return [
        *orders_tasks.tasks(services.orders),
        *audience_tasks.tasks(services.audience),
        *catalog_tasks.tasks(services.catalog),
        *payments_tasks.tasks(services.payments),
        *growth_tasks.tasks(services.growth.bonuses),
        *courses_tasks.tasks(services.courses),
        *community_tasks.tasks(services.community),
        *assignments_tasks.tasks(services.assignments),
        *certificates_tasks.tasks(services.certificates.printing),
        *readings_tasks.tasks(services.interpretation.interpreting, timeout=services.interpretation.longest),
        *notifications_tasks.tasks(services.notifications),
    ]


def all_crons(services: Services) -> list[Cron]:
    """Every timer."""
    return [
        purge_done(services.uow),
        *orders_tasks.crons(services.orders),
        *courses_tasks.crons(services.courses.reminders),
        *community_tasks.crons(services.community),
        *quizzes_tasks.crons(services.quizzes.attempts),
        *assignments_tasks.crons(services.assignments),
        *catalog_tasks.crons(services.catalog),
        *payments_tasks.crons(services.payments),
        *growth_tasks.crons(services.growth.premium),
        *wallet_tasks.crons(services.wallet.ledger),
        *readings_tasks.crons(services.readings.upkeep, services.interpretation.upkeep),
        *notifications_tasks.crons(services.notifications),
    ]


class Machinery:
    """The worker's parts, put together."""

    def __init__(self, services: Services) -> None:
        tasks = by_name(all_tasks(services))
        self.queue: ArqRedis = make_queue(services.settings.redis_url)
        self.runner = Runner(services.uow, tasks, attempts=services.settings.job_attempts)
        longest = max(task.timeout for task in tasks.values())
        self.server = JobServer(self.queue, self.runner, longest_task=longest)
        self.relay = Relay(
            services.uow,
            partial(enqueue, self.queue),
            lost=partial(lost, self.queue),
            handed=self.server.wake,
        )
        self.lessons = services.courses.sending
        self.crons = CronRunner(services.uow, all_crons(services))
        services.signals.on(TOPIC, self.relay.wake)
        services.signals.on_gap(self.relay.wake)

    async def drain(self) -> None:
        """Let the running jobs end, within reason."""
        await asyncio.gather(self.server.drain(_DRAIN_SECONDS), self.lessons.drain(_DRAIN_SECONDS))


async def run(settings: Settings) -> int:
    """Work until SIGTERM; the exit code. Redis or PostgreSQL may be away at the start, and later."""
    services = build(settings)
    async with services.running(listen=True):
        machinery = Machinery(services)
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": machinery.relay.run,
            "jobs": machinery.server.run,
            "crons": machinery.crons.run,
            "lessons": machinery.lessons.run,
            "readings": services.interpretation.interpreting.prepared,
            "heartbeat": partial(beat, heartbeat_file(settings, "worker")),
        }
        try:
            return await run_until_stopped(parts, machinery.drain, started=partial(log.info, "worker.started"))
        finally:
            await machinery.queue.aclose(close_connection_pool=True)
            log.info("worker.stopped")


if __name__ == "__main__":
    sys.exit(run_process("worker", lambda settings: uvloop.run(run(settings))))
