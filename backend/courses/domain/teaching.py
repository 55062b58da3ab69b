"""Courses and tariffs as they are stored, with their products and variants of the catalogue.

Who changes any of them has called ``lock`` before reading it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from msgspec.structs import replace

from backend.catalog.domain import goods, places
from backend.catalog.types import StockKind
from backend.catalog.types.goods import ProductFields, VariantFields
from backend.courses.errors import SlugTaken
from backend.courses.repository import courses as repository
from backend.courses.repository import grants, reminders
from backend.courses.repository.courses import StoredCourse, StoredTariff
from backend.courses.types import CourseId, CourseState, TariffId
from backend.courses.types.teaching import CertificateTerms, CourseRecord, Run, Schedule, Tariff, TariffFields
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Invalid, NotFound

MOST_HOURS: Final = 10_000
"""Of study, in a course."""


async def lock(tx: Tx) -> None:
    """Be the only one who changes courses, tariffs or the catalogue. Raises ImportUnderWay."""
    await goods.lock(tx)


async def add_course(tx: Tx, slug: str, product: ProductFields, schedule: Schedule) -> CourseId:
    """Store a draft with its hidden product and its first run. Raises SlugTaken, ProductSlugTaken, NotFound."""
    if await repository.find_course(tx, slug=slug) is not None:
        raise SlugTaken()
    product_id = await goods.add_product(tx, StockKind.COURSE, slug, _shown(product, shown=False))
    course_id = await repository.add_course(tx, slug, product_id, schedule)
    await repository.add_run(tx, course_id, None, None)
    return course_id


async def change_course(tx: Tx, course: CourseRecord, product: ProductFields, schedule: Schedule) -> None:
    """Change a course and its product. Moving anybody's schedule is not part of it. Raises NotFound."""
    shown = course.state is CourseState.PUBLISHED
    await goods.change_product(tx, course.product_id, _shown(product, shown=shown))
    await repository.change_course(tx, course.id, schedule=schedule)
    if schedule.remind_days != course.schedule.remind_days:
        await reminders.restart_course(tx, course.id)


async def set_terms(tx: Tx, course_id: CourseId, terms: CertificateTerms) -> None:
    """Change what certificates say that are printed from now on. Raises Invalid."""
    if terms.study_hours is not None and not 1 <= terms.study_hours <= MOST_HOURS:
        raise Invalid("no such number of hours", fields={"study_hours": "range"})
    await repository.change_course(tx, course_id, terms=terms)


async def set_state(tx: Tx, course: CourseRecord, state: CourseState) -> None:
    """Put a course on sale, or take it off; who has it keeps it."""
    shown = state is CourseState.PUBLISHED
    await goods.change_product(tx, course.product_id, _shown(course.product, shown=shown))
    await repository.change_course(tx, course.id, state=state)


async def get_course(tx: Tx, course_id: CourseId) -> CourseRecord:
    """A course by its id. Raises NotFound."""
    return await _record(tx, await repository.find_course(tx, course_id=course_id))


async def find_course(tx: Tx, slug: str) -> CourseRecord:
    """A course by its slug. Raises NotFound."""
    return await _record(tx, await repository.find_course(tx, slug=slug))


async def list_courses(tx: Tx) -> list[CourseRecord]:
    """Every course, the oldest first."""
    stored = await repository.list_courses(tx)
    return await _records(tx, stored)


async def add_tariff(tx: Tx, course: CourseRecord, code: str, fields: TariffFields) -> TariffId:
    """Add a tariff with its variant. Raises SlugTaken for a code that the course has, Invalid for another's run."""
    await _check_run(tx, course.id, fields)
    if any(one.code == code for one in await repository.list_tariffs(tx, [course.id])):
        raise SlugTaken()
    variant_id = await goods.add_variant(
        tx, course.product_id, code, await _shown_variant(tx, fields), most=1, places_left=fields.places
    )
    return await repository.add_tariff(tx, course.id, variant_id, code, _columns(fields))


async def change_tariff(tx: Tx, tariff: Tariff, fields: TariffFields) -> None:
    """Change a tariff, for those who have it too; its price is for later buyers. Raises Invalid for another's run."""
    await _check_run(tx, tariff.course_id, fields)
    variant = await _shown_variant(tx, fields, retired=tariff.retired_at is not None)
    await goods.change_variant(tx, tariff.product_id, tariff.variant_id, variant)
    await places.lock(tx, tariff.variant_id)
    taken = await grants.count_taken(tx, tariff.id)
    left = None if fields.places is None else fields.places - taken
    await places.set_remaining(tx, tariff.product_id, tariff.variant_id, left)
    await repository.change_tariff(tx, tariff.id, _columns(fields))


async def set_retired(tx: Tx, tariff: Tariff, *, retired: bool) -> None:
    """Take a tariff off sale or put it back; who has it keeps it."""
    variant = await _shown_variant(tx, tariff.fields, retired=retired)
    await goods.change_variant(tx, tariff.product_id, tariff.variant_id, variant)
    await repository.change_tariff(tx, tariff.id, {"retired_at": tx.now if retired else None})


async def set_run_closed(tx: Tx, run: Run, *, closed: bool) -> None:
    """Let nobody new into a run, or people again; the shop shows its tariffs accordingly."""
    await repository.set_run_closed(tx, run.id, closed=closed)
    for tariff in await list_tariffs(tx, [run.course_id]):
        if tariff.fields.run_id == run.id:
            variant = await _shown_variant(tx, tariff.fields, retired=tariff.retired_at is not None)
            await goods.change_variant(tx, tariff.product_id, tariff.variant_id, variant)


async def delete_tariff(tx: Tx, tariff: Tariff) -> None:
    """Delete a tariff and its variant. Raises DBAPIError (23503) where anything refers to it."""
    await repository.delete_tariff(tx, tariff.id)
    await goods.delete_variant(tx, tariff.product_id, tariff.variant_id)


async def get_tariff(tx: Tx, tariff_id: TariffId) -> Tariff:
    """A tariff, retired or not. Raises NotFound."""
    stored = await repository.find_tariff(tx, tariff_id)
    if stored is None:
        raise NotFound("no such tariff")
    (tariff,) = await _tariffs(tx, [stored])
    return tariff


async def list_tariffs(tx: Tx, courses: Collection[CourseId]) -> list[Tariff]:
    """The tariffs of courses in their order, retired ones too."""
    return await _tariffs(tx, await repository.list_tariffs(tx, courses))


async def _check_run(tx: Tx, course_id: CourseId, fields: TariffFields) -> None:
    if fields.run_id is None:
        return
    run = await repository.find_run(tx, fields.run_id)
    if run is None or run.course_id != course_id or run.starts_on is None:
        raise Invalid("no cohort of this course", fields={"run_id": "invalid"})


async def _record(tx: Tx, stored: StoredCourse | None) -> CourseRecord:
    if stored is None:
        raise NotFound("no such course")
    (record,) = await _records(tx, [stored])
    return record


async def _records(tx: Tx, stored: Sequence[StoredCourse]) -> list[CourseRecord]:
    products = await goods.list_products(tx, [one.product_id for one in stored])
    return [
        CourseRecord(
            id=one.id,
            slug=one.slug,
            product_id=one.product_id,
            product=products[one.product_id].fields,
            state=one.state,
            schedule=one.schedule,
            terms=one.terms,
            created_at=one.created_at,
            lessons=one.lessons,
            students=one.students,
        )
        for one in stored
    ]


async def _tariffs(tx: Tx, stored: Sequence[StoredTariff]) -> list[Tariff]:
    courses = {one.course_id for one in stored}
    products = {course_id: await repository.find_course(tx, course_id=course_id) for course_id in courses}
    known = [course.product_id for course in products.values() if course is not None]
    variants = await goods.list_variants(tx, known)
    return [
        Tariff(
            id=one.id,
            course_id=one.course_id,
            product_id=variants[one.variant_id].product_id,
            variant_id=one.variant_id,
            code=one.code,
            fields=_fields(one, variants[one.variant_id].fields),
            taken=one.taken,
            retired_at=one.retired_at,
        )
        for one in stored
    ]


def _fields(stored: StoredTariff, variant: VariantFields) -> TariffFields:
    return TariffFields(
        name=variant.name,
        note=variant.note,
        price=variant.price,
        reseller_price=variant.reseller_price,
        rank=stored.rank,
        feedback_hours=stored.feedback_hours,
        groups=stored.groups,
        certificate=stored.certificate,
        places=stored.places,
        run_id=stored.run_id,
        position=stored.position,
    )


def _shown(product: ProductFields, *, shown: bool) -> ProductFields:
    return replace(product, hidden=not shown)


async def _shown_variant(tx: Tx, fields: TariffFields, *, retired: bool = False) -> VariantFields:
    """The variant of a tariff, hidden where the tariff is not sold: retired, or its cohort is closed."""
    run = None if fields.run_id is None else await repository.find_run(tx, fields.run_id)
    return VariantFields(
        name=fields.name,
        note=fields.note,
        price=fields.price,
        reseller_price=fields.reseller_price,
        position=fields.position,
        hidden=retired or (run is not None and run.closed_at is not None),
    )


def _columns(fields: TariffFields) -> dict[str, Any]:
    names = ("rank", "feedback_hours", "groups", "certificate", "places", "run_id", "position")
    return {name: getattr(fields, name) for name in names}
