"""Students get pictures without metadata, exactly as they look; authors get their own files again."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from backend.courses.repository import media
from backend.courses.service import ChatFiles
from backend.courses.types import CourseId
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Actor
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import add_course, add_teacher, course_services
from tests.factories.pictures import PICTURES


class Desk:
    """A teacher's course with an empty folder for its files."""

    def __init__(self, uow: UnitOfWork, folder: Path) -> None:
        self.uow = uow
        self.files = ContentFiles(folder / "files")
        self.school = course_services(uow, folder / "files")

    async def open(self) -> Desk:
        """Store the course, and upload a picture of a phone."""
        self.teacher: Actor = await add_teacher(self.uow)
        self.course: CourseId = await add_course(self.uow, self.teacher)
        fields = LessonFields(slug="one", texts={Locale.EN: EditedText("One", "Text.")})
        self.lesson = await self.school.editing.add(self.teacher, self.course, fields)
        self.mime, self.photo, self.clean = PICTURES["a JPEG of a phone"]
        source = io.BytesIO(self.photo)
        await self.school.editing.upload(self.teacher, self.course, "sea.jpg", source, len(self.photo))
        (self.file,) = await self.school.editing.list_files(self.teacher, self.course)
        return self

    async def served(self) -> bytes:
        """What a reader of the lesson gets, by the size that is announced."""
        shown = await self.school.lessons.file(self.teacher, self.lesson, self.file.id)
        assert shown.size == len(await self.files.get(shown.stored))
        return b"".join([part async for part in self.files.read(shown.stored, 0, shown.size)])

    async def sent(self) -> bytes:
        """What is uploaded to the chat."""
        chat = ChatFiles(uow=self.uow, files=self.files, bot_id=1)
        file = await chat.find(self.file.id)
        assert file is not None
        return await chat.read(file)


async def test_students_get_the_copy_and_the_author_the_file(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open()
    assert await desk.served() == await desk.sent() == desk.clean
    await desk.school.authoring.export_folder(desk.teacher, "calm", tmp_path / "calm")
    assert (tmp_path / "calm" / "media" / "sea.jpg").read_bytes() == desk.photo
    async with uow() as tx:
        await media.delete_files(tx, [desk.file.id])
    report = await desk.school.authoring.import_folder(desk.teacher, tmp_path / "calm", apply=True)
    assert report.applied and "media/sea.jpg" in {item.ref for item in report.changes}
    (desk.file,) = await desk.school.editing.list_files(desk.teacher, desk.course)
    assert (desk.file.size, await desk.served()) == (len(desk.photo), desk.clean)
    async with uow.read() as tx:
        used, later = await media.list_contents(tx), tx.now + timedelta(days=400)
    assert len(used) == 2
    await desk.files.delete_others(used, later)
    assert await desk.served() == desk.clean


async def test_a_picture_from_before_gets_its_copy_when_it_is_needed(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open()
    for read in (desk.served, desk.sent):
        async with uow() as tx:
            await tx.execute(text("UPDATE lesson_media SET shown = NULL, shown_size = NULL"))
        assert await read() == desk.clean
        async with uow.read() as tx:
            item = await media.find_file(tx, desk.file.id)
        assert item is not None and item.content.shown_size == len(desk.clean)
