"""Answers that do not fail when a message or a button is too old."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, Update

_MOST_REMEMBERED = 10_000
_LONGEST_NOTICE = 200


class Once:
    """Remembers for ``seconds`` what was sent, so that a person does not get the same text again and again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._said: OrderedDict[tuple[str, int], float] = OrderedDict()

    def first(self, what: str, person: int) -> bool:
        """Whether ``what`` was not sent to this person lately."""
        now = time.monotonic()
        if self._said.get((what, person), 0.0) > now:
            return False
        self._said[what, person] = now + self._seconds
        self._said.move_to_end((what, person))
        if len(self._said) > _MOST_REMEMBERED:
            self._said.popitem(last=False)
        return True


async def answer(bot: Bot, query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
    """Answer a pressed button, with a notice if there is ``text``.

    Telegram refuses an answer after some minutes (the bot was away meanwhile): that is no error.
    """
    try:
        await bot.answer_callback_query(query.id, text=text[:_LONGEST_NOTICE] if text else None, show_alert=alert)
    except TelegramBadRequest as error:
        if "query is too old" not in error.message:
            raise


async def edit(query: CallbackQuery, text: str, markup: InlineKeyboardMarkup | None = None) -> None:
    """Edit the message whose button was pressed, or send a new one if it cannot be edited.

    "message is not modified" is no error: the button was pressed twice.
    """
    message = query.message
    if isinstance(message, Message):
        try:
            await message.edit_text(text, reply_markup=markup)
        except TelegramBadRequest as error:
            if "message is not modified" in error.message:
                return
        else:
            return
    if message is not None and query.bot is not None:
        await query.bot.send_message(message.chat.id, text, reply_markup=markup)


async def tell(bot: Bot, update: Update, text: str, *, only_in_passing: bool = False) -> None:
    """Send ``text`` to the person of the update: as a notice over a pressed button, otherwise as a message.

    A payment that was to be approved is refused with it. Telegram itself refuses one not answered within ten seconds.
    """
    if update.pre_checkout_query is not None:
        with contextlib.suppress(TelegramBadRequest):
            await bot.answer_pre_checkout_query(update.pre_checkout_query.id, ok=False, error_message=text)
        return
    if update.callback_query is not None:
        await answer(bot, update.callback_query, text, alert=True)
    elif update.message is not None and not only_in_passing:
        await bot.send_message(update.message.chat.id, text)
