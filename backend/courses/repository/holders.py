"""SQL of who holds which plan, for slices that give something to those who do."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select, update

from backend.catalog.types import ProductId, VariantId
from backend.courses.models import Course, CourseGrant, CourseTariff, Enrolment
from backend.courses.types import CourseId, TariffId
from backend.infra.unit_of_work import Tx


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and its course; ``students`` have it now."""

    tariff_id: TariffId
    course_id: CourseId
    slug: str
    product_id: ProductId
    variant_id: VariantId
    groups: bool
    retired: bool
    students: int


def grants() -> Select[UUID, UUID, UUID, bool]:
    """Each grant that there is or was: ``user_id``, ``course_id``, ``tariff_id`` and whether it is ``live``."""
    columns = Enrolment.user_id, Enrolment.course_id, CourseGrant.tariff_id
    return select(*columns, CourseGrant.ended_at.is_(None).label("live")).join(
        Enrolment, Enrolment.id == CourseGrant.enrolment_id
    )


async def list_plans(tx: Tx, tariffs: Collection[TariffId] | None) -> list[PlanRow]:
    """These plans, or all that there are; the newest course first, its plans in their order."""
    live = (
        select(func.count())
        .where(CourseGrant.tariff_id == CourseTariff.id, CourseGrant.ended_at.is_(None))
        .correlate(CourseTariff)
        .scalar_subquery()
    )
    statement = (
        select(
            CourseTariff.id.label("tariff_id"), CourseTariff.course_id, Course.slug, Course.product_id,
            CourseTariff.variant_id, CourseTariff.groups, CourseTariff.retired_at.is_not(None).label("retired"),
            live.label("students"),
        )
        .join(Course, Course.id == CourseTariff.course_id)
        .order_by(Course.id.desc(), CourseTariff.position)
    )  # fmt: skip
    if tariffs is not None:
        statement = statement.where(CourseTariff.id.in_(tariffs))
    return [PlanRow(**row) for row in (await tx.execute(statement)).mappings()]


async def promise_groups(tx: Tx, tariff_id: TariffId) -> None:
    """Have a plan say that it comes with groups."""
    await tx.execute(update(CourseTariff).where(CourseTariff.id == tariff_id).values(groups=True))
