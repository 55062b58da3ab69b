"""Background work of assignments."""

from __future__ import annotations

from typing import Final

from backend.assignments.service import AssignmentsServices
from backend.assignments.service.chat import COLLECT
from backend.assignments.types import CollectPart
from backend.infra.jobs import Cron, Job, Task

_LOOK_EVERY_SECONDS: Final = 60
_COLLECT_SECONDS: Final = 480
"""Ten downloads."""
_COLLECTED_AT_ONCE: Final = 1


def tasks(services: AssignmentsServices) -> list[Task]:
    """The task that makes versions of messages in the chat."""

    async def collect(payload: CollectPart, job: Job) -> None:
        await services.collecting.collect(payload, job)

    return [Task(COLLECT, CollectPart, collect, timeout=_COLLECT_SECONDS, at_once=_COLLECTED_AT_ONCE)]


def crons(services: AssignmentsServices) -> list[Cron]:
    """Every minute: work of those who teach no more goes to others, and all are told of what is overdue."""

    async def look() -> None:
        await services.review.reassign()
        await services.review.escalate()

    return [Cron("assignments.look_after", look, seconds=_LOOK_EVERY_SECONDS)]
