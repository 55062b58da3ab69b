"""Whatever no other handler knows."""

from __future__ import annotations

from aiogram import Bot, F, Router
from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message

from bot.context import Deps, Words
from bot.keyboards import rows, shop_button
from bot.replies import answer

# Said by a person; Telegram's service messages (a pinned message, a granted permission) get no answer.
_SAID = {
    ContentType.TEXT,
    ContentType.PHOTO,
    ContentType.VIDEO,
    ContentType.VIDEO_NOTE,
    ContentType.VOICE,
    ContentType.AUDIO,
    ContentType.DOCUMENT,
    ContentType.STICKER,
    ContentType.ANIMATION,
    ContentType.CONTACT,
    ContentType.LOCATION,
}


async def unknown(message: Message, deps: Deps, words: Words) -> None:
    """A short help."""
    text = words.gettext("Everything happens in the shop: press the button. /help tells more.")
    await message.answer(text, reply_markup=rows(shop_button(deps, words)))


async def stale(query: CallbackQuery, bot: Bot, words: Words) -> None:
    """A button of a message from another time."""
    await answer(bot, query, words.gettext("This button is too old"))


def router() -> Router:
    """Its router."""
    made = Router(name="fallback")
    made.message.register(unknown, F.content_type.in_(_SAID))
    made.callback_query.register(stale)
    return made
