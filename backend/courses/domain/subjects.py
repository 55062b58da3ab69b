"""What messages say of an enrolment."""

from __future__ import annotations

from collections.abc import Collection

from backend.catalog.domain import goods
from backend.courses.repository import grants
from backend.courses.repository import subjects as repository
from backend.courses.types import EnrolmentId, GrantId, LessonId
from backend.courses.types.subjects import LessonSubject, Subject
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


async def get_subject(tx: Tx, enrolment_id: EnrolmentId, grant_id: GrantId | None = None) -> Subject:
    """A person's course as it is now, and how the grant ended that the message is about. Raises NotFound."""
    facts = await repository.find_facts(tx, enrolment_id)
    if facts is None:
        raise NotFound("no such enrolment")
    grant = await grants.find_grant(tx, grant_id=grant_id) if grant_id is not None else None
    products = await goods.list_products(tx, [facts.product_id])
    variants = await goods.list_variants(tx, [facts.product_id])
    return Subject(
        slug=facts.slug,
        name=products[facts.product_id].fields.name,
        tariff=variants[facts.variant_id].fields.name if facts.variant_id is not None else None,
        starts_on=facts.starts_on,
        next_due_at=facts.next_due_at,
        end_reason=grant.end_reason if grant else None,
    )


async def list_lessons(tx: Tx, lessons: Collection[LessonId]) -> dict[LessonId, LessonSubject]:
    """Lessons as messages and lists name them, deleted ones too."""
    rows = await repository.list_lessons(tx, lessons)
    products = await goods.list_products(tx, [row.product_id for row in rows])
    return {
        row.id: LessonSubject(
            lesson_id=row.id,
            slug=row.slug,
            course_slug=row.course_slug,
            name=row.titles or {"en": row.slug},
            course=products[row.product_id].fields.name,
            day=row.day,
            deleted=row.deleted,
        )
        for row in rows
    }


async def get_lesson(tx: Tx, lesson_id: LessonId) -> LessonSubject:
    """One of them. Raises NotFound."""
    rows = await list_lessons(tx, [lesson_id])
    if lesson_id not in rows:
        raise NotFound("no such lesson")
    return rows[lesson_id]


async def find_assignment(tx: Tx, lesson_id: LessonId, locale: Locale) -> str:
    """What is to be submitted, in the language nearest to the reader's; empty for nothing."""
    return await repository.find_assignment(tx, lesson_id, locale)


async def find_feedback_hours(tx: Tx, enrolment_id: EnrolmentId) -> int | None:
    """Within how many hours a student's highest plan promises feedback; None for no feedback, and without access."""
    return await repository.find_feedback_hours(tx, enrolment_id)


async def find_sent_lesson(tx: Tx, user_id: UserId, chat_id: int, message_id: int) -> LessonId | None:
    """The lesson that was sent to a student in a message of the bot; None for any other message."""
    return await repository.find_sent_lesson(tx, user_id, chat_id, message_id)
