"""Courses, lessons and a teacher, for tests."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import insert, select, text

from backend.catalog.models import Category
from backend.catalog.types.goods import ProductFields
from backend.courses.models.lessons import Lesson, LessonDelivery
from backend.courses.service import CoursesServices
from backend.courses.types import CourseId, DeliveryState, EnrolmentId, LessonId, ScheduleMode
from backend.courses.types.teaching import Schedule, Tariff
from backend.identity.types import Actor, Permission
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.text import Locale
from tests.factories.identity import add_admin
from tests.factories.wallet import USD, usd
from tests.fakes.chat import Chat
from tests.fakes.clock import FakeClock

PRICES: Mapping[str, int] = {"basic": 1000, "feedback": 3000, "premium": 9000}
"""What the usual tariffs cost, in cents."""
CATEGORY = "school"


def course_services(uow: UnitOfWork, folder: Path | None = None, *, largest_file: int = 1_000_000) -> CoursesServices:
    """The school of a shop that sells in dollars; ``folder`` has the files of its lessons."""
    files = ContentFiles(folder or Path(tempfile.gettempdir(), "souk-no-course-files"))
    return CoursesServices.build(
        uow=uow,
        currency=USD,
        messenger=Chat(FakeClock()),
        public_url="https://souk.example",
        files=files,
        largest_file=largest_file,
    )


async def add_teacher(uow: UnitOfWork, *permissions: Permission) -> Actor:
    """An admin who teaches, and may do what else is named."""
    async with uow() as tx:
        user_id = await add_admin(tx, Permission.TEACHING, *permissions)
    held = frozenset({Permission.TEACHING, *permissions})
    return Actor(
        user_id=user_id, telegram_id=1, first_name="Tara", language=Locale.EN, timezone="UTC", permissions=held
    )


def product(name: str = "Calm", **changes: Any) -> ProductFields:
    """How a course looks in the shop."""
    fields: dict[str, Any] = {"category": CATEGORY, "name": {"en": name}, "summary": {}, "description": {}}
    return ProductFields(**{**fields, "icon": "learn", "hue": "indigo", **changes})


async def add_category(tx: Tx, slug: str = CATEGORY) -> None:
    """The category that courses are in, unless there is one."""
    if (await tx.execute(select(Category.id).where(Category.slug == slug))).first() is None:
        shelf = {"id": tx.new_id(), "slug": slug, "name": {"en": "School"}, "icon": "learn", "hue": "indigo"}
        await tx.execute(insert(Category), shelf)


async def add_course(
    uow: UnitOfWork,
    teacher: Actor,
    slug: str = "calm",
    *,
    prices: Mapping[str, int] = PRICES,
    schedule: Schedule | None = None,
    published: bool = True,
) -> CourseId:
    """A course with the usual tariffs at so many cents, on sale."""
    school = course_services(uow)
    async with uow() as tx:
        await add_category(tx)
    tariffs = school.courses.default_tariffs({code: usd(cents) for code, cents in prices.items()})
    when = schedule or Schedule(mode=ScheduleMode.EVERY_24H)
    course_id = await school.courses.create(teacher, slug, product(slug.title()), when, tariffs)
    if published:
        await school.courses.publish(teacher, course_id)
    return course_id


async def add_places(uow: UnitOfWork, slug: str, places: int) -> Tariff:
    """The only tariff of a course that is on sale, with so many places."""
    teacher = await add_teacher(uow)
    course_id = await add_course(uow, teacher, slug, prices={"basic": PRICES["basic"]})
    tariff = (await tariffs_of(uow, teacher, course_id))["basic"]
    await course_services(uow).tariffs.change(teacher, tariff.id, replace(tariff.fields, places=places))
    return tariff


async def tariffs_of(uow: UnitOfWork, teacher: Actor, course_id: CourseId) -> dict[str, Tariff]:
    """The tariffs of a course, by code."""
    return {one.code: one for one in await course_services(uow).tariffs.list_of(teacher, course_id)}


async def add_lesson(tx: Tx, course_id: CourseId, position: int, **changes: Any) -> LessonId:
    """A lesson."""
    row = {"id": tx.new_id(), "course_id": course_id, "slug": f"lesson-{position}", "position": position}
    await tx.execute(insert(Lesson), {**row, "updated_at": tx.now, **changes})
    return LessonId(row["id"])  # type: ignore[arg-type]


async def add_lessons(uow: UnitOfWork, course_id: CourseId, count: int) -> list[LessonId]:
    """So many required lessons."""
    async with uow() as tx:
        return [await add_lesson(tx, course_id, position) for position in range(1, count + 1)]


async def open_lessons(uow: UnitOfWork, enrolment_id: EnrolmentId, lessons: Sequence[LessonId], at: datetime) -> None:
    """Lessons are due ``at`` a moment."""
    async with uow() as tx:
        for lesson_id in lessons:
            row = {"enrolment_id": enrolment_id, "lesson_id": lesson_id, "due_at": at}
            await tx.execute(insert(LessonDelivery), {**row, "state": DeliveryState.PLANNED})


async def enrolments_of(uow: UnitOfWork, person: Actor) -> list[EnrolmentId]:
    """A person's enrolments, the first first."""
    async with uow.read() as tx:
        sql = text("SELECT id FROM enrolments WHERE user_id = :id ORDER BY id")
        return [EnrolmentId(row.id) for row in await tx.execute(sql, {"id": person.id})]
