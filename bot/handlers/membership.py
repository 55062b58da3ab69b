"""Notes who blocked the bot, and who unblocked it."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import ChatMemberUpdated

from bot.context import Deps


async def changed(update: ChatMemberUpdated, deps: Deps) -> None:
    """Store whether the bot can write to this person."""
    blocked = update.new_chat_member.status in {ChatMemberStatus.KICKED, ChatMemberStatus.LEFT}
    await deps.identity.access.mark_bot_blocked(update.chat.id, blocked=blocked)


def router() -> Router:
    """Its router."""
    routes = Router(name="membership")
    routes.my_chat_member.register(changed, F.chat.type == ChatType.PRIVATE)
    return routes
