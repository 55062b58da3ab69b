"""A course whose first lesson has a required assignment and whose second an optional one; its teachers and students."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from backend.assignments.service import AssignmentsServices
from backend.assignments.types import Submission, Upload
from backend.courses.types import LessonId
from backend.courses.types.access import Progress
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import (
    add_course,
    add_teacher,
    course_services,
    enrolments_of,
    open_lessons,
    tariffs_of,
)
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
FIRST, SECOND, PLAIN = "walk", "page", "plain"


class Desk:
    """The services of assignments, and what tests do with them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, folder: Path, clock: FakeClock) -> None:
        self.uow = uow
        self.clock = clock
        self.folder = folder
        self.school = course_services(uow)
        self.ring = ring
        self.services = self.build()
        self.taps = 0
        self.chat_files: dict[str, bytes] = {}

    def build(self) -> AssignmentsServices:
        """The services, as another process has them, too."""
        return AssignmentsServices.build(
            uow=self.uow,
            ring=self.ring,
            files=PrivateFiles(self.folder / "private"),
            chat_files=self,
            archived=PrivateFiles(self.folder / "archive"),
            archive_after=lambda: timedelta(days=365),
        )

    def stored(self, where: str = "") -> list[bytes]:
        """The files that are stored, of all or in ``private`` or ``archive``."""
        return [path.read_bytes() for path in sorted((self.folder / where).rglob("*")) if path.is_file()]

    async def download(self, file_id: str, largest: int) -> bytes | None:
        """What students send in the chat, by its id; None for what is too large."""
        data = self.chat_files[file_id]
        return data if len(data) <= largest else None

    async def open(self) -> Desk:
        """The course, on sale; its plans are basic, feedback and premium."""
        self.teacher = await add_teacher(self.uow)
        self.course_id = await add_course(self.uow, self.teacher)
        self.lessons: dict[str, LessonId] = {}
        for slug, assignment, required in ((FIRST, "Walk for ten minutes.", True), (SECOND, "Write.", False)):
            await self.add_lesson(slug, assignment, required=required)
        await self.add_lesson(PLAIN, "")
        return self

    async def add_lesson(self, slug: str, assignment: str, *, required: bool = True) -> None:
        texts = {Locale.EN: EditedText(slug.title(), "Read it.", assignment)}
        fields = LessonFields(slug=slug, assignment_required=required, texts=texts)
        self.lessons[slug] = await self.school.editing.add(self.teacher, self.course_id, fields)

    async def student(self, plan: str = "feedback") -> Actor:
        """Somebody with a plan, to whom all lessons are open."""
        (person,) = await buyers(self.uow, 1, 0)
        tariff = (await tariffs_of(self.uow, self.teacher, self.course_id))[plan]
        await self.school.students.gift(self.teacher, person.id, tariff.id, "for the test")
        (enrolment,) = await enrolments_of(self.uow, person)
        async with self.uow() as tx:
            await tx.execute(text("DELETE FROM lesson_deliveries WHERE enrolment_id = :id"), {"id": enrolment})
            now = tx.now
        await open_lessons(self.uow, enrolment, list(self.lessons.values()), now)
        return person

    async def submit(self, student: Actor, text: str = "Done.", *files: Upload, lesson: str = FIRST) -> Submission:
        self.taps += 1
        return await self.services.submitting.submit(
            student, "calm", lesson, text, files, intent=f"intent-{self.taps:06}"
        )

    async def ask(self, student: Actor, text: str = "Why?", **how: Any) -> Submission:
        self.taps += 1
        return await self.services.submitting.ask(
            student, "calm", PLAIN, text, (), intent=f"intent-{self.taps:06}", **how
        )

    async def sent(self, student: Actor, lesson: str, message_id: int, earlier: Sequence[int] = ()) -> None:
        """The lesson came to the student's chat in these messages."""
        (enrolment,) = await enrolments_of(self.uow, student)
        row = {"enrolment": enrolment, "lesson": self.lessons[lesson], "chat": student.telegram_id, "id": message_id}
        sql = "UPDATE lesson_deliveries SET chat_id = :chat, message_id = :id, part_ids = :earlier"
        async with self.uow() as tx:
            where = " WHERE enrolment_id = :enrolment AND lesson_id = :lesson"
            await tx.execute(text(sql + where), {**row, "earlier": list(earlier)})

    async def progress(self, student: Actor) -> Progress:
        (mine,) = await self.school.learning.mine(student)
        return mine.progress

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.uow.read() as tx:
            return list((await tx.execute(text(sql), values)).all())

    async def events(self, name: str) -> list[Any]:
        """The payloads of the jobs that this event has started."""
        rows = await self.rows("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY id", task=name)
        return [row.payload for row in rows]
