"""SQL of courses, their runs and tariffs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select, update

from backend.catalog.types import ProductId, VariantId
from backend.courses.models import Course, CourseGrant, CourseReservation, CourseRun, CourseTariff, Enrolment
from backend.courses.models.lessons import Lesson
from backend.courses.types import CourseId, CourseState, LateRule, RunId, ScheduleMode, TariffId
from backend.courses.types.teaching import CertificateTerms, Run, Schedule
from backend.infra.unit_of_work import Tx

_SCHEDULE: Final = Schedule.__struct_fields__
_TERMS: Final = CertificateTerms.__struct_fields__


class StoredCourse(msgspec.Struct, frozen=True, kw_only=True):
    """A course's row, with how many lessons it has and how many people have access now."""

    id: CourseId
    slug: str
    product_id: ProductId
    state: CourseState
    schedule: Schedule
    terms: CertificateTerms
    created_at: Any
    lessons: int
    students: int


class StoredTariff(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff's row, with how many have it or have it reserved."""

    id: TariffId
    course_id: CourseId
    variant_id: VariantId
    code: str
    rank: int
    feedback_hours: int | None
    groups: bool
    certificate: bool
    places: int | None
    run_id: RunId | None
    retired_at: Any
    position: int
    taken: int


_LIVE = select(CourseGrant.id).where(CourseGrant.enrolment_id == Enrolment.id, CourseGrant.ended_at.is_(None))
_COURSES: Final = select(
    *(Course.__table__.c[name] for name in ("id", "slug", "product_id", "state", "created_at", *_SCHEDULE, *_TERMS)),
    select(func.count())
    .where(Lesson.course_id == Course.id, Lesson.deleted_at.is_(None))
    .scalar_subquery()
    .label("lessons"),
    select(func.count(func.distinct(Enrolment.user_id)))
    .where(Enrolment.course_id == Course.id, _LIVE.exists())
    .scalar_subquery()
    .label("students"),
).order_by(Course.created_at, Course.id)
_TAKEN: Final = (
    select(func.count())
    .where(CourseGrant.tariff_id == CourseTariff.id, CourseGrant.ended_at.is_(None))
    .scalar_subquery()
    + select(func.count()).where(CourseReservation.tariff_id == CourseTariff.id).scalar_subquery()
)
_TARIFFS: Final = select(
    *(CourseTariff.__table__.c[name] for name in StoredTariff.__struct_fields__ if name != "taken"),
    _TAKEN.label("taken"),
).order_by(CourseTariff.course_id, CourseTariff.position, CourseTariff.rank, CourseTariff.id)
_RUNS: Final = select(
    *(CourseRun.__table__.c[name] for name in Run.__struct_fields__ if name != "students"),
    select(func.count()).where(Enrolment.run_id == CourseRun.id).scalar_subquery().label("students"),
).order_by(CourseRun.course_id, CourseRun.number)


async def add_course(tx: Tx, slug: str, product_id: ProductId, schedule: Schedule) -> CourseId:
    """Insert a draft."""
    row = {"id": tx.new_id(), "slug": slug, "product_id": product_id, "state": CourseState.DRAFT}
    await tx.execute(insert(Course), row | _columns(schedule) | {"created_at": tx.now})
    return CourseId(row["id"])  # type: ignore[arg-type]


async def change_course(
    tx: Tx,
    course_id: CourseId,
    *,
    schedule: Schedule | None = None,
    terms: CertificateTerms | None = None,
    state: CourseState | None = None,
) -> None:
    """Change when its lessons come, what its certificates say, or whether it is sold."""
    values: dict[str, Any] = _columns(schedule) if schedule else {}
    if terms is not None:
        values |= msgspec.structs.asdict(terms)
    if state is not None:
        values["state"] = state
    await tx.execute(update(Course).where(Course.id == course_id).values(values))


async def find_course(tx: Tx, *, course_id: CourseId | None = None, slug: str = "") -> StoredCourse | None:
    """A course by its id or its slug."""
    which = Course.id == course_id if course_id is not None else Course.slug == slug
    row = (await tx.execute(_COURSES.where(which))).one_or_none()
    return None if row is None else _course(row)


async def list_courses(tx: Tx) -> list[StoredCourse]:
    """Every course, the oldest first."""
    return [_course(row) for row in await tx.execute(_COURSES)]


async def list_tariffs(tx: Tx, courses: Collection[CourseId]) -> list[StoredTariff]:
    """The tariffs of courses in their order, retired ones too."""
    rows = await tx.execute(_TARIFFS.where(CourseTariff.course_id.in_(courses)))
    return [StoredTariff(**row._mapping) for row in rows]


async def find_tariff(tx: Tx, tariff_id: TariffId) -> StoredTariff | None:
    """A tariff, retired or not."""
    row = (await tx.execute(_TARIFFS.where(CourseTariff.id == tariff_id))).one_or_none()
    return None if row is None else StoredTariff(**row._mapping)


async def add_tariff(tx: Tx, course_id: CourseId, variant_id: VariantId, code: str, values: dict[str, Any]) -> TariffId:
    """Insert a tariff; ``values`` are its own columns."""
    row = {"id": tx.new_id(), "course_id": course_id, "variant_id": variant_id, "code": code}
    await tx.execute(insert(CourseTariff), row | values)
    return TariffId(row["id"])  # type: ignore[arg-type]


async def change_tariff(tx: Tx, tariff_id: TariffId, values: dict[str, Any]) -> None:
    """Change some columns of a tariff."""
    await tx.execute(update(CourseTariff).where(CourseTariff.id == tariff_id).values(values))


async def delete_tariff(tx: Tx, tariff_id: TariffId) -> None:
    """Delete a tariff. Raises DBAPIError (23503) where somebody has or had it."""
    await tx.execute(delete(CourseTariff).where(CourseTariff.id == tariff_id))


async def add_run(tx: Tx, course_id: CourseId, starts_on: date | None, timezone: str | None) -> RunId:
    """Insert the next run of a course, which the caller has locked."""
    number = select(func.coalesce(func.max(CourseRun.number), 0) + 1).where(CourseRun.course_id == course_id)
    row = {"id": tx.new_id(), "course_id": course_id, "number": (await tx.execute(number)).scalar_one()}
    await tx.execute(insert(CourseRun), row | {"starts_on": starts_on, "timezone": timezone, "opened_at": tx.now})
    return RunId(row["id"])


async def set_run_closed(tx: Tx, run_id: RunId, *, closed: bool) -> None:
    """Let nobody new into a run, or again."""
    at = func.coalesce(CourseRun.closed_at, tx.now) if closed else None
    await tx.execute(update(CourseRun).where(CourseRun.id == run_id).values(closed_at=at))


async def list_runs(tx: Tx, courses: Collection[CourseId]) -> list[Run]:
    """The runs of courses, the first first."""
    return [Run(**row._mapping) for row in await tx.execute(_RUNS.where(CourseRun.course_id.in_(courses)))]


async def find_run(tx: Tx, run_id: RunId) -> Run | None:
    """A run, open or closed."""
    row = (await tx.execute(_RUNS.where(CourseRun.id == run_id))).one_or_none()
    return None if row is None else Run(**row._mapping)


def _columns(schedule: Schedule) -> dict[str, Any]:
    return {name: getattr(schedule, name) for name in _SCHEDULE}


def _course(row: Any) -> StoredCourse:
    values = dict(row._mapping)
    schedule = {name: values.pop(name) for name in _SCHEDULE}
    terms = CertificateTerms(**{name: values.pop(name) for name in _TERMS})
    schedule |= {"mode": ScheduleMode(schedule["mode"]), "late_rule": LateRule(schedule["late_rule"])}
    parts = {"state": CourseState(values["state"]), "schedule": Schedule(**schedule), "terms": terms}
    return StoredCourse(**values | parts)
