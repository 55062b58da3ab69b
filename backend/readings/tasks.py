"""Background work of the reading room."""

from __future__ import annotations

from typing import Final

from backend.infra.jobs import Cron, Handler, Job, Task
from backend.readings.service import RoomUpkeepService
from backend.readings.service.interpreting import InterpretingService
from backend.readings.service.upkeep import UpkeepService
from backend.readings.types import ReadingAsked

_ASKED: Final = Handler("readings.interpret", ReadingAsked)
_REAP_SECONDS: Final = 5
_PURGE_SECONDS: Final = 900
HANDLERS: Final = (_ASKED,)
"""The events that the reading room reacts to."""


def tasks(interpreting: InterpretingService) -> list[Task]:
    """Tasks: have an answer written."""

    async def interpret(event: ReadingAsked, _job: Job) -> None:
        await interpreting.begin(event.answer_id)

    return [_ASKED.runs(interpret)]


def crons(room: RoomUpkeepService, texts: UpkeepService) -> list[Cron]:
    """Timers: lost answers are ended, seals of abandoned draws opened, pieces of texts stored whole deleted."""

    async def reap() -> None:
        await room.reap()

    async def reveal() -> None:
        await room.reveal_lapsed()

    return [
        Cron("readings.reap", reap, seconds=_REAP_SECONDS),
        Cron("readings.reveal", reveal, seconds=_PURGE_SECONDS),
        Cron("readings.purge", texts.purge, seconds=_PURGE_SECONDS),
    ]
