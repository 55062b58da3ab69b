"""What an author uploads to a lesson, and what students and the author get of it."""

from __future__ import annotations

import io
from pathlib import Path

from sqlalchemy import text

from backend.courses.service import ChatFiles
from backend.courses.types import CourseId
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Actor
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import add_course, add_teacher, course_services


class Desk:
    """A teacher's course with an empty folder for its files."""

    def __init__(self, uow: UnitOfWork, folder: Path) -> None:
        self.uow = uow
        self.files = ContentFiles(folder / "files")
        self.school = course_services(uow, folder / "files")
        self.chat = ChatFiles(uow=uow, files=self.files, bot_id=1)

    async def open(self, name: str, data: bytes) -> Desk:
        """Store the course, and upload a file."""
        self.teacher: Actor = await add_teacher(self.uow)
        self.course: CourseId = await add_course(self.uow, self.teacher)
        fields = LessonFields(slug="one", texts={Locale.EN: EditedText("One", "Text.")})
        self.lesson = await self.school.editing.add(self.teacher, self.course, fields)
        await self.school.editing.upload(self.teacher, self.course, name, io.BytesIO(data), len(data))
        (self.file,) = await self.school.editing.list_files(self.teacher, self.course)
        return self

    async def served(self) -> bytes:
        """What a reader of the lesson gets, by the size that is announced."""
        shown = await self.school.lessons.file(self.teacher, self.lesson, self.file.id)
        assert shown.size == len(await self.files.get(shown.stored))
        return b"".join([part async for part in self.files.read(shown.stored, 0, shown.size)])

    async def sent(self) -> bytes:
        """What is uploaded to the chat."""
        file = await self.chat.find(self.file.id)
        assert file is not None
        return await self.chat.read(file)

    async def forget_copy(self) -> None:
        """Have the file be from before there were copies."""
        async with self.uow() as tx:
            await tx.execute(text("UPDATE lesson_media SET shown = NULL, shown_size = NULL"))

    async def exported(self, folder: Path) -> bytes:
        """What the author gets."""
        await self.school.authoring.export_folder(self.teacher, "calm", folder)
        return (folder / self.file.path).read_bytes()
