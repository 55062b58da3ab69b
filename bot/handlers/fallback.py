"""Answers updates that no other handler takes."""

from __future__ import annotations

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Message

from bot.context import Deps, Words
from bot.handlers.support import SAID
from bot.keyboards import rows, shop_button
from bot.replies import answer


async def unknown(message: Message, deps: Deps, words: Words) -> None:
    """Answer an unknown command with a short help."""
    text = words.gettext("Unknown command. /help lists them all. To reach us, just write here.")
    await message.answer(text, reply_markup=rows(shop_button(deps, words)))


async def stale(query: CallbackQuery, bot: Bot, words: Words) -> None:
    """Answer a button that no handler knows any more."""
    await answer(bot, query, words.gettext("This button is too old"))


def router() -> Router:
    """Its router."""
    routes = Router(name="fallback")
    routes.message.register(unknown, F.content_type.in_(SAID))
    routes.callback_query.register(stale)
    return routes
