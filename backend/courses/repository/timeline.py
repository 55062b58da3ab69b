"""The SQL of the courses that a person takes, for their timeline."""

from __future__ import annotations

from sqlalchemy import select

from backend.catalog.types import ProductId
from backend.courses.models import Course, Enrolment
from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def list_courses(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[tuple[Entry, ProductId]]:
    """The person's newest enrolments before a place, each with its course's product."""
    place = Enrolment.enrolled_at, Enrolment.id
    statement = (
        select(Enrolment.id, Enrolment.enrolled_at, Enrolment.completed_at, Course.product_id, Course.slug)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.user_id == user_id)
    )
    return [
        (
            Entry(
                kind=EntryKind.COURSE,
                at=row.enrolled_at,
                id=row.id,
                state="completed" if row.completed_at else "enrolled",
                number=row.slug,
            ),
            ProductId(row.product_id),
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]
