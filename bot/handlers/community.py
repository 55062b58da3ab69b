"""Groups: the bot added and removed, people who come, go and ask to join. In a group itself the bot says nothing."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import Chat as TelegramChat
from aiogram.types import ChatJoinRequest, ChatMemberUpdated, Message, Update, User

from backend.community.types import Asked, Asking, Chat, ChatKind
from backend.community.words import rights_of, state_of
from backend.kernel.text import pick
from bot.context import Deps, Words
from bot.keyboards import page_button, rows

_KINDS: Final = frozenset(ChatKind)
_MOST_PLANS: Final = 5


def is_of_group(update: Update) -> bool:
    """Whether the update tells of a group or channel what the shop must know, by people and bots alike."""
    message = update.message
    if message is not None:
        return message.migrate_to_chat_id is not None
    changed = update.my_chat_member or update.chat_member or update.chat_join_request
    return changed is not None and changed.chat.type in _KINDS


async def bot_changed(update: ChatMemberUpdated, deps: Deps) -> None:
    """The bot was added, removed, or its rights were changed."""
    bot: Any = update.new_chat_member
    rights = rights_of(
        bot.status,
        can_invite=bool(getattr(bot, "can_invite_users", False)),
        can_remove=bool(getattr(bot, "can_restrict_members", False)),
    )
    await deps.community.updates.bot_changed(_chat(update.chat), rights, update.date)


async def member_changed(update: ChatMemberUpdated, deps: Deps) -> None:
    """Somebody joined, left, was removed, promoted or banned."""
    user, new = update.new_chat_member.user, update.new_chat_member
    if user.is_bot:
        return
    state = state_of(new.status, is_member=bool(getattr(new, "is_member", False)))
    await deps.community.updates.member_changed(
        _chat(update.chat), user.id, user.full_name, state, by=update.from_user.id, dated=update.date
    )


async def asked(request: ChatJoinRequest, deps: Deps, bot: Bot) -> None:
    """Somebody asks to join: they are let in, or told how to get in."""
    user = request.from_user
    asking = Asking(
        chat=_chat(request.chat),
        telegram_id=user.id,
        name=user.full_name,
        language_code=user.language_code,
        query_id=request.query_id,
    )
    result = await deps.community.joining.ask(asking)
    if result.plans:
        await _explain(request, result, deps, bot, user)


async def moved(message: Message, deps: Deps) -> None:
    """The group became a supergroup."""
    assert message.migrate_to_chat_id is not None
    await deps.community.updates.moved(message.chat.id, message.migrate_to_chat_id)


async def _explain(request: ChatJoinRequest, result: Asked, deps: Deps, bot: Bot, user: User) -> None:
    """Tell who asks what opens the group; Telegram lets the bot write to them for five minutes."""
    words = Words(result.language)
    plans = result.plans[:_MOST_PLANS]
    head = words.gettext("<b>You asked to join {group}</b>").format(group=words.safe(result.title))
    intro = words.ngettext("It opens with this plan:", "It opens with one of these plans:", len(plans))
    items = [
        f"{words.safe(pick(one.course, words.locale))}: {words.safe(pick(one.plan, words.locale))}" for one in plans
    ]
    foot = words.gettext("Your request stays open. We let you in as soon as you have the plan.")
    courses = {one.slug: pick(one.course, words.locale) for one in plans}
    buttons = [
        page_button(deps, words.gettext("View plans") if len(courses) == 1 else name, f"/learn/{slug}")
        for slug, name in courses.items()
    ]
    with contextlib.suppress(TelegramForbiddenError, TelegramBadRequest):
        await bot.send_message(
            request.user_chat_id, "\n".join([head, intro, *items, "", foot]), reply_markup=rows(*buttons)
        )


def _chat(chat: TelegramChat) -> Chat:
    return Chat(chat.id, ChatKind(chat.type), chat.title or "")


def router() -> Router:
    """Its router."""
    routes = Router(name="community")
    routes.my_chat_member.register(bot_changed, F.chat.type != ChatType.PRIVATE)
    routes.chat_member.register(member_changed)
    routes.chat_join_request.register(asked)
    routes.message.register(moved, F.migrate_to_chat_id)
    return routes
