"""Background work of courses."""

from __future__ import annotations

from typing import Final

from backend.courses.service import CoursesServices, RemindersService
from backend.identity.types import BotUnblocked, TimezoneChosen
from backend.infra.jobs import Cron, Handler, Job, Task

_UNBLOCKED: Final = Handler("courses.send_unblocked", BotUnblocked)
_REMIND_EVERY_SECONDS: Final = 60
_MOVED: Final = Handler("courses.plan_by_zone", TimezoneChosen)
HANDLERS: Final = (_UNBLOCKED, _MOVED)
"""The events that courses react to."""


def tasks(courses: CoursesServices) -> list[Task]:
    """Tasks: tell who unblocked the bot of the lessons that came meanwhile; plan by a new time zone."""

    async def unblocked(event: BotUnblocked, _job: Job) -> None:
        await courses.schedule.bot_unblocked(event.user_id)

    async def moved(event: TimezoneChosen, _job: Job) -> None:
        await courses.schedule.zone_changed(event.user_id)

    return [_UNBLOCKED.runs(unblocked), _MOVED.runs(moved)]


def crons(reminders: RemindersService) -> list[Cron]:
    """Every minute: students are reminded who have done nothing for a while."""

    async def remind() -> None:
        await reminders.remind()

    return [Cron("courses.remind", remind, seconds=_REMIND_EVERY_SECONDS)]
