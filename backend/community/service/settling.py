"""The worker's part: people in groups become what their plans say, however late and by whatever road."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from backend.community import domain, rules
from backend.community.errors import NoRight, NotInChat
from backend.community.ports import Chats
from backend.community.repository import groups, members
from backend.community.rules import Step
from backend.community.service.updates import move
from backend.community.types import Group, GroupInvited, Member, MemberState, SettleMember
from backend.identity import domain as identity
from backend.infra.jobs import RetryLater
from backend.infra.telegram.errors import ChatMoved, Refused, TooManyRequests
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.ids import UserId

_LEASE: Final = timedelta(seconds=60)
"""Longer than the calls of a run."""
_BUSY_SECONDS: Final = 3.0
_MOST_STEPS: Final = 6
_REFUSED: Final = timedelta(hours=1)
_RETRY: Final = timedelta(minutes=5)
_CHECK_EVERY: Final = timedelta(hours=6)
_MISMATCHES: Final = 50
_CHECKED: Final = 10
"""People about whom a sweep asks Telegram."""
_NEW_STUDENTS: Final = 1000
log = structlog.get_logger(__name__)


class SettlingService:
    """Compares what plans say with what Telegram says, and acts; every step is stored before the next is chosen."""

    def __init__(self, *, uow: UnitOfWork, chats: Chats) -> None:
        self._uow = uow
        self._chats = chats

    @retry_conflicts
    async def access_changed(self, user_id: UserId, *, welcomed: bool) -> None:
        """Somebody's plans changed; ``welcomed``: the message about it has the links of their groups."""
        async with self._uow() as tx:
            for group_id, telegram_id, live in await members.list_standings(tx, user_id):
                group = await groups.get_group(tx, group_id)
                member = await members.lock_member(tx, group_id, telegram_id)
                invited_at = member.invited_at
                if not live:
                    invited_at = None
                elif welcomed and rules.may_join(group, member):
                    invited_at = tx.now
                await members.change_member(
                    tx, group_id, telegram_id, student=True, invited_at=invited_at, retry_at=None
                )
                domain.settle_soon(tx, group_id, telegram_id)

    async def settle(self, payload: SettleMember) -> None:
        """Make a person in a group what their plans say; one worker at a time. Running it again changes nothing.

        Raises RetryLater while another worker does it, or Telegram asks to wait; TelegramDown.
        """
        await self._lease(payload)
        try:
            done: frozenset[Step] = frozenset()
            for _ in range(_MOST_STEPS):
                step, group, member = await self._next(payload, done)
                if step is None:
                    return
                done |= {step}
                if step is not Step.INVITE and not await self._take(step, group, member, payload):
                    return
        except TooManyRequests as error:
            raise RetryLater(error.seconds, str(error)) from error
        finally:
            async with self._uow() as tx:
                await members.change_member(tx, payload.group_id, payload.telegram_id, lease_until=None)

    async def sweep(self) -> None:
        """Start jobs for those who are not what their plans say, and ask Telegram about a few of the others."""
        async with self._uow() as tx:
            await members.add_students(tx, limit=_NEW_STUDENTS)
            for group_id, telegram_id in await members.list_mismatches(tx, _RETRY, _MISMATCHES):
                domain.settle_soon(tx, group_id, telegram_id)
            for group_id, telegram_id in await members.list_unchecked(tx, _CHECK_EVERY, _CHECKED):
                domain.settle_soon(tx, group_id, telegram_id, look=True)

    async def _lease(self, payload: SettleMember) -> None:
        async with self._uow() as tx:
            await members.lock_member(tx, payload.group_id, payload.telegram_id)
            if not await members.lease(tx, payload.group_id, payload.telegram_id, _LEASE):
                raise RetryLater(_BUSY_SECONDS, "another worker does it")

    @retry_conflicts
    async def _next(self, payload: SettleMember, done: frozenset[Step]) -> tuple[Step | None, Group, Member]:
        """The next step by what is stored now; an invitation is stored here, as a message follows it."""
        async with self._uow() as tx:
            group = await groups.get_group(tx, payload.group_id)
            member = await members.lock_member(tx, group.id, payload.telegram_id)
            live = await members.is_live(tx, group.id, member.telegram_id)
            if live and (member.by_hand or not member.student):
                await members.change_member(tx, group.id, member.telegram_id, student=True, by_hand=False)
            step = rules.next_step(group, member, live=live, look=payload.look, done=done)
            if step is Step.INVITE:
                await self._invite(tx, group, member)
            return step, group, member

    @staticmethod
    async def _invite(tx: Tx, group: Group, member: Member) -> None:
        user_id = await identity.find_user_id(tx, member.telegram_id)
        await members.change_member(tx, group.id, member.telegram_id, invited_at=tx.now)
        if user_id is not None:
            tx.emit(GroupInvited(group_id=group.id, user_id=user_id))

    async def _take(self, step: Step, group: Group, member: Member, payload: SettleMember) -> bool:
        """Call Telegram, then store what it said; False where it refuses, and only the sweep shall try again.

        Raises TooManyRequests, TelegramDown, RetryLater.
        """
        try:
            state = await self._calls()[step](group, member, payload)
        except (NoRight, NotInChat) as error:
            log.warning("community.cannot", step=step, error=str(error))
            async with self._uow() as tx:
                domain.refresh_soon(tx, group.id)
            return False
        except ChatMoved as error:
            async with self._uow() as tx:
                await move(tx, group.chat_id, error.chat_id)
            raise RetryLater(1.0, str(error)) from error
        except Refused as error:
            log.warning("community.refused", step=step, error=str(error))
            async with self._uow() as tx:
                await members.change_member(tx, group.id, member.telegram_id, retry_at=tx.now + _REFUSED)
            return False
        await self._store(step, group, member, state)
        return True

    def _calls(self) -> dict[Step, Callable[[Group, Member, SettleMember], Awaitable[MemberState]]]:
        return {Step.APPROVE: self._approve, Step.LOOK: self._look, Step.REMOVE: self._remove}

    async def _approve(self, group: Group, member: Member, _payload: SettleMember) -> MemberState:
        approved = await self._chats.approve(group.chat_id, member.telegram_id)
        return MemberState.IN if approved else MemberState.UNKNOWN

    async def _look(self, group: Group, member: Member, payload: SettleMember) -> MemberState:
        return await self._chats.find(group.chat_id, member.telegram_id, sweep=payload.look)

    async def _remove(self, group: Group, member: Member, _payload: SettleMember) -> MemberState:
        await self._chats.remove(group.chat_id, member.telegram_id)
        return MemberState.OUT

    @retry_conflicts
    async def _store(self, step: Step, group: Group, before: Member, state: MemberState) -> None:
        """Store what a call has shown; a look shows nobody's request, so that one stays."""
        async with self._uow() as tx:
            member = await members.lock_member(tx, group.id, before.telegram_id)
            if step is Step.LOOK:
                await members.change_member(tx, group.id, member.telegram_id, checked_at=tx.now)
            hidden = step is Step.LOOK and state is MemberState.OUT and member.state is MemberState.REQUESTED
            # Somebody may have asked while an approval found no request.
            newer = state is MemberState.UNKNOWN and member.requested_at != before.requested_at
            if not hidden and not newer and state is not member.state:
                await domain.note_state(tx, group.id, member, state)
