"""Students get videos without place and time, in parts too; authors get their own files again."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

from backend.courses.rules.mp4 import list_telling
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.author_desk import Desk
from tests.factories.videos import FILM, VIDEOS, from_phone

VIDEO, CLEAN = VIDEOS["of a phone"]


async def test_students_get_the_copy_and_the_author_the_file(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open("walk.mov", VIDEO)
    assert await desk.served() == await desk.sent() == CLEAN != VIDEO
    assert await desk.exported(tmp_path / "calm") == VIDEO
    shown = await desk.school.lessons.file(desk.teacher, desk.lesson, desk.file.id)
    part = [piece async for piece in desk.files.read(shown.stored, VIDEO.index(FILM), len(FILM))]
    assert b"".join(part) == FILM


async def test_a_video_from_before_gets_its_copy_and_is_sent_again(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open("walk.mov", VIDEO)
    for read in (desk.served, desk.sent):
        file = await desk.chat.find(desk.file.id)
        assert file is not None and file.file_id is None
        await desk.chat.sent(file, "before")
        await desk.forget_copy()
        unsent = await desk.chat.find(desk.file.id)
        assert unsent is not None and unsent.file_id is None
        assert await read() == CLEAN
    file = await desk.chat.find(desk.file.id)
    assert file is not None and file.file_id is None
    await desk.chat.sent(file, "now")
    sent = await desk.chat.find(desk.file.id)
    assert sent is not None and sent.file_id == "now"


async def test_a_large_video_is_never_whole_in_memory(tmp_path: Path) -> None:
    files = ContentFiles(tmp_path)
    with tempfile.TemporaryFile(dir=tmp_path) as source:
        video, clean = from_phone(bytes(32_000_000))
        source.write(video)
        name = await files.put(source)
        del video
        tracemalloc.start()
        shown = await files.overwritten(name, list_telling)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 4_000_000
    assert await files.get(shown) == clean
    assert await files.overwritten(shown, list_telling) == shown
