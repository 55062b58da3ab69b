"""Who holds which plan, for slices that give something to those who do, such as a place in a group."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select

from backend.catalog.domain import goods
from backend.courses.repository import courses
from backend.courses.repository import holders as repository
from backend.courses.types import CourseId, TariffId
from backend.courses.types.subjects import PlanSubject
from backend.infra.unit_of_work import Tx


def grants() -> Select[UUID, UUID, UUID, bool]:
    """Each grant that there is or was: ``user_id``, ``course_id``, ``tariff_id`` and whether it is ``live``."""
    return repository.grants()


async def list_plans(tx: Tx, tariffs: Collection[TariffId] | None = None) -> list[PlanSubject]:
    """These plans as lists and messages name them, or all; the newest course first, its plans in their order."""
    rows = await repository.list_plans(tx, tariffs)
    products = await goods.list_products(tx, [row.product_id for row in rows])
    variants = await goods.list_variants(tx, [row.product_id for row in rows])
    return [
        PlanSubject(
            tariff_id=row.tariff_id,
            course_id=row.course_id,
            slug=row.slug,
            course=products[row.product_id].fields.name,
            plan=variants[row.variant_id].fields.name,
            promises_groups=row.groups,
            retired=row.retired,
            students=row.students,
        )
        for row in rows
    ]


async def find_course_id(tx: Tx, slug: str) -> CourseId | None:
    """The course of a slug."""
    course = await courses.find_course(tx, slug=slug)
    return course.id if course is not None else None


async def promise_groups(tx: Tx, tariff_id: TariffId) -> None:
    """Have a plan say that it comes with groups, which it does from now on."""
    await repository.promise_groups(tx, tariff_id)
