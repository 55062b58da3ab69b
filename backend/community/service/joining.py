"""Somebody asks to join: decided by the bot's process itself, without the queue."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from backend.community import domain
from backend.community.errors import NoRight, NotInChat
from backend.community.ports import Chats
from backend.community.repository import groups, members
from backend.community.types import Asked, Asking, BotRights, BotState, Group, MemberState, Verdict
from backend.courses.domain import holders
from backend.identity import domain as identity
from backend.infra.telegram.errors import TelegramError
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.text import Locale

_DECIDE_SECONDS: Final = 4.0
_ANSWER_SECONDS: Final = 4.0
"""Together with the above less than the ten seconds that Telegram waits for a guard bot."""
_PAUSE_SECONDS: Final = 0.3
_LOOK_AFTER: Final = timedelta(seconds=20)
_REPEAT: Final = timedelta(hours=12)
log = structlog.get_logger(__name__)


class JoiningService:
    """Approves requests by live grants. Nobody is declined: who has no access yet waits, and is let in with it."""

    def __init__(self, *, uow: UnitOfWork, chats: Chats, default_language: Locale) -> None:
        self._uow = uow
        self._chats = chats
        self._default_language = default_language

    async def ask(self, asking: Asking) -> Asked:
        """Decide about a request, both of the classic sort and a guard bot's query; what to tell who asks.

        Raises what the database raises, after a query was answered with QUEUE: nobody is refused for an outage.
        """
        try:
            async with asyncio.timeout(_DECIDE_SECONDS):
                group, live, asked = await self._receive(asking)
        except Exception:
            if asking.query_id is not None:
                await self._answer(asking.query_id, Verdict.QUEUE)
            raise
        if asking.query_id is not None:
            approved = await self._answer(asking.query_id, Verdict.APPROVE if live else Verdict.QUEUE) and live
        else:
            approved = live and await self._approve(asking)
        if approved:
            await self._admitted(group, asking)
            return Asked(approved=True)
        # The job that is stored with the request goes on with anybody who may join and could not be let in here.
        return asked

    @retry_conflicts
    async def _receive(self, asking: Asking) -> tuple[Group, bool, Asked]:
        """Store the request, with a job that looks after it; whether they may join, and what to tell them."""
        async with self._uow() as tx:
            group = await groups.find_group(tx, chat_id=asking.chat.id)
            if group is None:
                # Its update was lost. Who hears of requests is an administrator with the right to decide them.
                group = await groups.add_group(tx, asking.chat, BotRights(BotState.ADMIN, can_invite=True))
                domain.refresh_soon(tx, group.id)
            member = await members.lock_member(tx, group.id, asking.telegram_id, asking.name)
            live = await members.is_live(tx, group.id, asking.telegram_id)
            recent = member.requested_at is not None and tx.now - member.requested_at < _REPEAT
            repeated = member.state is MemberState.REQUESTED and recent
            await domain.note_state(tx, group.id, member, MemberState.REQUESTED, name=asking.name)
            if live:
                domain.settle_soon(tx, group.id, asking.telegram_id, delay=_LOOK_AFTER)
            return group, live, await self._asked(tx, group, asking, silent=live or repeated)

    async def _asked(self, tx: Tx, group: Group, asking: Asking, *, silent: bool) -> Asked:
        if silent:
            return Asked(approved=False)
        user_id = await identity.find_user_id(tx, asking.telegram_id)
        language = Locale.closest(asking.language_code, self._default_language)
        if user_id is not None:
            recipient = await identity.get_recipient(tx, user_id)
            if recipient.blocked:
                return Asked(approved=False)
            language = recipient.language
        links = await groups.list_links(tx, group_id=group.id)
        plans = await holders.list_plans(tx, [link.tariff_id for link in links])
        on_sale = tuple(plan for plan in plans if not plan.retired)
        return Asked(approved=False, title=group.title, plans=on_sale, language=language)

    async def _answer(self, query_id: str, verdict: Verdict) -> bool:
        """Answer a guard bot's query, again and again while Telegram is away and there is time."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while True:
                    try:
                        return await self._chats.answer(query_id, verdict)
                    except TelegramError as error:
                        log.warning("community.query_waits", error=str(error))
                        await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            return False

    async def _approve(self, asking: Asking) -> bool:
        try:
            return await self._chats.approve(asking.chat.id, asking.telegram_id)
        except (TelegramError, NoRight, NotInChat) as error:
            log.warning("community.approval_waits", error=str(error))
            return False

    @retry_conflicts
    async def _admitted(self, group: Group, asking: Asking) -> None:
        """Store that they are in; if their access has ended meanwhile, a worker removes them."""
        async with self._uow() as tx:
            member = await members.lock_member(tx, group.id, asking.telegram_id, asking.name)
            await domain.note_state(tx, group.id, member, MemberState.IN)
            await members.change_member(tx, group.id, asking.telegram_id, student=True)
            if not await members.is_live(tx, group.id, asking.telegram_id):
                domain.settle_soon(tx, group.id, asking.telegram_id)
