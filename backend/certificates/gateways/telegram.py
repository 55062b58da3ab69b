"""Messages that people share, prepared by Telegram's Bot API."""

from __future__ import annotations

import html
from typing import Final

import structlog

from backend.certificates.ports import SharedMessage
from backend.infra.telegram.client import Telegram
from backend.infra.telegram.errors import TelegramError
from backend.infra.telegram.methods import SavePreparedInlineMessage

_SECONDS: Final = 5.0
"""Somebody waits with a finger on the button."""
log = structlog.get_logger(__name__)


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
