"""Pictures and texts of readings in chats, by Telegram's Bot API."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import Any, Final

import structlog

from backend.infra.telegram.client import InputFile, Telegram
from backend.infra.telegram.errors import TelegramError
from backend.infra.telegram.methods import (
    DeleteMessage,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    SavePreparedInlineMessage,
    SendMessage,
    SendPhoto,
)
from backend.readings.ports import ChatPicture

_SECONDS: Final = 8.0
"""Somebody waits with a finger on the button."""
_FILE: Final = "reading.png"
log = structlog.get_logger(__name__)


class TelegramReadingChats:
    """Sends to the person's own chat with the bot, and prepares what they send to others."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def prepare(self, telegram_id: int, picture: ChatPicture) -> str | None:
        """The id of a prepared message with the picture; None where Telegram refuses or cannot be asked.

        Only a picture that Telegram has can be prepared: it is sent to the person's chat, and deleted there again.
        """
        try:
            sent = await self._telegram.call(
                SendPhoto(telegram_id, InputFile(_FILE, picture.png), _safe(picture.caption)), seconds=_SECONDS
            )
            with suppress(TelegramError):
                await self._telegram.call(DeleteMessage(telegram_id, sent.message_id), seconds=_SECONDS)
            result: dict[str, Any] = {
                "type": "photo",
                "id": "reading",
                "photo_file_id": sent.file_id,
                "title": picture.caption,
                "caption": _safe(picture.caption),
                "parse_mode": "HTML",
            }
            if picture.button:
                result["reply_markup"] = {"inline_keyboard": [[{"text": picture.button, "url": picture.url}]]}
            prepared = await self._telegram.call(
                SavePreparedInlineMessage(user_id=telegram_id, result=result), seconds=_SECONDS
            )
        except TelegramError as error:
            log.info("readings.not_prepared", error=repr(error))
            return None
        return prepared.id

    async def send(self, telegram_id: int, picture: ChatPicture, texts: tuple[str, ...]) -> bool:
        """Send the picture, then the texts one after another; False where the chat can't be written to."""
        button = InlineKeyboardButton(text=picture.button, url=picture.url) if picture.button else None
        markup = InlineKeyboardMarkup([[button]]) if button else None
        try:
            await self._telegram.call(
                SendPhoto(telegram_id, InputFile(_FILE, picture.png), _safe(picture.caption), markup), seconds=_SECONDS
            )
            for text in texts:
                await self._telegram.call(SendMessage(telegram_id, _safe(text)), seconds=_SECONDS)
        except TelegramError as error:
            log.info("readings.not_sent", error=repr(error))
            return False
        return True


def _safe(text: str) -> str:
    return html.escape(text, quote=False)
