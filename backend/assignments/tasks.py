"""Background work of assignments."""

from __future__ import annotations

from typing import Final

from backend.assignments.service import AssignmentsServices
from backend.infra.jobs import Cron

_LOOK_EVERY_SECONDS: Final = 60


def crons(services: AssignmentsServices) -> list[Cron]:
    """Every minute: work of those who teach no more goes to others, and all are told of what is overdue."""

    async def look() -> None:
        await services.review.reassign()
        await services.review.escalate()

    return [Cron("assignments.look_after", look, seconds=_LOOK_EVERY_SECONDS)]
