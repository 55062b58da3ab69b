"""SQL of who has which tariff."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.catalog.types import ProductId, VariantId
from backend.courses.models import Course, CourseGrant, CourseReservation, CourseRun, CourseTariff, Enrolment
from backend.courses.types import CourseId, EndReason, EnrolmentId, GrantId, GrantSource, RunId, TariffId
from backend.courses.types.sale import Grant, SoldTariff, Standing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money

_TARIFFS: Final = (
    select(
        CourseTariff.id, CourseTariff.course_id, Course.product_id, CourseTariff.variant_id, CourseTariff.rank,
        CourseTariff.run_id,
        ((Course.state == "published") & CourseTariff.retired_at.is_(None) & CourseRun.closed_at.is_(None)).label(
            "on_sale"
        ),
    )
    .join(Course, Course.id == CourseTariff.course_id)
    .outerjoin(CourseRun, CourseRun.id == CourseTariff.run_id)
)  # fmt: skip
# Outside a transaction, as where a price is only shown, it is free again at once.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('course:' || :course_id || ':' || :user_id, 0))")
_STANDINGS: Final = text("""
    SELECT e.id AS enrolment_id, e.course_id, e.run_id, r.number AS run_number, r.starts_on IS NOT NULL AS cohort,
           e.completed_at IS NOT NULL AS completed, coalesce(g.rank, 0) AS rank, g.paid, g.currency
    FROM enrolments e JOIN course_runs r ON r.id = e.run_id
    CROSS JOIN LATERAL (
        SELECT max(t.rank) AS rank, CAST(sum(o.paid_amount) AS bigint) AS paid,
               max(o.currency) AS currency
        FROM course_grants o JOIN course_tariffs t ON t.id = o.tariff_id
        WHERE o.enrolment_id = e.id AND o.ended_at IS NULL
    ) g WHERE e.user_id = :user_id AND e.course_id = ANY(:courses)
""").bindparams(bindparam("user_id", type_=Uuid()), bindparam("courses", type_=ARRAY(Uuid())))
_NEWEST: Final = text("""
    SELECT DISTINCT ON (course_id) course_id, id, number FROM course_runs
    WHERE course_id = ANY(:courses) AND starts_on IS NULL AND closed_at IS NULL ORDER BY course_id, number DESC
""").bindparams(bindparam("courses", type_=ARRAY(Uuid())))
_GRANTS: Final = (
    select(
        CourseGrant.id, CourseGrant.enrolment_id, Enrolment.course_id, Enrolment.user_id, CourseGrant.tariff_id,
        CourseTariff.variant_id, Course.product_id, CourseTariff.rank, CourseGrant.source, CourseGrant.order_line_id,
        CourseGrant.paid_amount, CourseGrant.currency, CourseGrant.granted_by, CourseGrant.granted_at,
        CourseGrant.ended_at, CourseGrant.end_reason,
    )
    .join(Enrolment, Enrolment.id == CourseGrant.enrolment_id)
    .join(CourseTariff, CourseTariff.id == CourseGrant.tariff_id)
    .join(Course, Course.id == CourseTariff.course_id)
    .order_by(CourseGrant.id)
)  # fmt: skip


async def list_tariffs(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, SoldTariff]:
    """The tariffs of those of the variants that are one."""
    rows = (await tx.execute(_TARIFFS.where(CourseTariff.variant_id.in_(variants)))).mappings()
    return {VariantId(row["variant_id"]): SoldTariff(**row) for row in rows}


async def find_tariff(tx: Tx, tariff_id: TariffId) -> SoldTariff | None:
    """A tariff, sold or not."""
    row = (await tx.execute(_TARIFFS.where(CourseTariff.id == tariff_id))).mappings().one_or_none()
    return None if row is None else SoldTariff(**row)


async def lock(tx: Tx, course_id: CourseId, user_id: UserId) -> None:
    """Let one transaction at a time change what a person has of a course."""
    await tx.execute(_LOCK, {"course_id": str(course_id), "user_id": str(user_id)})


async def list_standings(tx: Tx, user_id: UserId, courses: Collection[CourseId]) -> list[Standing]:
    """Where a person stands in each run of the courses in which they are or were."""
    rows = await tx.execute(_STANDINGS, {"user_id": user_id, "courses": list(courses)})
    return [
        Standing(
            enrolment_id=EnrolmentId(row.enrolment_id),
            course_id=CourseId(row.course_id),
            run_id=RunId(row.run_id),
            run_number=row.run_number,
            cohort=row.cohort,
            completed=row.completed,
            rank=row.rank,
            paid=None if row.currency is None else Money(row.paid, row.currency),
        )
        for row in rows
    ]


async def list_newest_runs(tx: Tx, courses: Collection[CourseId]) -> dict[CourseId, tuple[RunId, int]]:
    """The latest open run of each course that starts at once, with its number."""
    rows = await tx.execute(_NEWEST, {"courses": list(courses)})
    return {CourseId(row.course_id): (RunId(row.id), row.number) for row in rows}


async def enrol(tx: Tx, user_id: UserId, course_id: CourseId, run_id: RunId) -> tuple[EnrolmentId, bool]:
    """The person's enrolment in a run; whether it is new."""
    row = {"id": tx.new_id(), "user_id": user_id, "course_id": course_id, "run_id": run_id, "enrolled_at": tx.now}
    statement = upsert(Enrolment).values(row).on_conflict_do_nothing().returning(Enrolment.id)
    new = (await tx.execute(statement)).scalar_one_or_none()
    if new is not None:
        return EnrolmentId(new), True
    known = select(Enrolment.id).where(Enrolment.user_id == user_id, Enrolment.run_id == run_id)
    return EnrolmentId((await tx.execute(known)).scalar_one()), False


async def add_grant(
    tx: Tx,
    enrolment_id: EnrolmentId,
    tariff_id: TariffId,
    source: GrantSource,
    paid: Money,
    *,
    line_id: OrderLineId | None = None,
    by: UserId | None = None,
) -> GrantId:
    """Store a grant."""
    row: dict[str, Any] = {"id": tx.new_id(), "enrolment_id": enrolment_id, "tariff_id": tariff_id}
    row |= {"source": source, "order_line_id": line_id, "paid_amount": paid.amount, "currency": paid.currency}
    await tx.execute(insert(CourseGrant), row | {"granted_by": by, "granted_at": tx.now})
    return GrantId(row["id"])


async def find_grant(tx: Tx, *, grant_id: GrantId | None = None, line_id: OrderLineId | None = None) -> Grant | None:
    """A grant by its id, or by the line that it was bought with."""
    which = CourseGrant.id == grant_id if grant_id is not None else CourseGrant.order_line_id == line_id
    row = (await tx.execute(_GRANTS.where(which))).one_or_none()
    return None if row is None else _grant(row)


async def list_grants(tx: Tx, enrolment_id: EnrolmentId) -> list[Grant]:
    """All grants of an enrolment, the first first."""
    return [_grant(row) for row in await tx.execute(_GRANTS.where(CourseGrant.enrolment_id == enrolment_id))]


async def end_grant(tx: Tx, grant_id: GrantId, reason: EndReason, by: UserId | None = None) -> bool:
    """End a grant; whether it was live."""
    statement = (
        update(CourseGrant)
        .where(CourseGrant.id == grant_id, CourseGrant.ended_at.is_(None))
        .values(ended_at=tx.now, end_reason=reason, ended_by=by)
    )
    return (await tx.execute(statement)).rowcount == 1


async def set_paid(tx: Tx, grant_id: GrantId, paid: Money) -> None:
    """Store what stays paid for a grant."""
    await tx.execute(update(CourseGrant).where(CourseGrant.id == grant_id).values(paid_amount=paid.amount))


async def find_rank(tx: Tx, enrolment_id: EnrolmentId) -> int:
    """The highest rank of an enrolment's live grants; 0 where there is none."""
    statement = (
        select(func.coalesce(func.max(CourseTariff.rank), 0))
        .join(CourseGrant, CourseGrant.tariff_id == CourseTariff.id)
        .where(CourseGrant.enrolment_id == enrolment_id, CourseGrant.ended_at.is_(None))
    )
    return int((await tx.execute(statement)).scalar_one())


async def add_reservation(tx: Tx, line_id: OrderLineId, tariff_id: TariffId, user_id: UserId) -> None:
    """Note that an unpaid line keeps a place."""
    row = {"order_line_id": line_id, "tariff_id": tariff_id, "user_id": user_id, "reserved_at": tx.now}
    await tx.execute(insert(CourseReservation), row)


async def take_reservations(tx: Tx, lines: Sequence[OrderLineId]) -> set[OrderLineId]:
    """Forget what is reserved for lines; for which of them something was."""
    statement = (
        delete(CourseReservation)
        .where(CourseReservation.order_line_id.in_(lines))
        .returning(CourseReservation.order_line_id)
    )
    return {OrderLineId(row.order_line_id) for row in await tx.execute(statement)}


async def list_reserved(tx: Tx, lines: Collection[OrderLineId]) -> set[OrderLineId]:
    """Those of the lines that have something reserved."""
    statement = select(CourseReservation.order_line_id).where(CourseReservation.order_line_id.in_(lines))
    return {OrderLineId(row.order_line_id) for row in await tx.execute(statement)}


async def count_taken(tx: Tx, tariff_id: TariffId) -> int:
    """How many have the tariff or have it reserved."""
    live = select(func.count()).where(CourseGrant.tariff_id == tariff_id, CourseGrant.ended_at.is_(None))
    reserved = select(func.count()).where(CourseReservation.tariff_id == tariff_id)
    statement = select(live.scalar_subquery() + reserved.scalar_subquery())
    return int((await tx.execute(statement)).scalar_one())


def _grant(row: Any) -> Grant:
    return Grant(
        id=GrantId(row.id),
        enrolment_id=EnrolmentId(row.enrolment_id),
        course_id=CourseId(row.course_id),
        user_id=UserId(row.user_id),
        tariff_id=TariffId(row.tariff_id),
        variant_id=VariantId(row.variant_id),
        product_id=ProductId(row.product_id),
        rank=row.rank,
        source=GrantSource(row.source),
        order_line_id=row.order_line_id,
        paid=Money(row.paid_amount, row.currency),
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        ended_at=row.ended_at,
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
    )
