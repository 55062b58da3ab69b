"""SQL of what messages say of an enrolment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.types import ProductId, VariantId
from backend.courses.models import Course, CourseGrant, CourseRun, CourseTariff, Enrolment
from backend.courses.models.lessons import LessonText
from backend.courses.types import EnrolmentId, LessonId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


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


class LessonRow(msgspec.Struct, frozen=True):
    """A lesson with its titles by language; a deleted one has the day that it had."""

    id: LessonId
    slug: str
    course_slug: str
    product_id: ProductId
    titles: dict[str, str] | None
    day: int
    deleted: bool


_LESSONS: Final = text("""
    SELECT l.id, l.slug, c.slug AS course_slug, c.product_id, l.deleted_at IS NOT NULL AS deleted,
           (SELECT jsonb_object_agg(t.locale, t.title) FROM lesson_texts t WHERE t.lesson_id = l.id) AS titles,
           (SELECT count(*) FROM lessons o
            WHERE o.course_id = l.course_id AND o.deleted_at IS NULL AND o.position < l.position) + 1 AS day
    FROM lessons l JOIN courses c ON c.id = l.course_id WHERE l.id = ANY(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))


async def list_lessons(tx: Tx, lessons: Collection[LessonId]) -> list[LessonRow]:
    """Lessons as they are named, deleted ones too."""
    rows = (await tx.execute(_LESSONS, {"ids": list(lessons)})).mappings()
    return [LessonRow(**row) for row in rows]


async def find_assignment(tx: Tx, lesson_id: LessonId, locale: Locale) -> str:
    """What is to be submitted, in the language nearest to ``locale``; empty for nothing."""
    statement = (
        select(LessonText.assignment)
        .where(LessonText.lesson_id == lesson_id, LessonText.assignment != "")
        .order_by((LessonText.locale == locale.value).desc(), (LessonText.locale == "en").desc(), LessonText.locale)
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none() or ""


async def find_feedback_hours(tx: Tx, enrolment_id: EnrolmentId) -> int | None:
    """What the highest live tariff of an enrolment promises; None for nothing."""
    statement = (
        select(CourseTariff.feedback_hours)
        .join(CourseGrant, CourseGrant.tariff_id == CourseTariff.id)
        .where(CourseGrant.enrolment_id == enrolment_id, CourseGrant.ended_at.is_(None))
        .order_by(CourseTariff.rank.desc())
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


_SENT: Final = text("""
    SELECT d.lesson_id FROM lesson_deliveries d JOIN enrolments e ON e.id = d.enrolment_id
    WHERE e.user_id = :user_id AND d.chat_id = :chat AND (d.message_id = :message OR :message = ANY(d.part_ids)) LIMIT 2
""").bindparams(
    bindparam("user_id", type_=Uuid()), bindparam("chat", type_=BigInteger()), bindparam("message", type_=BigInteger())
)


async def find_sent_lesson(tx: Tx, user_id: UserId, chat_id: int, message_id: int) -> LessonId | None:
    """The one lesson that was sent to a student in this message; None for a digest of several, too."""
    rows = (await tx.execute(_SENT, {"user_id": user_id, "chat": chat_id, "message": message_id})).all()
    return LessonId(rows[0].lesson_id) if len(rows) == 1 else None
