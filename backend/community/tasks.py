"""Background work of groups."""

from __future__ import annotations

from typing import Final

from backend.community.domain import REFRESH, SETTLE
from backend.community.service import CommunityServices
from backend.community.types import RefreshGroup, SettleMember
from backend.courses.types import CourseGrantChanged
from backend.identity.types import PersonBlocked
from backend.infra.jobs import Cron, Handler, Job, Task

_SWEEP_SECONDS: Final = 60
_SETTLED_AT_ONCE: Final = 2
_REFRESHED_AT_ONCE: Final = 1
_CHANGED: Final = Handler("community.note_access", CourseGrantChanged)
_BLOCKED: Final = Handler("community.note_blocked", PersonBlocked)
HANDLERS: Final = (_CHANGED, _BLOCKED)
"""The events that groups react to."""


def tasks(community: CommunityServices) -> list[Task]:
    """Tasks: note that somebody's plans changed; settle a person in a group; compare a group with Telegram."""

    async def changed(event: CourseGrantChanged, _job: Job) -> None:
        await community.settling.access_changed(event.user_id, welcomed=event.live)

    async def blocked(event: PersonBlocked, _job: Job) -> None:
        await community.settling.access_changed(event.user_id, welcomed=False)

    async def settle(payload: SettleMember, _job: Job) -> None:
        await community.settling.settle(payload)

    async def refresh(payload: RefreshGroup, _job: Job) -> None:
        await community.refreshing.refresh(payload)

    return [
        _CHANGED.runs(changed),
        _BLOCKED.runs(blocked),
        Task(SETTLE, SettleMember, settle, at_once=_SETTLED_AT_ONCE),
        Task(REFRESH, RefreshGroup, refresh, at_once=_REFRESHED_AT_ONCE),
    ]


def crons(community: CommunityServices) -> list[Cron]:
    """Every minute people and groups are compared with Telegram, a few at a time."""

    async def sweep() -> None:
        await community.refreshing.start_due()
        await community.settling.sweep()

    return [Cron("community.sweep", sweep, seconds=_SWEEP_SECONDS)]
