"""Background work of the reading room."""

from __future__ import annotations

from typing import Final

from backend.infra.jobs import Cron, Handler, Job, Task
from backend.readings.service.interpreting import InterpretingService
from backend.readings.service.upkeep import UpkeepService
from backend.readings.types import ReadingAsked

INTERPRET: Final = "readings.interpret"
_ASKED: Final = Handler(INTERPRET, ReadingAsked)
_AT_ONCE: Final = 16
_PURGE_SECONDS: Final = 900
HANDLERS: Final = (_ASKED,)
"""The events that the reading room reacts to."""


def tasks(interpreting: InterpretingService, *, timeout: int) -> list[Task]:
    """Tasks: write the text of an answer; ``timeout`` in seconds is longer than any text takes."""

    async def interpret(event: ReadingAsked, _job: Job) -> None:
        await interpreting.interpret(event.answer_id)

    # Bounded, because a text takes minutes; many, because all of them wait for words.
    return [Task(INTERPRET, ReadingAsked, interpret, timeout=timeout, at_once=_AT_ONCE)]


def crons(upkeep: UpkeepService) -> list[Cron]:
    """Timers: pieces of texts that are stored whole, and old figures of calls, are deleted."""
    return [Cron("readings.purge", upkeep.purge, seconds=_PURGE_SECONDS)]
