"""Sends lessons with Telegram's Bot API."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

import structlog

from backend.courses.ports import Arrived, LessonFiles, nobody
from backend.courses.types import MediaId
from backend.courses.types.lessons import ChatFile, ChatPart
from backend.courses.types.schedule import LessonMessage
from backend.infra.telegram.client import InputFile, Method, Telegram
from backend.infra.telegram.errors import ChatMoved, Refused, Unreachable
from backend.infra.telegram.methods import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MediaMessage,
    SendAudio,
    SendDocument,
    SendMessage,
    SendPhoto,
    SendVideo,
    WebAppInfo,
)
from backend.infra.telegram.pace import Priority
from backend.kernel.errors import NotFound

_UPLOAD_SECONDS: Final = 60.0
"""50 MB in half of a lease; afterwards Telegram has the file."""
log = structlog.get_logger(__name__)

Markup = InlineKeyboardMarkup | None


class TelegramLessons:
    """Sends lessons as the shop's bot; nobody can forward them. ``files`` are those of lessons."""

    def __init__(self, telegram: Telegram, files: LessonFiles) -> None:
        self._telegram = telegram
        self._files = files
        self._uploads: WeakValueDictionary[MediaId, asyncio.Lock] = WeakValueDictionary()

    async def turn(self, chat_id: int, patience: float) -> None:
        """Wait until a lesson is within Telegram's limits. Raises TooManyRequests when that takes longer."""
        await self._telegram.turn(chat_id, Priority.LESSONS, patience=patience)

    async def send(self, chat_id: int, message: LessonMessage, *, skip: int = 0, arrived: Arrived = nobody) -> int:
        """Send the message from the part after ``skip``, the button below its last part; the last part's id."""
        buttons = [[InlineKeyboardButton(text=message.button, web_app=WebAppInfo(message.url))]]
        if message.quiz_url:
            buttons.append([InlineKeyboardButton(text=message.quiz_button, web_app=WebAppInfo(message.quiz_url))])
        if message.callback:
            buttons.append([InlineKeyboardButton(text=message.callback_button, callback_data=message.callback)])
        for number, part in enumerate(message.parts[skip:-1], start=skip + 1):
            has_turn = number == skip + 1
            sent = await self._send_part(chat_id, part, None, protect=message.protect, has_turn=has_turn)
            await arrived(number, sent)
        has_turn = skip + 1 >= len(message.parts)
        below = InlineKeyboardMarkup(buttons)
        return await self._send_part(chat_id, message.parts[-1], below, protect=message.protect, has_turn=has_turn)

    async def _send_part(self, chat_id: int, part: ChatPart, markup: Markup, *, protect: bool, has_turn: bool) -> int:
        text = part.html
        if part.file is not None:
            file = await self._files.find(part.file.id)
            if file is not None:
                message_id = await self._send_file(chat_id, part, file, markup, protect=protect, has_turn=has_turn)
                if message_id is not None:
                    return message_id
                has_turn = False
            # What Telegram does not take is on the page; its place in the chat has its name.
            text = text or html.escape(part.file.name)
        method = SendMessage(chat_id, text, markup, protect_content=protect)
        return (await self._telegram.call(method, priority=Priority.LESSONS, has_turn=has_turn)).message_id

    async def _send_file(
        self, chat_id: int, part: ChatPart, file: ChatFile, markup: Markup, *, protect: bool, has_turn: bool
    ) -> int | None:
        """Send a file by Telegram's id of it, else as an upload; None where Telegram refuses it."""

        def method(content: InputFile | str) -> Method[MediaMessage]:
            return _METHODS.get(file.file.mime, SendDocument)(
                chat_id, content, part.html, markup, protect_content=protect
            )

        if file.file_id is not None:
            try:
                sent = await self._telegram.call(method(file.file_id), priority=Priority.LESSONS, has_turn=has_turn)
            except Refused as error:
                if _is_final(error):
                    raise
                log.warning("lessons.file_id_refused", media=str(file.file.id), error=str(error))
                has_turn = False
            else:
                return sent.message_id
        return await self._upload(method, file, has_turn=has_turn)

    async def _upload(
        self, method: Callable[[InputFile | str], Method[MediaMessage]], file: ChatFile, *, has_turn: bool
    ) -> int | None:
        # One upload at a time of a file: the others then send it by its id.
        lock = self._uploads.setdefault(file.file.id, asyncio.Lock())
        async with lock:
            again = await self._files.find(file.file.id)
            if again is not None and again.file_id is not None and again.file_id != file.file_id:
                content: InputFile | str = again.file_id
            else:
                try:
                    content = InputFile(file.file.name, await self._files.read(file))
                except NotFound:
                    log.error("lessons.file_missing", media=str(file.file.id), stored=file.stored)
                    return None
            try:
                sent = await self._telegram.call(
                    method(content), seconds=_UPLOAD_SECONDS, priority=Priority.LESSONS, has_turn=has_turn
                )
            except Refused as error:
                if _is_final(error):
                    raise
                log.error("lessons.file_refused", media=str(file.file.id), error=str(error))
                return None
            if isinstance(content, InputFile) and sent.file_id is not None:
                await self._files.sent(file, sent.file_id)
        return sent.message_id


def _is_final(error: Refused) -> bool:
    """Whether the chat refuses everything, not just this file."""
    return isinstance(error, Unreachable | ChatMoved)


_METHODS: Final[dict[str, Callable[..., Method[MediaMessage]]]] = {
    "image/png": SendPhoto,
    "image/jpeg": SendPhoto,
    "image/webp": SendPhoto,
    "video/mp4": SendVideo,
    "audio/mpeg": SendAudio,
    "audio/mp4": SendAudio,
}
