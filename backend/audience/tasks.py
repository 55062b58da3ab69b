"""Background work on people."""

from __future__ import annotations

from typing import Final

from backend.audience.service import AudienceServices
from backend.audience.types import PeopleBulkStarted
from backend.infra.jobs import Handler, Job, Task

_RUN_BULK: Final = Handler("audience.run_bulk", PeopleBulkStarted)
HANDLERS: Final = (_RUN_BULK,)
"""The events that this slice reacts to."""


def tasks(services: AudienceServices) -> list[Task]:
    """The task: act on many people, or undo it."""

    async def run_bulk(event: PeopleBulkStarted, _job: Job) -> None:
        await services.bulk.run(event.bulk_id)

    return [_RUN_BULK.runs(run_bulk)]
