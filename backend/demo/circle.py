"""The demo's group: the simulated Telegram begins with it; a plan of the course opens it."""

from __future__ import annotations

from typing import Final

from backend.bootstrap import Services
from backend.community.types import Asking, BotRights, BotState, Chat, ChatKind, MemberState
from backend.identity.types import Actor

_SLUG: Final = "calm-in-seven-days"
_CHAT: Final = Chat(-1_002_400_000_001, ChatKind.SUPERGROUP, "Calm circle")
"""bot.simulator.model has the same group, with the same people."""
_EMMA: Final = 700_000_001
_LAYLA: Final = 700_000_002
_RIGHTS: Final = BotRights(BotState.ADMIN, can_invite=True, can_remove=True)


async def load_demo_circle(services: Services, root: Actor) -> None:
    """Link the group once: Layla has the plan and is in, Emma has asked to join and has not paid."""
    community, now = services.community, services.clock.now()
    if any(row.group.chat_id == _CHAT.id for row in await community.groups.list_all(root)):
        return
    await community.updates.bot_changed(_CHAT, _RIGHTS, now)
    (row,) = [row for row in await community.groups.list_all(root) if row.group.chat_id == _CHAT.id]
    course = await services.courses.courses.find(root, _SLUG)
    _, feedback, *_ = await services.courses.tariffs.list_of(root, course.id)
    await community.groups.link(root, row.group.id, feedback.id)
    await community.updates.member_changed(_CHAT, _LAYLA, "ليلى حداد", MemberState.IN, by=_LAYLA, dated=now)
    await community.joining.ask(Asking(chat=_CHAT, telegram_id=_EMMA, name="Emma Clarke", language_code="en"))
