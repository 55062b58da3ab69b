"""A published course of four lessons, one of which shows a file, and people of every standing."""

from __future__ import annotations

import io
from typing import Any

from litestar import Litestar
from sqlalchemy import insert

from backend.bootstrap import Services
from backend.courses.models.lessons import LessonText
from backend.courses.repository import media
from backend.courses.types import CourseId, EnrolmentId, LessonId, MediaId, MediaKind, ScheduleMode
from backend.courses.types.schedule import Change, Verb
from backend.courses.types.teaching import Schedule, Tariff
from backend.identity.types import Actor
from backend.kernel.ids import new_id
from backend.orders.types import OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.factories.courses import add_course, add_lesson, add_teacher, enrolments_of, tariffs_of
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

PICTURE = b"GIF89a" + bytes(7) + b"," + bytes(10) + b"\1D\0;"
TEXT = "First words.\n\n## A part\n\n![A path](path.gif)\n\n## Another part\n\nLast words."
DAILY = Schedule(mode=ScheduleMode.LOCAL_HOUR, local_minute=540, student_from=300, student_to=1320)


class Classroom:
    """The course, its teacher, and what they can do to students."""

    def __init__(self, services: Services, app: Litestar, visitor: MakeVisitor) -> None:
        self.services = services
        self.addresses = app.state.site.addresses
        self._visitor = visitor
        self._people = 500

    async def furnish(self, slug: str = "calm", schedule: Schedule = DAILY, **how: Any) -> Classroom:
        """Store everything."""
        uow = self.services.uow
        self.teacher = await add_teacher(uow)
        self.slug = slug
        self.course: CourseId = await add_course(uow, self.teacher, slug, schedule=schedule, **how)
        self.tariffs: dict[str, Tariff] = await tariffs_of(uow, self.teacher, self.course)
        stored = await self.services.courses.lessons.contents.put(io.BytesIO(PICTURE))
        file = {"path": "path.gif", "kind": MediaKind.PICTURE, "mime": "image/gif", "size": len(PICTURE)}
        size = {"width": 40, "height": 20, "sha256": stored, "stored": stored}
        async with uow() as tx:
            self.picture: MediaId = await media.add(tx, self.course, {**file, **size})
            self.lessons = [await add_lesson(tx, self.course, number, minutes=9) for number in range(1, 5)]
            for number, lesson in enumerate(self.lessons, start=1):
                row = {"lesson_id": lesson, "locale": "en", "title": f"Lesson {number}", "body": TEXT}
                await tx.execute(insert(LessonText), row)
        return self

    async def arrive(self, cents: int = 0) -> tuple[Visitor, Actor]:
        """Somebody new, with money."""
        self._people += 1
        visitor = self._visitor(self._people)
        return visitor, await arrive(self.services, visitor, cents=cents)

    async def gift(self, person: Actor, code: str = "basic") -> EnrolmentId:
        """Give somebody a plan of the course."""
        await self.services.courses.students.gift(self.teacher, person.id, self.tariffs[code].id, "a friend")
        return (await enrolments_of(self.services.uow, person))[-1]

    async def buy(self, person: Actor, code: str = "basic") -> tuple[OrderView, EnrolmentId]:
        """Have somebody buy a plan from their balance."""
        variant = self.tariffs[code].variant_id
        order = await self.services.orders.checkout.place(person, variant, 1, new_id().hex)
        return order, (await enrolments_of(self.services.uow, person))[-1]

    async def refund(self, order: OrderView) -> None:
        """Refund a whole order."""
        lines = [LineQuantity(order.lines[0].id, 1)]
        await self.services.orders.refunds.refund(
            Actor.system(), order.number, lines, RefundTarget.WALLET, "asked for", idempotency_key=new_id().hex
        )

    async def revoke(self, enrolment: EnrolmentId) -> None:
        """End all access of a student."""
        students = self.services.courses.students
        for grant in (await students.get(self.teacher, enrolment)).grants:
            await students.revoke(self.teacher, grant.id, "asked for")

    async def open(self, enrolment: EnrolmentId, number: int) -> None:
        """Open the lessons up to one."""
        change = Change(verb=Verb.OPEN, until=self.lessons[number - 1])
        await self.services.courses.schedule.change(self.teacher, self.course, change, [enrolment])

    async def read(self, student: Actor, *numbers: int) -> None:
        """Complete lessons."""
        for number in numbers:
            await self.services.courses.learning.complete(student, self.lessons[number - 1])

    def picture_url(self, actor: Actor, lesson: LessonId) -> str:
        """The picture's address, signed for somebody."""
        signed: str = self.addresses.sign(f"/learn/media/{lesson}/{self.picture}.gif", actor, seconds=7200)
        return signed
