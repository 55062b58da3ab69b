"""Background work of the reading room."""

from __future__ import annotations

from typing import Final

from backend.infra.jobs import Cron, Handler, Job, Task
from backend.readings.service import RoomUpkeepService
from backend.readings.service.interpreting import InterpretingService
from backend.readings.service.upkeep import UpkeepService
from backend.readings.types import ReadingAsked

INTERPRET: Final = "readings.interpret"
_ASKED: Final = Handler(INTERPRET, ReadingAsked)
_AT_ONCE: Final = 16
_REAP_SECONDS: Final = 5
_PURGE_SECONDS: Final = 900
HANDLERS: Final = (_ASKED,)
"""The events that the reading room reacts to."""


def tasks(interpreting: InterpretingService, *, timeout: int) -> list[Task]:
    """Tasks: write the text of an answer; ``timeout`` in seconds is longer than any text takes."""

    async def interpret(event: ReadingAsked, _job: Job) -> None:
        await interpreting.interpret(event.answer_id)

    # Bounded, because a text takes minutes; many, because all of them wait for words.
    return [Task(INTERPRET, ReadingAsked, interpret, timeout=timeout, at_once=_AT_ONCE)]


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
