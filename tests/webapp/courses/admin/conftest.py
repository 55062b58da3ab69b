"""A course in the back office, its teacher, and a student."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.editing import EditedText, LessonFields
from backend.courses.types.schedule import Change, Verb
from backend.courses.types.teaching import Tariff
from backend.identity.types import Actor, Permission
from backend.kernel.text import Locale
from tests.factories.courses import add_course, add_teacher, enrolments_of, tariffs_of
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin, make_admin, root  # noqa: F401
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0"


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The course, how its pages begin, its lessons, and the teacher as a service and as a visitor sees them."""

    services: Services
    teacher: Actor
    page: Visitor
    course_id: CourseId
    lessons: list[LessonId]
    tariffs: dict[str, Tariff]
    now: datetime

    @property
    def path(self) -> str:
        """Where the course's pages are."""
        return f"/admin/courses/{self.course_id}"

    async def enrol(self, visitor: Visitor, code: str = "basic") -> EnrolmentId:
        """Give somebody the course; its first lesson is open, the next one comes in a day."""
        person, school = await arrive(self.services, visitor), self.services.courses
        await school.students.gift(self.teacher, person.id, self.tariffs[code].id, "a gift")
        enrolment = (await enrolments_of(self.services.uow, person))[-1]
        first = Change(verb=Verb.OPEN, until=self.lessons[0])
        await school.schedule.change(self.teacher, self.course_id, first, [enrolment])
        return enrolment

    async def next_due(self, enrolment: EnrolmentId) -> datetime | None:
        """When the student's next lesson comes."""
        async with self.services.uow.read() as tx:
            sql = text("SELECT next_due_at FROM enrolments WHERE id = :id")
            due: datetime | None = (await tx.execute(sql, {"id": enrolment})).scalar_one()
        return due

    async def titles(self) -> list[str]:
        """The lessons' titles, in their order."""
        listed = await self.services.courses.editing.list_lessons(self.teacher, self.course_id)
        return [one.fields.texts[Locale.EN].title for one in listed]


@pytest.fixture
async def desk(services: Services, make_admin: MakeAdmin, clock: FakeClock) -> Desk:  # noqa: F811
    """A published course with three lessons, and an admin who teaches."""
    page = await make_admin(81, Permission.TEACHING)
    teacher = await add_teacher(services.uow)
    course_id = await add_course(services.uow, teacher)
    lessons = [
        await services.courses.editing.add(teacher, course_id, lesson(slug)) for slug in ("breathe", "walk", "sleep")
    ]
    tariffs = await tariffs_of(services.uow, teacher, course_id)
    return Desk(
        services=services,
        teacher=teacher,
        page=page,
        course_id=course_id,
        lessons=lessons,
        tariffs=tariffs,
        now=clock.now(),
    )


def lesson(slug: str) -> LessonFields:
    """A lesson of two lines."""
    return LessonFields(slug=slug, minutes=5, texts={Locale.EN: EditedText(slug.title(), f"# {slug}\n\nDo it *now*.")})


@pytest.fixture
def student(visitor: MakeVisitor) -> Visitor:
    """Somebody who takes the course."""
    return visitor(42, first_name="Omar")
