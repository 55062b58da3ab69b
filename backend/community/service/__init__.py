"""Use cases of groups, by who has them."""

from __future__ import annotations

from dataclasses import dataclass

from backend.community.ports import Chats
from backend.community.service.groups import GroupsService
from backend.community.service.joining import JoiningService
from backend.community.service.refreshing import RefreshingService
from backend.community.service.settling import SettlingService
from backend.community.service.updates import UpdatesService
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale

__all__ = [
    "CommunityServices",
    "GroupsService",
    "JoiningService",
    "RefreshingService",
    "SettlingService",
    "UpdatesService",
]


@dataclass(frozen=True, kw_only=True)
class CommunityServices:
    """The services of this slice, one for each concern."""

    groups: GroupsService
    """The back office, and what students see."""
    joining: JoiningService
    """Requests to join."""
    updates: UpdatesService
    """What Telegram reports."""
    settling: SettlingService
    """The worker's part: people."""
    refreshing: RefreshingService
    """The worker's part: groups."""

    @classmethod
    def build(
        cls, *, uow: UnitOfWork, chats: Chats, bot_id: int, shop: str, default_language: str
    ) -> CommunityServices:
        """All of them; ``shop`` names the links that are made."""
        language = Locale.closest(default_language)
        return cls(
            groups=GroupsService(uow=uow),
            joining=JoiningService(uow=uow, chats=chats, default_language=language),
            updates=UpdatesService(uow=uow, bot_id=bot_id),
            settling=SettlingService(uow=uow, chats=chats),
            refreshing=RefreshingService(uow=uow, chats=chats, name=shop),
        )
