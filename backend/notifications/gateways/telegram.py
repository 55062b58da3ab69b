"""Sends notifications with Telegram's Bot API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from backend.infra.telegram.client import InputFile, Method, Telegram
from backend.infra.telegram.errors import ChatMoved, NotModified, Refused, TelegramDown, TooManyRequests
from backend.infra.telegram.errors import Unreachable as NobodyThere
from backend.infra.telegram.methods import (
    CopyMessage,
    CopyTextButton,
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    SendDocument,
    SendMessage,
    SendPhoto,
    WebAppInfo,
)
from backend.infra.telegram.methods import Message as Sent
from backend.infra.telegram.pace import Priority
from backend.notifications.errors import NotSent, Rejected, SlowDown, Unreachable
from backend.notifications.types import Button, Document, Message

_PATIENCE_SECONDS = {Priority.ANSWERS: 1.5}
_LEAST_PATIENCE_SECONDS = 0.2
T = TypeVar("T")


class TelegramMessenger:
    """Sends messages as the shop's bot, within Telegram's limits."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def turn(self, chat_id: int, ticket: str, priority: Priority) -> None:
        """Wait until sending is within the limits. Raises SlowDown when that takes longer than a moment."""
        patience = _PATIENCE_SECONDS.get(priority, _LEAST_PATIENCE_SECONDS)
        with _as_ours():
            await self._telegram.turn(chat_id, priority, patience=patience, ticket=ticket)

    async def send(self, chat_id: int, message: Message) -> int:
        """Send the message; returns its id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        calls = _Turn(self._telegram)
        with _as_ours():
            try:
                return await _send(calls, chat_id, message)
            except ChatMoved as moved:
                return await _send(calls, moved.chat_id, message)

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Replace the text and the buttons of a sent message. Raises Unreachable, SlowDown, Rejected, NotSent."""
        markup = _markup(message.buttons)
        calls = _Turn(self._telegram)
        with _as_ours(), suppress(NotModified):
            if message.original is not None:
                await calls.call(EditMessageReplyMarkup(chat_id, message_id, markup))
            elif message.document is not None:
                await calls.call(EditMessageCaption(chat_id, message_id, message.text, markup))
            else:
                await calls.call(EditMessageText(chat_id, message_id, message.text, markup))


class _Turn:
    """The calls for one message: the first one has the turn that was waited for, another waits for its own."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._has_turn = True

    async def call(self, method: Method[T]) -> T:
        """Make one call."""
        has_turn, self._has_turn = self._has_turn, False
        return await self._telegram.call(method, has_turn=has_turn)


async def _send(calls: _Turn, chat_id: int, message: Message) -> int:
    if message.original is not None:
        markup = _markup(message.buttons)
        copy = CopyMessage(chat_id, message.original.chat_id, message.original.message_id, markup)
        try:
            return (await calls.call(copy)).message_id
        except (NobodyThere, ChatMoved):
            raise
        except Refused:  # deleted since, or of a kind that bots may not copy
            if not message.text:
                raise
    if message.document is not None and message.document.picture:
        with suppress(RefusedPicture):
            return await _picture(calls, chat_id, message, message.document)
    return (await calls.call(_method(chat_id, message))).message_id


async def _picture(calls: _Turn, chat_id: int, message: Message, picture: Document) -> int:
    file, markup = InputFile(picture.name, picture.content), _markup(message.buttons)
    try:
        sent = await calls.call(SendPhoto(chat_id, file, message.text, markup, protect_content=message.protect))
    except (NobodyThere, ChatMoved):
        raise
    except Refused as error:  # not all pictures are photos to Telegram: their sides and their size have limits
        raise RefusedPicture from error
    return sent.message_id


@contextmanager
def _as_ours() -> Iterator[None]:
    """Turn Telegram's errors into those of the port."""
    try:
        yield
    except TooManyRequests as error:
        raise SlowDown(error.seconds) from error
    except NobodyThere as error:
        raise Unreachable(str(error)) from error
    except Refused as error:
        raise Rejected(str(error)) from error
    except TelegramDown as error:
        raise NotSent(str(error)) from error


class RefusedPicture(Exception):
    """Telegram accepts this picture only as a file."""


def _method(chat_id: int, message: Message) -> Method[Sent]:
    markup = _markup(message.buttons)
    if message.document is None:
        return SendMessage(chat_id, message.text, markup, protect_content=message.protect)
    file = InputFile(message.document.name, message.document.content)
    return SendDocument(chat_id, file, message.text, markup, protect_content=message.protect)


def _markup(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    rows: list[list[InlineKeyboardButton]] = []
    for button in buttons:
        if button.beside and rows:
            rows[-1].append(_button(button))
        else:
            rows.append([_button(button)])
    return InlineKeyboardMarkup(rows) if rows else None


def _button(button: Button) -> InlineKeyboardButton:
    if button.copy:
        return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(button.copy))
    if button.link:
        return InlineKeyboardButton(text=button.text, url=button.link)
    if button.callback:
        return InlineKeyboardButton(text=button.text, callback_data=button.callback)
    return InlineKeyboardButton(text=button.text, web_app=WebAppInfo(button.url))
