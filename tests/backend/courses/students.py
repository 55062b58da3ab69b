"""Students of a course by the thousand, a chat that remembers, and time that passes; for tests of the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text, update

from backend.courses.domain import schedule
from backend.courses.models import Course, CourseGrant, CourseRun, Enrolment
from backend.courses.models.lessons import Lesson, LessonProgress, LessonText
from backend.courses.service.sending import SendingService
from backend.courses.types import CourseId, EnrolmentId, LessonId, ScheduleMode
from backend.identity.models import User
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import UserId, new_id
from tests.fakes.chat import Chat

START = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
"""A Monday morning."""


class School:
    """One course and its students. What a sale would set up is inserted as it is: here it is about time."""

    def __init__(self, uow: UnitOfWork, clock: Any, first_chat: int = 1000) -> None:
        self.uow, self.clock, self.first_chat = uow, clock, first_chat
        self.chat = Chat(clock)
        self.sending = self.worker()
        self.course_id, self.run_id = CourseId(new_id()), new_id()
        self.lessons: list[LessonId] = []
        self.students: list[EnrolmentId] = []
        self.chats: dict[EnrolmentId, int] = {}

    def worker(self, at_once: int = 10) -> SendingService:
        """One more process that sends to the same chats."""
        return SendingService(uow=self.uow, messenger=self.chat, public_url="https://souk.example", at_once=at_once)

    async def course(
        self, mode: ScheduleMode = ScheduleMode.LOCAL_HOUR, lessons: int = 5, starts_on: date | None = None,
        **fields: Any,
    ) -> None:  # fmt: skip
        """A course whose lessons are called l1, l2, …"""
        values: dict[str, Any] = {
            "id": self.course_id, "slug": "calm", "product_id": new_id(), "state": "published", "mode": mode.value,
            "timezone": "UTC", "created_at": self.clock.now(), "local_minute": 600, **fields,
        }  # fmt: skip
        run = {
            "id": self.run_id, "course_id": self.course_id, "number": 1, "opened_at": self.clock.now(),
            "starts_on": starts_on, "timezone": "Europe/Berlin" if starts_on else None,
        }  # fmt: skip
        async with self.uow() as tx:
            await unchecked(tx, True)
            await tx.execute(insert(Course), [values])
            await tx.execute(insert(CourseRun), [run])
            await unchecked(tx, False)
        for number in range(1, lessons + 1):
            await self.add_lesson(f"l{number}", number)

    async def add_lesson(self, slug: str, position: int, **fields: Any) -> LessonId:
        lesson_id = LessonId(new_id())
        row = {"id": lesson_id, "course_id": self.course_id, "slug": slug, "position": position}
        async with self.uow() as tx:
            await tx.execute(insert(Lesson), [{**row, "updated_at": tx.now, **fields}])
            texts = {"lesson_id": lesson_id, "locale": "en", "title": f"Lesson {slug}", "body": "x"}
            await tx.execute(insert(LessonText), [texts])
        self.lessons.append(lesson_id)
        return lesson_id

    async def change_text(self, body: str) -> None:
        """Another text of all lessons, as another version."""
        async with self.uow() as tx:
            await tx.execute(update(LessonText).values(body=body))
            await tx.execute(update(Lesson).values(version=Lesson.version + 1))

    async def enrol(self, zones: Sequence[str | None] = (None,), *, start: bool = True) -> list[EnrolmentId]:
        """A student in each of these zones, with access; their schedules begin now."""
        first = self.first_chat + len(self.students)
        people = [
            {"id": new_id(), "telegram_id": first + number, "language": "en", "timezone": zone,
             "created_at": self.clock.now()}
            for number, zone in enumerate(zones)
        ]  # fmt: skip
        async with self.uow() as tx:
            await tx.execute(insert(User), people)
        new = await self.enrol_people([UserId(one["id"]) for one in people], start=start)  # type: ignore[arg-type]
        self.chats |= {id_: person["telegram_id"] for id_, person in zip(new, people, strict=True)}  # type: ignore[misc]
        return new

    async def enrol_people(self, people: Sequence[UserId], *, start: bool = True) -> list[EnrolmentId]:
        """The same for people whom the shop knows."""
        async with self.uow() as tx:
            rows = [
                {"id": new_id(), "user_id": user_id, "course_id": self.course_id, "run_id": self.run_id,
                 "enrolled_at": tx.now}
                for user_id in people
            ]  # fmt: skip
            grants = [
                {"id": new_id(), "enrolment_id": row["id"], "tariff_id": new_id(), "source": "order_line",
                 "order_line_id": new_id(), "paid_amount": 1000, "currency": "USD", "granted_at": tx.now}
                for row in rows
            ]  # fmt: skip
            await unchecked(tx, True)
            await tx.execute(insert(Enrolment), rows)
            await tx.execute(insert(CourseGrant), grants)
            await unchecked(tx, False)
            new = [EnrolmentId(row["id"]) for row in rows]  # type: ignore[arg-type]
            if start:
                for enrolment_id in new:
                    await schedule.start(tx, enrolment_id)
        self.students += new
        return new

    async def work(self, most: int = 100) -> None:
        """The worker until nothing is due."""
        while await self.sending.work(most):
            pass

    async def pass_days(self, days: float, *, step_hours: float = 1) -> None:
        """Time passes, and the worker looks each hour."""
        for _ in range(int(days * 24 / step_hours)):
            self.clock.move(hours=step_hours)
            await self.work()

    async def end_access(self, enrolment_id: EnrolmentId) -> None:
        async with self.uow() as tx:
            await unchecked(tx, True)
            ended = update(CourseGrant).where(CourseGrant.enrolment_id == enrolment_id)
            await tx.execute(ended.values(ended_at=tx.now, end_reason="refunded"))
            await unchecked(tx, False)
            await schedule.stop(tx, enrolment_id)

    async def give_access(self, enrolment_id: EnrolmentId) -> None:
        async with self.uow() as tx:
            await unchecked(tx, True)
            live = update(CourseGrant).where(CourseGrant.enrolment_id == enrolment_id)
            await tx.execute(live.values(ended_at=None, end_reason=None))
            await unchecked(tx, False)
            await schedule.start(tx, enrolment_id)

    async def complete(self, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
        row = {"enrolment_id": enrolment_id, "lesson_id": lesson_id}
        async with self.uow() as tx:
            await tx.execute(insert(LessonProgress), [{**row, "opened_at": tx.now, "completed_at": tx.now}])
            await schedule.lesson_completed(tx, enrolment_id)

    async def change(self, model: Any, id_: UUID, **values: Any) -> None:
        async with self.uow() as tx:
            await unchecked(tx, True)
            await tx.execute(update(model).where(model.id == id_).values(**values))
            await unchecked(tx, False)

    async def enrolment(self, enrolment_id: EnrolmentId) -> Any:
        return (await self.rows("SELECT * FROM enrolments WHERE id = :id", id=enrolment_id))[0]

    async def enrolment_in(self, tx: Tx, enrolment_id: EnrolmentId) -> Any:
        return (await tx.execute(text("SELECT * FROM enrolments WHERE id = :id"), {"id": enrolment_id})).one()

    async def deliveries(self, enrolment_id: EnrolmentId) -> list[Any]:
        return await self.rows(
            "SELECT * FROM lesson_deliveries WHERE enrolment_id = :id ORDER BY due_at", id=enrolment_id
        )

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.uow.read() as tx:
            return list((await tx.execute(text(sql), values)).all())


async def unchecked(tx: Tx, on: bool) -> None:
    """Let rows be inserted whose product and tariff are another test's business."""
    await tx.execute(text(f"SET LOCAL session_replication_role = {'replica' if on else 'origin'}"))


def days(*numbers: float) -> list[timedelta]:
    return [timedelta(days=number) for number in numbers]
