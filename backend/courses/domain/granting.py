"""Grants begin and end: one enrolment a person and run, whatever happens to what gives them access.

Callers hold the lock of the person and the course.
"""

from __future__ import annotations

from backend.catalog.domain import places
from backend.courses.domain import schedule
from backend.courses.repository import grants as repository
from backend.courses.types import (
    CourseAccessEnded,
    CourseDowngraded,
    CourseGrantChanged,
    CourseId,
    CourseJoined,
    CourseUpgraded,
    EndReason,
    EnrolmentId,
    GrantId,
    GrantSource,
    RunId,
)
from backend.courses.types.sale import Grant, SoldTariff
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money

TOPIC = "courses"
"""The signal that what a person has of a course changed; its key is the person's id."""


async def lock(tx: Tx, course_id: CourseId, user_id: UserId) -> None:
    """Let one transaction at a time change what a person has of a course."""
    await repository.lock(tx, course_id, user_id)


async def grant(
    tx: Tx,
    tariff: SoldTariff,
    user_id: UserId,
    run_id: RunId,
    source: GrantSource,
    paid: Money,
    *,
    line_id: OrderLineId | None = None,
    by: UserId | None = None,
) -> tuple[GrantId, EnrolmentId]:
    """Give a person a tariff in a run; its place is taken before."""
    enrolment_id, first = await repository.enrol(tx, user_id, tariff.course_id, run_id)
    before = await repository.find_rank(tx, enrolment_id)
    grant_id = await repository.add_grant(tx, enrolment_id, tariff.id, source, paid, line_id=line_id, by=by)
    if not before:
        await schedule.start(tx, enrolment_id)
        tx.emit(CourseJoined(enrolment_id=enrolment_id, grant_id=grant_id, user_id=user_id, first=first))
    elif tariff.rank > before:
        tx.emit(CourseUpgraded(enrolment_id=enrolment_id, grant_id=grant_id, user_id=user_id))
    tx.emit(CourseGrantChanged(grant_id=grant_id, user_id=user_id, live=True))
    tx.signal(TOPIC, user_id)
    return grant_id, enrolment_id


async def end(tx: Tx, one: Grant, reason: EndReason, by: UserId | None = None) -> None:
    """End a grant and free its place; the person keeps what their other grants give, and all they have done."""
    before = await repository.find_rank(tx, one.enrolment_id)
    if not await repository.end_grant(tx, one.id, reason, by):
        return
    await places.put_back(tx, one.product_id, one.variant_id)
    after = await repository.find_rank(tx, one.enrolment_id)
    if not after:
        await schedule.stop(tx, one.enrolment_id)
        tx.emit(CourseAccessEnded(enrolment_id=one.enrolment_id, grant_id=one.id, user_id=one.user_id, reason=reason))
    elif after < before:
        tx.emit(CourseDowngraded(enrolment_id=one.enrolment_id, grant_id=one.id, user_id=one.user_id))
    tx.emit(CourseGrantChanged(grant_id=one.id, user_id=one.user_id, live=False))
    tx.signal(TOPIC, one.user_id)
