"""Admins made from the chat: a message of somebody, forwarded by an admin who may, and the link of an invitation."""

from __future__ import annotations

import re
from typing import Final

from aiogram import F, Router
from aiogram.filters import BaseFilter
from aiogram.types import InlineKeyboardButton, Message, MessageOriginHiddenUser, MessageOriginUser

from backend.identity.types import Actor, Permission
from bot.context import Deps, Words
from bot.keyboards import page_button, rows

_INVITATION: Final = re.compile("a_([A-Za-z0-9_-]{32})")


class MakesAdmins(BaseFilter):
    """Whether the sender may make admins."""

    async def __call__(self, message: Message, actor: Actor) -> bool:
        """Look at what they hold."""
        return actor.may(Permission.ADMINS)


async def forwarded(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """Offer to make the author of a forwarded message an admin, or say why that is not possible."""
    _ = words.gettext
    invite = page_button(deps, _("Invite by link"), "/admin/admins")
    if not isinstance(message.forward_origin, MessageOriginUser):
        text = _("They hide their account in forwarded messages. Search for them, or invite them by a link.")
        await message.answer(text, reply_markup=rows(invite))
        return
    user = message.forward_origin.sender_user
    people = (await deps.identity.people.find_users(actor, str(user.id))).items
    person = next((one for one in people if one.telegram_id == user.id), None)
    if person is None:
        text = _("{name} hasn't opened the shop yet. Invite them by a link.").format(name=words.safe(user.full_name))
        await message.answer(text, reply_markup=rows(invite))
        return
    text = _("Make {name} an admin? You choose what they may do.").format(name=words.safe(user.full_name))
    await message.answer(text, reply_markup=rows(page_button(deps, _("Make admin"), f"/admin/admins?make={person.id}")))


def invitation_button(deps: Deps, words: Words, payload: str) -> InlineKeyboardButton | None:
    """The button for an invitation's link; None for any other link."""
    token = _INVITATION.fullmatch(payload)
    if token is None:
        return None
    return page_button(deps, words.gettext("Open invitation"), f"/invitation?code={token[1]}")


def router() -> Router:
    """Its router."""
    routes = Router(name="admins")
    is_persons = F.forward_origin.func(lambda origin: isinstance(origin, (MessageOriginUser, MessageOriginHiddenUser)))
    routes.message.register(forwarded, is_persons, MakesAdmins())
    return routes
