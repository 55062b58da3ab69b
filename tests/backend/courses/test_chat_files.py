"""Files of lessons in the chat: uploaded once for each bot, then sent by Telegram's id; no file ends a lesson."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backend.courses.gateways.telegram import TelegramLessons
from backend.courses.repository import media
from backend.courses.rules.messages import render_chat
from backend.courses.service import ChatFiles
from backend.courses.types import MediaKind
from backend.courses.types.lessons import ChatPart, MediaFile
from backend.courses.types.schedule import LessonMessage
from backend.infra.content_files import ContentFiles
from backend.infra.telegram.client import InputFile
from backend.infra.telegram.errors import Refused, Unreachable
from backend.infra.telegram.methods import MediaMessage, SendMessage, SendPhoto, SendVideo, TelegramFile
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.texts import FILES, file
from tests.factories.courses import add_course, add_teacher


class Api:
    """Telegram, as far as sending goes: files get ids of the bot's own, others are refused."""

    def __init__(self, bot: str = "bot1") -> None:
        self.bot = bot
        self.calls: list[Any] = []
        self.refused: type[Exception] | None = None

    async def turn(self, *_: Any, **__: Any) -> None:
        """At once."""

    async def call(self, method: Any, **_: Any) -> MediaMessage:
        """Note a call."""
        content = getattr(method, "video", None) or getattr(method, "photo", None) or getattr(method, "document", None)
        self.calls.append(method)
        await asyncio.sleep(0)
        if content is not None and self.refused is not None:
            raise self.refused("no")
        if isinstance(content, str) and not content.startswith(self.bot):
            raise Refused("wrong file identifier")
        known = TelegramFile(f"{self.bot}-{len(self.calls)}")
        if isinstance(method, SendPhoto):
            return MediaMessage(len(self.calls), photo=[TelegramFile("small"), known])
        return MediaMessage(len(self.calls), video=known, document=known)

    def contents(self) -> list[str]:
        """What was sent of each call: an id, "upload", or a text."""
        shown = []
        for method in self.calls:
            content = getattr(method, "video", None) or getattr(method, "photo", None) or getattr(method, "text", None)
            shown.append("upload" if isinstance(content, InputFile) else content)
        return shown


class Desk:
    """A video of a course, and messengers of two bots."""

    def __init__(self, uow: UnitOfWork, folder: Path) -> None:
        self.uow = uow
        self.files = ContentFiles(folder)

    async def furnish(self) -> Desk:
        """Store the video."""
        course = await add_course(self.uow, await add_teacher(self.uow))
        stored = await self.files.put(io.BytesIO(b"video"))
        values = {"path": "media/a.mp4", "kind": MediaKind.VIDEO, "mime": "video/mp4", "size": 5}
        async with self.uow() as tx:
            content = media.Content(stored, stored, values["size"])
            id_ = await media.add(tx, course, {**values, **content.columns})
        self.video = MediaFile(id=id_, path="media/a.mp4", kind=MediaKind.VIDEO, mime="video/mp4", size=5)
        return self

    def bot(self, api: Api, bot_id: int = 1) -> TelegramLessons:
        """A messenger."""
        return TelegramLessons(api, ChatFiles(uow=self.uow, files=self.files, bot_id=bot_id))  # type: ignore[arg-type]

    def message(self, html: str = "Watch") -> LessonMessage:
        """A text, then the video."""
        return LessonMessage(
            parts=(ChatPart("Text"), ChatPart(html, self.video)), button="Open", url="https://x.example"
        )


@pytest.fixture
async def desk(uow: UnitOfWork, tmp_path: Path) -> Desk:
    """A course with a video."""
    return await Desk(uow, tmp_path).furnish()


async def test_a_file_is_uploaded_once_and_protected(desk: Desk) -> None:
    api = Api()
    bot = desk.bot(api)
    assert await bot.send(5, desk.message()) == 2
    await desk.bot(api).send(6, desk.message())
    assert api.contents() == ["Text", "upload", "Text", "bot1-2"]
    first = api.calls[1]
    assert isinstance(first, SendVideo) and isinstance(first.video, InputFile)
    assert (first.video.content, first.protect_content, first.caption, first.supports_streaming) == (
        b"video", True, "Watch", True
    )  # fmt: skip
    assert first.reply_markup is not None and api.calls[0].reply_markup is None


async def test_the_parts_that_have_arrived_are_not_sent_again(desk: Desk) -> None:
    api = Api()
    noted: list[tuple[int, int]] = []

    async def arrived(count: int, message_id: int) -> None:
        noted.append((count, message_id))

    message = replace(desk.message(), parts=(ChatPart("One"), ChatPart("Two"), ChatPart("Three")))
    await desk.bot(api).send(5, message, arrived=arrived)
    assert api.contents() == ["One", "Two", "Three"]
    assert [count for count, _ in noted] == [1, 2]
    await desk.bot(api).send(5, message, skip=1, arrived=arrived)
    assert api.contents()[3:] == ["Two", "Three"]
    assert [count for count, _ in noted[2:]] == [2]
    await desk.bot(api).send(5, message, skip=2)
    assert api.contents()[5:] == ["Three"] and api.calls[-1].reply_markup is not None


async def test_many_students_at_once_cause_one_upload(desk: Desk) -> None:
    api = Api()
    bot = desk.bot(api)
    await asyncio.gather(*(bot.send(chat, desk.message()) for chat in range(5)))
    assert api.contents().count("upload") == 1


async def test_another_bot_uploads_the_original_again(desk: Desk) -> None:
    await desk.bot(Api()).send(5, desk.message())
    api = Api("bot2")
    bot = desk.bot(api, bot_id=2)
    await bot.send(5, desk.message())
    await bot.send(5, desk.message())
    assert api.contents() == ["Text", "upload", "Text", "bot2-2"]


async def test_an_id_that_telegram_no_longer_knows_is_replaced(desk: Desk) -> None:
    async with desk.uow() as tx:
        item = await media.find_file(tx, desk.video.id)
        assert item is not None
        await media.set_sent(tx, desk.video.id, item.content.stored, "gone", 1)
    api = Api()
    await desk.bot(api).send(5, desk.message())
    assert api.contents() == ["Text", "gone", "upload"]
    await desk.bot(api).send(5, desk.message())
    assert api.contents()[3:] == ["Text", "bot1-3"]


async def test_a_file_that_telegram_refuses_leaves_the_lesson_whole(desk: Desk) -> None:
    api = Api()
    api.refused = Refused
    await desk.bot(api).send(5, desk.message())
    await desk.bot(api).send(5, desk.message(""))
    texts = [method for method in api.calls if isinstance(method, SendMessage)]
    assert [method.text for method in texts] == ["Text", "Watch", "Text", "a.mp4"]
    assert texts[1].reply_markup is not None
    api.refused = Unreachable
    with pytest.raises(Unreachable):
        await desk.bot(api).send(5, desk.message())


async def test_a_file_that_is_gone_leaves_the_lesson_whole(desk: Desk) -> None:
    async with desk.uow() as tx:
        await media.delete_files(tx, [desk.video.id])
    api = Api()
    await desk.bot(api).send(5, desk.message())
    assert api.contents() == ["Text", "Watch"]


def test_what_a_bot_cannot_send_is_on_the_page_only() -> None:
    large = replace(file(9, "media/long.mp4", MediaKind.VIDEO, "video/mp4"), size=60_000_000)
    files = {**FILES, large.path: large}
    (part,) = render_chat("Day", '![x](media/long.mp4 "Watch in the app")\n\nText', files)
    assert part == ChatPart("<b>Day</b>\n\nWatch in the app\n\nText")
    (part,) = render_chat("Day", "![x](media/long.mp4)", files)
    assert part == ChatPart("<b>Day</b>")
