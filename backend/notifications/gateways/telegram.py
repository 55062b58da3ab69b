"""Sends notifications with Telegram's Bot API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import structlog

from backend.infra.picture_maker import chat_name
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
    MediaMessage,
    SendDocument,
    SendMessage,
    SendPhoto,
    WebAppInfo,
)
from backend.infra.telegram.methods import Message as Sent
from backend.infra.telegram.pace import Priority
from backend.notifications.errors import NotSent, Rejected, SlowDown, Unreachable
from backend.notifications.messages import visible_length
from backend.notifications.ports import Pictures
from backend.notifications.types import Button, Message

_PATIENCE_SECONDS = {Priority.ANSWERS: 1.5}
_LEAST_PATIENCE_SECONDS = 0.2
_LONGEST_CAPTION: Final = 1024
_OTHER_KIND: Final = ("there is no text in the message", "there is no caption in the message")
"""Telegram's words (400) for an edit of a picture's caption as a text, or the other way round."""
log = structlog.get_logger(__name__)
T = TypeVar("T")


class TelegramMessenger:
    """Sends messages as the shop's bot, within Telegram's limits. ``pictures`` are those that messages name."""

    def __init__(self, telegram: Telegram, pictures: Pictures) -> None:
        self._telegram = telegram
        self._pictures = pictures

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
                return await self._send(calls, chat_id, message)
            except ChatMoved as moved:
                return await self._send(calls, moved.chat_id, message)

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
                await _edit_text(calls, chat_id, message_id, message)

    async def _send(self, calls: _Turn, chat_id: int, message: Message) -> int:
        if message.picture is not None and visible_length(message.text) <= _LONGEST_CAPTION:
            name = chat_name(message.picture)
            sent = await self._send_stored(calls, chat_id, message, name) if name else None
            if sent is not None:
                return sent
        return await _send(calls, chat_id, message)

    async def _send_stored(self, calls: _Turn, chat_id: int, message: Message, name: str) -> int | None:
        """Send the stored picture by Telegram's id of it, else as an upload; None where it has to be a text."""
        file_id = await self._pictures.find(name)
        if file_id is not None:
            with suppress(RefusedPicture):
                return (await _photo(calls, chat_id, message, file_id)).message_id
            log.warning("notifications.file_id_refused", picture=name)
            # At once, so that an attempt that is interrupted here is not refused again.
            await self._pictures.refused(name, file_id)
        content = await self._pictures.read(name)
        if content is None:
            return None
        try:
            sent = await _photo(calls, chat_id, message, InputFile(name, content))
        except RefusedPicture as error:
            log.warning("notifications.picture_refused", picture=name, error=str(error.__cause__))
            return None
        if sent.file_id is not None:
            await self._keep(name, sent.file_id)
        return sent.message_id

    async def _keep(self, name: str, file_id: str) -> None:
        try:
            await self._pictures.sent(name, file_id)
        except Exception:  # the message has arrived: without the id the next one is an upload, with an error sent twice
            log.exception("notifications.file_id_not_kept", picture=name)


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
            file = InputFile(message.document.name, message.document.content)
            return (await _photo(calls, chat_id, message, file)).message_id
    return (await calls.call(_method(chat_id, message))).message_id


async def _photo(calls: _Turn, chat_id: int, message: Message, photo: InputFile | str) -> MediaMessage:
    """Send the message below a picture. Raises RefusedPicture."""
    markup = _markup(message.buttons)
    try:
        return await calls.call(SendPhoto(chat_id, photo, message.text, markup, protect_content=message.protect))
    except (NobodyThere, ChatMoved):
        raise
    except Refused as error:  # not all pictures are photos to Telegram: their sides and their size have limits
        raise RefusedPicture from error


async def _edit_text(calls: _Turn, chat_id: int, message_id: int, message: Message) -> None:
    """Edit the text, or the caption where the message stands below a picture in the chat.

    A product may have got or lost its picture since, and Telegram may have refused it: what is there is asked first as
    it would be sent now, then as the other.
    """
    markup = _markup(message.buttons)
    edits: list[Method[Sent]] = [
        EditMessageText(chat_id, message_id, message.text, markup),
        EditMessageCaption(chat_id, message_id, message.text, markup),
    ]
    likely, other = edits[::-1] if message.picture is not None else edits
    try:
        await calls.call(likely)
    except Refused as error:
        if not any(sign in str(error) for sign in _OTHER_KIND):
            raise
        await calls.call(other)


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
    """Telegram does not take this as a picture."""


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
