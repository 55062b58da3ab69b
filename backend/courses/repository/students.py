"""SQL of the students of a course."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, select

from backend.courses.models import CourseGrant, CourseRun, CourseTariff, Enrolment
from backend.courses.types import CourseId, EnrolmentId, TariffId
from backend.courses.types.teaching import StudentFilter, StudentState
from backend.growth.types.attribution import PartnerId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_HIGHEST: Final = (
    select(CourseTariff.id)
    .join(CourseGrant, CourseGrant.tariff_id == CourseTariff.id)
    .where(CourseGrant.enrolment_id == Enrolment.id, CourseGrant.ended_at.is_(None))
    .order_by(CourseTariff.rank.desc(), CourseTariff.id)
    .limit(1)
    .scalar_subquery()
)
_STUDENTS: Final = select(
    Enrolment.id, Enrolment.user_id, Enrolment.course_id, CourseRun.number, _HIGHEST.label("tariff_id"),
    Enrolment.enrolled_at, Enrolment.started_at, Enrolment.active_at, Enrolment.paused_at,
).join(CourseRun, CourseRun.id == Enrolment.run_id)  # fmt: skip


class StoredStudent(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment, with the highest tariff that it has now."""

    id: EnrolmentId
    user_id: UserId
    course_id: CourseId
    number: int
    tariff_id: TariffId | None
    enrolled_at: Any
    started_at: Any
    active_at: Any
    paused_at: Any


async def list_students(
    tx: Tx,
    course_id: CourseId,
    chosen: StudentFilter,
    people: Select[UUID] | None,
    *,
    after: EnrolmentId | None = None,
    limit: int | None = None,
) -> list[StoredStudent]:
    """The enrolments in a course ``after`` one, the latest first; the ``chosen`` ones, and of these ``people`` only."""
    statement = _STUDENTS.where(Enrolment.course_id == course_id, *_conditions(chosen, people))
    if after is not None:
        statement = statement.where(Enrolment.id < after)
    rows = await tx.execute(statement.order_by(Enrolment.id.desc()).limit(limit))
    return [StoredStudent(**row._mapping) for row in rows]


def _conditions(chosen: StudentFilter, people: Select[UUID] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if people is not None:
        conditions.append(Enrolment.user_id.in_(people))
    if chosen.run_id is not None:
        conditions.append(Enrolment.run_id == chosen.run_id)
    if chosen.tariff_id is not None:
        conditions.append(_HIGHEST.is_not_distinct_from(chosen.tariff_id))
    # As StudentRow.state.
    live, completed = _HIGHEST.isnot(None), Enrolment.completed_at.isnot(None)
    match chosen.state:
        case StudentState.ENDED:
            conditions.append(_HIGHEST.is_(None))
        case StudentState.COMPLETED:
            conditions += [live, completed]
        case StudentState.PAUSED:
            conditions += [live, ~completed, Enrolment.paused_at.isnot(None)]
        case StudentState.ACTIVE:
            conditions += [live, ~completed, Enrolment.paused_at.is_(None)]
    return conditions


async def find_student(tx: Tx, enrolment_id: EnrolmentId) -> StoredStudent | None:
    """An enrolment by its id."""
    row = (await tx.execute(_STUDENTS.where(Enrolment.id == enrolment_id))).one_or_none()
    return None if row is None else StoredStudent(**row._mapping)


async def count_brought(tx: Tx, people: Select[UUID, UUID, datetime]) -> dict[PartnerId, int]:
    """The enrolments of each partner's people since they were brought; ``people``: user_id, partner_id and seen_at."""
    who = people.subquery()
    statement = (
        select(who.c.partner_id, func.count().label("enrolments"))
        .join(Enrolment, and_(Enrolment.user_id == who.c.user_id, Enrolment.enrolled_at >= who.c.seen_at))
        .group_by(who.c.partner_id)
    )
    return {PartnerId(row.partner_id): int(row.enrolments) for row in await tx.execute(statement)}
