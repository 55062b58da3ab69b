"""The Bot API as our messenger."""

from __future__ import annotations

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.types import BufferedInputFile, CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, WebAppInfo

from backend.notifications.errors import NotSent, Rejected, SlowDown, Unreachable
from backend.notifications.gateways.pacing import Pacer
from backend.notifications.types import Button, Message

# Well below the service's claim on a notification.
_TIMEOUT_SECONDS = 10
# Telegram's words (400) for a person who never met the bot, or is gone. Source: tdlib/telegram-bot-api, Client.cpp.
_NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid", "user_is_blocked", "input_user_deactivated")


class TelegramMessenger:
    """Sends as the bot of ``token`` through the Bot API at ``api_url``; connects on first use."""

    def __init__(self, token: str, api_url: str, *, pacer: Pacer | None = None) -> None:
        session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), timeout=_TIMEOUT_SECONDS)
        properties = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview_is_disabled=True)
        self._bot = Bot(token, session=session, default=properties)
        self._pacer = pacer or Pacer()

    async def close(self) -> None:
        """Close the connections."""
        await self._bot.session.close()

    async def turn(self, chat_id: int, ticket: str) -> None:
        """Wait for the message's turn. Raises SlowDown when it is not near."""
        await self._pacer.turn(chat_id, ticket)

    async def send(self, chat_id: int, message: Message) -> int:
        """Send, and tell the message's id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        try:
            try:
                return await self._send(chat_id, message)
            except TelegramMigrateToChat as moved:
                return await self._send(moved.migrate_to_chat_id, message)
        except TelegramForbiddenError as error:
            raise Unreachable(error.message) from error
        except TelegramRetryAfter as error:
            self._pacer.pause(chat_id, error.retry_after)
            raise SlowDown(error.retry_after) from error
        except TelegramEntityTooLarge as error:  # a kind of network error to aiogram, yet it will never pass
            raise Rejected(error.message) from error
        except TelegramBadRequest as error:
            if any(words in error.message.lower() for words in _NOBODY_THERE):
                raise Unreachable(error.message) from error
            raise Rejected(error.message) from error
        except (TimeoutError, AiogramError, OSError) as error:
            # 5xx, 401 and 404 (a wrong token or server: for the operator to mend), the network.
            raise NotSent(f"{type(error).__name__}: {error}") from error

    async def _send(self, chat_id: int, message: Message) -> int:
        markup = _markup(message.buttons)
        protect = message.protect
        if message.document is None:
            sent = await self._bot.send_message(chat_id, message.text, reply_markup=markup, protect_content=protect)
        else:
            file = BufferedInputFile(message.document.content, message.document.name)
            sent = await self._bot.send_document(
                chat_id, file, caption=message.text, reply_markup=markup, protect_content=protect
            )
        return sent.message_id


def _markup(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(button)] for button in buttons])


def _button(button: Button) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(text=button.copy))
    return InlineKeyboardButton(text=button.text, web_app=WebAppInfo(url=button.url))
