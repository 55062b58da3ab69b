"""Background work of quizzes."""

from __future__ import annotations

from typing import Final

from backend.infra.jobs import Cron
from backend.quizzes.service import AttemptsService

_LOOK_EVERY_SECONDS: Final = 30


def crons(attempts: AttemptsService) -> list[Cron]:
    """Twice a minute: attempts whose time has run out are finished, though nobody comes back to them."""

    async def close() -> None:
        await attempts.close_late()

    return [Cron("quizzes.close_late", close, seconds=_LOOK_EVERY_SECONDS)]
