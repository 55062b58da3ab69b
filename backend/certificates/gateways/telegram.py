"""Messages that people share, prepared by Telegram's Bot API."""

from __future__ import annotations

import html
from typing import Any, Final

import msgspec
import structlog

from backend.certificates.ports import SharedMessage
from backend.infra.telegram.client import Method, Telegram
from backend.infra.telegram.errors import TelegramError

_SECONDS: Final = 5.0
"""Somebody waits with a finger on the button."""
log = structlog.get_logger(__name__)


class PreparedInlineMessage(msgspec.Struct, frozen=True):
    """A message that one person may send until it expires."""

    id: str


class SavePreparedInlineMessage(Method[PreparedInlineMessage], frozen=True):
    """Prepare a message that ``user_id`` sends by ``Telegram.WebApp.shareMessage``."""

    user_id: int
    result: dict[str, Any]
    allow_user_chats: bool = True
    allow_group_chats: bool = True
    allow_channel_chats: bool = True


class TelegramSharing:
    """Prepares an article with a large preview of the public page."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def prepare(self, telegram_id: int, message: SharedMessage) -> str | None:
        """The id of the prepared message; None where Telegram refuses or cannot be asked."""
        text = f"{html.escape(message.text, quote=False)}\n{html.escape(message.url)}"
        result = {
            "type": "article",
            "id": "certificate",
            "title": message.title,
            "input_message_content": {
                "message_text": text,
                "parse_mode": "HTML",
                "link_preview_options": {"url": message.url, "prefer_large_media": True},
            },
            "reply_markup": {"inline_keyboard": [[{"text": message.button, "url": message.url}]]},
        }
        try:
            prepared = await self._telegram.call(
                SavePreparedInlineMessage(user_id=telegram_id, result=result), seconds=_SECONDS
            )
        except TelegramError as error:
            log.info("certificates.not_prepared", error=repr(error))
            return None
        return prepared.id
