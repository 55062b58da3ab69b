"""The Bot API as our messenger."""

from __future__ import annotations

from backend.infra.telegram.client import InputFile, Method, Telegram
from backend.infra.telegram.errors import ChatMoved, Refused, TelegramDown, TooManyRequests
from backend.infra.telegram.errors import Unreachable as NobodyThere
from backend.infra.telegram.methods import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    SendDocument,
    SendMessage,
    WebAppInfo,
)
from backend.infra.telegram.methods import Message as Sent
from backend.notifications.errors import NotSent, Rejected, SlowDown, Unreachable
from backend.notifications.gateways.pacing import Pacer
from backend.notifications.types import Button, Message


class TelegramMessenger:
    """Sends as the shop's bot, in turn."""

    def __init__(self, telegram: Telegram, *, pacer: Pacer | None = None) -> None:
        self._telegram = telegram
        self._pacer = pacer or Pacer()

    async def turn(self, chat_id: int, ticket: str) -> None:
        """Wait for the message's turn. Raises SlowDown when it is not near."""
        await self._pacer.turn(chat_id, ticket)

    async def send(self, chat_id: int, message: Message) -> int:
        """Send, and tell the message's id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        try:
            try:
                sent = await self._telegram.call(_method(chat_id, message))
            except ChatMoved as moved:
                sent = await self._telegram.call(_method(moved.chat_id, message))
        except TooManyRequests as error:
            self._pacer.pause(chat_id, error.seconds)
            raise SlowDown(error.seconds) from error
        except NobodyThere as error:
            raise Unreachable(str(error)) from error
        except Refused as error:
            raise Rejected(str(error)) from error
        except TelegramDown as error:
            raise NotSent(str(error)) from error
        return sent.message_id


def _method(chat_id: int, message: Message) -> Method[Sent]:
    markup = _markup(message.buttons)
    if message.document is None:
        return SendMessage(chat_id, message.text, markup, protect_content=message.protect)
    file = InputFile(message.document.name, message.document.content)
    return SendDocument(chat_id, file, message.text, markup, protect_content=message.protect)


def _markup(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup([[_button(button)] for button in buttons]) if buttons else None


def _button(button: Button) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(button.copy))
    return InlineKeyboardButton(text=button.text, web_app=WebAppInfo(button.url))
