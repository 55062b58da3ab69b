"""What Telegram reports of groups: the bot added, its rights, people who come and go, a group that moves."""

from __future__ import annotations

from datetime import datetime

from backend.community import domain, rules
from backend.community.repository import groups, members
from backend.community.types import BotRights, BotState, Chat, ChatKind, GroupAdded, MemberState
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts


class UpdatesService:
    """Stores what the bot hears. Every update may be lost, late or repeated: the sweep finds out what is true."""

    def __init__(self, *, uow: UnitOfWork, bot_id: int) -> None:
        self._uow = uow
        self._bot_id = bot_id

    @retry_conflicts
    async def bot_changed(self, chat: Chat, rights: BotRights, dated: datetime) -> None:
        """The bot was added to a chat, got or lost rights there, or was removed."""
        async with self._uow() as tx:
            known = await groups.find_group(tx, chat_id=chat.id, locked=True)
            if known is None and rights.state is BotState.GONE:
                return
            group = known or await groups.add_group(tx, chat, rights)
            if not await groups.note_rights(tx, group.id, chat, rights, dated=dated):
                return
            linked = bool(await groups.list_links(tx, group_id=group.id))
            if rights.state is not BotState.GONE and (known is None or known.bot is BotState.GONE):
                tx.emit(GroupAdded(group_id=group.id, link_plans=not linked))
            await domain.report(tx, group.id)
            if known is not None and not rules.may_admit(known):
                # Links of a bot that lost its rights may be gone with them.
                await groups.change_group(tx, group.id, link_checked_at=None)
            if rights.state is BotState.ADMIN and linked:
                await members.forget_waits(tx, group.id)
                domain.refresh_soon(tx, group.id)

    @retry_conflicts
    async def member_changed(
        self, chat: Chat, telegram_id: int, name: str, state: MemberState, *, by: int, dated: datetime
    ) -> None:
        """Somebody came, left, was removed, promoted or banned, ``by`` somebody's action."""
        async with self._uow() as tx:
            group = await groups.find_group(tx, chat_id=chat.id)
            if group is None:
                return
            member = await members.lock_member(tx, group.id, telegram_id, name)
            if not await members.is_newer(tx, group.id, telegram_id, dated):
                return
            live = await members.is_live(tx, group.id, telegram_id)
            by_hand = not live and by not in {telegram_id, self._bot_id}
            await domain.note_state(tx, group.id, member, state, by_hand=by_hand, name=name)
            now = await members.lock_member(tx, group.id, telegram_id)
            if rules.next_step(group, now, live=live, look=False, done=frozenset()) is not None:
                domain.settle_soon(tx, group.id, telegram_id)

    @retry_conflicts
    async def moved(self, old_id: int, new_id: int) -> None:
        """Telegram made a supergroup of a group: another chat, with the same people."""
        async with self._uow() as tx:
            await move(tx, old_id, new_id)


async def move(tx: Tx, old_id: int, new_id: int) -> None:
    """Follow a group to its new chat, of which the bot may have heard already. Running it again changes nothing."""
    group = await groups.find_group(tx, chat_id=old_id, locked=True)
    if group is None:
        return
    rights = BotRights(group.bot, can_invite=group.can_invite, can_remove=group.can_remove)
    heard = await groups.find_group(tx, chat_id=new_id, locked=True)
    if heard is not None:
        rights = BotRights(heard.bot, can_invite=heard.can_invite, can_remove=heard.can_remove)
        await groups.merge_group(tx, group.id, heard.id)
    # Links of the old chat lead nowhere.
    await groups.change_group(tx, group.id, chat_id=new_id, link=None, link_checked_at=None)
    await groups.note_rights(tx, group.id, Chat(new_id, ChatKind.SUPERGROUP, group.title), rights)
    await domain.report(tx, group.id)
    domain.refresh_soon(tx, group.id)
