"""Lessons for the chat: rendered once for all who get them, their files sent by Telegram's own id of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from backend.courses.repository import lessons, media
from backend.courses.rules.messages import render_chat
from backend.courses.service.shown_files import lacks_copy, shown_of
from backend.courses.types import CourseId, LessonId, MediaId
from backend.courses.types.lessons import ChatFile, ChatPart
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale

_RENDERED: Final = 128


class ChatTexts:
    """The lessons that were sent last, as messages: each version in each language is rendered once in a process."""

    def __init__(self) -> None:
        self._parts: OrderedDict[tuple[LessonId, Locale, int], tuple[ChatPart, ...]] = OrderedDict()

    async def get(
        self, tx: Tx, course_id: CourseId, lesson_id: LessonId, version: int, locale: Locale
    ) -> tuple[ChatPart, ...]:
        """A lesson as messages; none for a lesson without a text."""
        key = (lesson_id, locale, version)
        if key not in self._parts:
            text = await lessons.find_text(tx, lesson_id, locale)
            files = {path: item.file for path, item in (await media.list_files(tx, course_id)).items()}
            self._parts[key] = tuple(render_chat(text.title, text.body, files)) if text else ()
            while len(self._parts) > _RENDERED:
                self._parts.popitem(last=False)
        self._parts.move_to_end(key)
        return self._parts[key]


class ChatFiles:
    """What the chat's messenger knows of files. ``bot_id`` is the bot that sends: another's ids are no use to it."""

    def __init__(self, *, uow: UnitOfWork, files: ContentFiles, bot_id: int) -> None:
        self._uow = uow
        self._files = files
        self._bot_id = bot_id

    async def find(self, media_id: MediaId) -> ChatFile | None:
        """A file, with Telegram's id of it where this bot has sent it before; None where it was deleted."""
        async with self._uow.read() as tx:
            item = await media.find_file(tx, media_id)
        if item is None:
            return None
        # Where the copy is lacking, what Telegram knows is the author's file.
        known = item.file_id if item.bot_id == self._bot_id and not lacks_copy(item) else None
        return ChatFile(file=item.file, stored=item.content.stored, file_id=known)

    async def read(self, file: ChatFile) -> bytes:
        """What is in a file, to upload it, as students get it. Raises NotFound."""
        async with self._uow.read() as tx:
            item = await media.find_file(tx, file.file.id)
        if item is None:
            raise NotFound("no such file")
        stored, _ = await shown_of(self._uow, self._files, item)
        return await self._files.get(stored)

    async def sent(self, file: ChatFile, file_id: str) -> None:
        """Note Telegram's id of a file that was uploaded."""
        async with self._uow() as tx:
            await media.set_sent(tx, file.file.id, file.stored, file_id, self._bot_id)
