"""Background work of payments."""

from __future__ import annotations

from backend.infra.jobs import Cron, Job, Task
from backend.payments.service import POLL, PaymentsService
from backend.payments.types import PollIntent

_SWEEP_SECONDS = 60


def tasks(service: PaymentsService) -> list[Task]:
    """Tasks: ask the provider about one payment, and again later while it is open."""

    async def poll(payload: PollIntent, _job: Job) -> None:
        await service.poll(payload)

    return [Task(POLL, PollIntent, poll)]


def crons(service: PaymentsService) -> list[Cron]:
    """Timers: payments that nobody follows any more are taken up again."""

    async def sweep() -> None:
        await service.sweep()

    return [Cron("payments.sweep", sweep, seconds=_SWEEP_SECONDS)]
