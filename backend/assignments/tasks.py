"""Background work of assignments."""

from __future__ import annotations

from typing import Final

from backend.assignments.service import AssignmentsServices
from backend.assignments.service.archive import DELETE
from backend.assignments.service.chat import COLLECT
from backend.assignments.types import CollectPart, DeleteFiles
from backend.infra.jobs import Cron, Job, Task

_LOOK_EVERY_SECONDS: Final = 60
_ARCHIVE_EVERY_SECONDS: Final = 3600
_COLLECT_SECONDS: Final = 480
"""Ten downloads."""
_COLLECTED_AT_ONCE: Final = 1


def tasks(services: AssignmentsServices) -> list[Task]:
    """The tasks that make versions of messages in the chat, and delete what was moved to the archive or back."""

    async def collect(payload: CollectPart, job: Job) -> None:
        await services.collecting.collect(payload, job)

    async def delete(payload: DeleteFiles, _job: Job) -> None:
        await services.archive.delete(payload)

    return [
        Task(COLLECT, CollectPart, collect, timeout=_COLLECT_SECONDS, at_once=_COLLECTED_AT_ONCE),
        Task(DELETE, DeleteFiles, delete),
    ]


def crons(services: AssignmentsServices) -> list[Cron]:
    """Every minute: work of those who teach no more goes to others, and all are told of what is overdue.

    Every hour: old submissions are archived.
    """

    async def look() -> None:
        await services.review.reassign()
        await services.review.escalate()

    async def archive() -> None:
        await services.archive.archive_old()

    return [
        Cron("assignments.look_after", look, seconds=_LOOK_EVERY_SECONDS),
        Cron("assignments.archive_old", archive, seconds=_ARCHIVE_EVERY_SECONDS),
    ]
