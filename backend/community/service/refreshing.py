"""The worker's part: what the bot may do in groups, and the links by which people ask to join."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from backend.community import domain, rules
from backend.community.errors import LinkGone, NoRight, NotInChat
from backend.community.ports import Chats
from backend.community.repository import groups, members
from backend.community.service.updates import move
from backend.community.types import BotRights, BotState, Chat, Group, RefreshGroup
from backend.infra.jobs import RetryLater
from backend.infra.telegram.errors import ChatMoved, Refused, TooManyRequests
from backend.infra.unit_of_work import UnitOfWork

_EVERY: Final = timedelta(minutes=15)
_AT_ONCE: Final = 5
_LINK_EVERY: Final = timedelta(days=1)
_LONGEST_NAME: Final = 32
log = structlog.get_logger(__name__)


class RefreshingService:
    """Compares groups with Telegram. ``name`` is what the shop's links are called in Telegram's settings."""

    def __init__(self, *, uow: UnitOfWork, chats: Chats, name: str) -> None:
        self._uow = uow
        self._chats = chats
        self._name = name[:_LONGEST_NAME]

    async def start_due(self) -> None:
        """Start jobs for the groups that were not compared for some time."""
        async with self._uow() as tx:
            for group_id in await groups.list_due_groups(tx, _EVERY, _AT_ONCE):
                domain.refresh_soon(tx, group_id)

    async def refresh(self, payload: RefreshGroup) -> None:
        """Note what the bot is in a group, and have a link that works. Raises RetryLater, TelegramDown, NotFound."""
        async with self._uow.read() as tx:
            before = await groups.get_group(tx, payload.group_id)
        try:
            group = await self._look(before)
            if group is not None and rules.may_admit(group):
                await self._keep_link(group, new=payload.new_link)
        except TooManyRequests as error:
            raise RetryLater(error.seconds, str(error)) from error
        except ChatMoved as error:
            async with self._uow() as tx:
                await move(tx, before.chat_id, error.chat_id)
        except (Refused, NoRight) as error:
            log.warning("community.not_refreshed", group=str(before.id), error=str(error))

    async def _look(self, before: Group) -> Group | None:
        """The group as it is now; None where it has no plan, and so needs no link."""
        try:
            seen = await self._chats.look(before.chat_id)
        except NotInChat:
            seen = None
        async with self._uow() as tx:
            await groups.get_group(tx, before.id, locked=True)
            chat = seen.chat if seen else Chat(before.chat_id, before.kind, before.title)
            await groups.note_rights(tx, before.id, chat, seen.rights if seen else BotRights(BotState.GONE))
            await groups.change_group(tx, before.id, members=seen.members if seen else None, checked_at=tx.now)
            await domain.report(tx, before.id)
            group = await groups.get_group(tx, before.id)
            if set(rules.problems_of(before)) - set(rules.problems_of(group)):
                await members.forget_waits(tx, group.id)
            return group if await groups.list_links(tx, group_id=group.id) else None

    async def _keep_link(self, group: Group, *, new: bool) -> None:
        """Make a link where there is none, where the old one was revoked, and where a new one is wanted."""
        if group.link is not None and not new:
            try:
                if not await self._is_due(group):
                    return
                await self._chats.check_link(group.chat_id, group.link, self._name)
            except LinkGone:
                log.info("community.link_revoked", group=str(group.id))
            else:
                async with self._uow() as tx:
                    await groups.change_group(tx, group.id, link_checked_at=tx.now)
                return
        link = await self._chats.make_link(group.chat_id, self._name)
        async with self._uow() as tx:
            if await groups.put_link(tx, group.id, link, group.link):
                await members.forget_waits(tx, group.id)

    async def _is_due(self, group: Group) -> bool:
        async with self._uow.read() as tx:
            return group.link_checked_at is None or tx.now - group.link_checked_at >= _LINK_EVERY
