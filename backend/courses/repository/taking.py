"""SQL of the courses that a person takes."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, or_, select

from backend.catalog.types import ProductId
from backend.courses.models import Course, CourseGrant, CourseRun, CourseTariff, Enrolment, Learner
from backend.courses.models.lessons import Lesson
from backend.courses.types import CourseId, CourseState, EnrolmentId, RunId, TariffId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


class StoredTaking(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment of a person, with the highest tariff that it has now."""

    enrolment_id: EnrolmentId
    course_id: CourseId
    slug: str
    product_id: ProductId
    run_id: RunId
    tariff_id: TariffId | None
    paused_at: datetime | None
    next_due_at: datetime | None
    local_minute: int | None
    reminders_off: bool


class CourseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A published course in figures; ``minutes`` of a lesson on average."""

    course_id: CourseId
    slug: str
    product_id: ProductId
    lessons: int
    minutes: int | None
    began: int


async def list_mine(tx: Tx, user_id: UserId) -> list[StoredTaking]:
    """A person's enrolments, those with access first, then the latest run first."""
    tariff = (
        select(CourseTariff.id)
        .join(CourseGrant, CourseGrant.tariff_id == CourseTariff.id)
        .where(CourseGrant.enrolment_id == Enrolment.id, CourseGrant.ended_at.is_(None))
        .order_by(CourseTariff.rank.desc(), CourseTariff.id)
        .limit(1)
        .scalar_subquery()
        .label("tariff_id")
    )
    statement = (
        select(
            Enrolment.id.label("enrolment_id"), Enrolment.course_id, Course.slug, Course.product_id, Enrolment.run_id,
            tariff, Enrolment.paused_at, Enrolment.next_due_at, Enrolment.local_minute,
            Learner.reminders_off_at.is_not(None).label("reminders_off"),
        )
        .join(Course, Course.id == Enrolment.course_id)
        .join(CourseRun, CourseRun.id == Enrolment.run_id)
        .outerjoin(Learner, Learner.user_id == Enrolment.user_id)
        .where(Enrolment.user_id == user_id)
        .order_by(tariff.is_(None), CourseRun.number.desc(), Enrolment.id.desc())
    )  # fmt: skip
    return [StoredTaking(**row._mapping) for row in await tx.execute(statement)]


async def list_published(tx: Tx) -> list[CourseFigures]:
    """The published courses, the newest first."""
    live = (Lesson.course_id == Course.id, Lesson.deleted_at.is_(None))
    began = select(func.count(func.distinct(Enrolment.user_id))).where(Enrolment.course_id == Course.id)
    statement = (
        select(
            Course.id.label("course_id"), Course.slug, Course.product_id,
            select(func.count()).where(*live).scalar_subquery().label("lessons"),
            select(func.round(func.avg(Lesson.minutes))).where(*live).scalar_subquery().label("minutes"),
            began.scalar_subquery().label("began"),
        )
        .where(Course.state == CourseState.PUBLISHED)
        .order_by(Course.created_at.desc(), Course.id)
    )  # fmt: skip
    rows = [dict(row._mapping) for row in await tx.execute(statement)]
    return [CourseFigures(**{**row, "minutes": row["minutes"] and int(row["minutes"])}) for row in rows]


async def has_courses(tx: Tx) -> bool:
    """Whether any course is published, or somebody takes one."""
    published = select(Course.id).where(Course.state == CourseState.PUBLISHED)
    taken = select(CourseGrant.id).where(CourseGrant.ended_at.is_(None))
    return bool((await tx.execute(select(or_(published.exists(), taken.exists())))).scalar_one())
