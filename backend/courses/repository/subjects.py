"""SQL of what messages say of an enrolment."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from sqlalchemy import select

from backend.catalog.types import ProductId, VariantId
from backend.courses.models import Course, CourseGrant, CourseRun, CourseTariff, Enrolment
from backend.courses.types import EnrolmentId
from backend.infra.unit_of_work import Tx


class Facts(msgspec.Struct, frozen=True):
    """A person's course; ``variant_id`` is of their highest tariff now."""

    slug: str
    product_id: ProductId
    starts_on: date | None
    next_due_at: datetime | None
    variant_id: VariantId | None


async def find_facts(tx: Tx, enrolment_id: EnrolmentId) -> Facts | None:
    """What is stored of the course of an enrolment; None for an unknown one."""
    highest = (
        select(CourseTariff.variant_id)
        .join(CourseGrant, CourseGrant.tariff_id == CourseTariff.id)
        .where(CourseGrant.enrolment_id == Enrolment.id, CourseGrant.ended_at.is_(None))
        .order_by(CourseTariff.rank.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(Course.slug, Course.product_id, CourseRun.starts_on, Enrolment.next_due_at, highest.label("variant_id"))
        .join(Enrolment, Enrolment.course_id == Course.id)
        .join(CourseRun, CourseRun.id == Enrolment.run_id)
        .where(Enrolment.id == enrolment_id)
    )
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else Facts(**row)
