"""The reading room in the chat: the free card of the day, one's credits, the way in."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from backend.identity.types import Actor
from bot.context import Deps, Words
from bot.keyboards import page_button, rows


async def readings(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """What the person can ask the cards with, and a button for the reading room."""
    room, _ = await deps.rooms.home(actor), words.gettext
    lines = [f"<b>{_('Ask the cards')}</b>"]
    if room.free_card is not None and room.free_card.next_at is None:
        lines.append(_("Today's card is free."))
    if room.spreads:
        text = words.ngettext("You have %(count)s credit.", "You have %(count)s credits.", room.credits)
        lines.append(text % {"count": words.number(room.credits)})
    else:
        lines.append(_("No spreads yet"))
    await message.answer("\n".join(lines), reply_markup=rows(page_button(deps, _("Open readings"), "/readings")))


def router() -> Router:
    """Its router."""
    routes = Router(name="readings")
    routes.message.register(readings, Command("readings"))
    return routes
