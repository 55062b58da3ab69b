"""/language: the choice of a language."""

from __future__ import annotations

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from backend.identity.types import Actor
from backend.kernel.text import Locale
from bot.commands import dress_chat
from bot.context import Deps, Words
from bot.keyboards import LANGUAGE_PREFIX, languages
from bot.replies import answer, edit


async def ask(message: Message, actor: Actor, words: Words) -> None:
    """Ask for a language."""
    await message.answer(words.gettext("Choose a language"), reply_markup=languages(actor.language))


async def choose(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor) -> None:
    """Set the person's language, in the Mini App too."""
    chosen = (query.data or "").removeprefix(LANGUAGE_PREFIX)
    if chosen in {locale.value for locale in Locale}:
        actor = await deps.identity.profile.set_language(actor, Locale(chosen))
    words = Words(actor.language)
    await answer(bot, query)
    await edit(query, words.gettext("Language: English"), languages(actor.language))
    await dress_chat(bot, deps, actor)


def router() -> Router:
    """Its router."""
    routes = Router(name="language")
    routes.message.register(ask, Command("language"))
    routes.callback_query.register(choose, F.data.startswith(LANGUAGE_PREFIX))
    return routes
