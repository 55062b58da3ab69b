"""SQL of lessons, their texts and their order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Text, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from backend.courses.models import Course
from backend.courses.models.lessons import Lesson, LessonText
from backend.courses.types import CourseId, LessonId
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale


class OutlineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the list of its course, in the language nearest to the reader's."""

    id: LessonId
    course_id: CourseId
    slug: str
    title: str
    locale: Locale
    updated_at: datetime


class StoredLesson(msgspec.Struct, frozen=True, kw_only=True):
    """A live lesson as authors edit it, without its texts."""

    id: LessonId
    course_id: CourseId
    slug: str
    position: int
    required: bool
    minutes: int | None
    publish_at: datetime | None
    version: int
    assignment_required: bool = True


class StoredText(msgspec.Struct, frozen=True):
    """A lesson in one language."""

    title: str
    body: str
    assignment: str = ""


# Text in the reader's language, else English, else whatever there is.
NEAREST_TEXT: Final = """
    SELECT t.title, t.locale FROM lesson_texts t WHERE t.lesson_id = l.id
    ORDER BY t.locale = :locale DESC, t.locale = 'en' DESC, t.locale LIMIT 1
"""
_OUTLINE: Final = HotStatement(
    text(f"""
    SELECT l.id, l.course_id, l.slug, n.title, n.locale, l.updated_at
    FROM courses c JOIN lessons l ON l.course_id = c.id AND l.deleted_at IS NULL
    CROSS JOIN LATERAL ({NEAREST_TEXT}) n
    WHERE c.slug = :course ORDER BY l.position
    """).bindparams(bindparam("course", type_=Text()), bindparam("locale", type_=Text()))  # noqa: S608
)
# In one statement: between two, two lessons would be in one place.
_SET_ORDER: Final = text("""
    UPDATE lessons l SET position = n.position FROM unnest(:ids) WITH ORDINALITY n (id, position)
    WHERE l.id = n.id AND l.position <> n.position
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_COLUMNS: Final = tuple(Lesson.__table__.c[name] for name in StoredLesson.__struct_fields__)
_LIVE: Final = Lesson.deleted_at.is_(None)


async def list_outline(tx: Tx, course: str, locale: Locale) -> list[OutlineRow]:
    """The live lessons of the course with this slug, in their order."""
    rows = await tx.fetch(_OUTLINE, {"course": course, "locale": locale.value})
    return [OutlineRow(**{**dict(row), "locale": Locale(row["locale"])}) for row in rows]


async def get_text(tx: Tx, lesson_id: LessonId, locale: Locale) -> StoredText:
    """A lesson in one language, in its nearest one where it has no text in that. Raises NotFound."""
    text = await find_text(tx, lesson_id, locale)
    if text is None:
        raise NotFound("no such lesson")
    return text


async def find_text(tx: Tx, lesson_id: LessonId, locale: Locale) -> StoredText | None:
    """A lesson in one language, in its nearest one where it has no text in that; None where it has none at all."""
    statement = (
        select(LessonText.title, LessonText.body)
        .where(LessonText.lesson_id == lesson_id)
        .order_by((LessonText.locale == locale.value).desc(), (LessonText.locale == "en").desc(), LessonText.locale)
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else StoredText(row.title, row.body)


async def list_texts(tx: Tx, lessons: Collection[LessonId]) -> dict[LessonId, dict[Locale, StoredText]]:
    """Lessons in all their languages."""
    texts: dict[LessonId, dict[Locale, StoredText]] = {lesson: {} for lesson in lessons}
    statement = select(LessonText).where(LessonText.lesson_id.in_(lessons)).order_by(LessonText.locale)
    for row in (await tx.execute(select(statement.subquery()))).all():
        texts[LessonId(row.lesson_id)][Locale(row.locale)] = StoredText(row.title, row.body, row.assignment)
    return texts


async def list_stored(tx: Tx, course_id: CourseId) -> list[StoredLesson]:
    """The live lessons of a course, in their order."""
    statement = select(*_COLUMNS).where(Lesson.course_id == course_id, _LIVE).order_by(Lesson.position)
    return [StoredLesson(**row._mapping) for row in await tx.execute(statement)]


async def lock_course(tx: Tx, course_id: CourseId) -> None:
    """Let one transaction at a time change the lessons and files of a course. Raises NotFound."""
    statement = select(Course.id).where(Course.id == course_id).with_for_update(key_share=True)
    if (await tx.execute(statement)).first() is None:
        raise NotFound("no such course")


async def lock_lesson(tx: Tx, lesson_id: LessonId) -> StoredLesson:
    """A live lesson, locked until the transaction ends. Raises NotFound."""
    statement = select(*_COLUMNS).where(Lesson.id == lesson_id, _LIVE).with_for_update(key_share=True)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such lesson")
    return StoredLesson(**row._mapping)


async def find_stored(tx: Tx, lesson_id: LessonId) -> StoredLesson:
    """A live lesson. Raises NotFound."""
    row = (await tx.execute(select(*_COLUMNS).where(Lesson.id == lesson_id, _LIVE))).one_or_none()
    if row is None:
        raise NotFound("no such lesson")
    return StoredLesson(**row._mapping)


async def add(tx: Tx, course_id: CourseId, slug: str, position: int, values: Mapping[str, Any]) -> LessonId:
    """Insert a lesson without texts; ``values`` are its settings."""
    row = {"id": tx.new_id(), "course_id": course_id, "slug": slug, "position": position, "updated_at": tx.now}
    await tx.execute(insert(Lesson), row | dict(values))
    return LessonId(row["id"])  # type: ignore[arg-type]


async def next_position(tx: Tx, course_id: CourseId) -> int:
    """The position after the last live lesson."""
    statement = select(func.coalesce(func.max(Lesson.position), 0) + 1).where(Lesson.course_id == course_id, _LIVE)
    return int((await tx.execute(statement)).scalar_one())


async def change(tx: Tx, lesson_id: LessonId, values: Mapping[str, Any]) -> None:
    """Change some settings of a lesson."""
    await tx.execute(update(Lesson).where(Lesson.id == lesson_id).values(dict(values)))


async def set_texts(tx: Tx, lesson_id: LessonId, texts: Mapping[Locale, StoredText]) -> None:
    """Replace all the texts of a lesson."""
    await tx.execute(delete(LessonText).where(LessonText.lesson_id == lesson_id))
    rows = [
        {"lesson_id": lesson_id, "locale": locale.value, **msgspec.structs.asdict(item)}
        for locale, item in texts.items()
    ]
    await tx.execute(insert(LessonText), rows)
    has = any(item.assignment for item in texts.values())
    await tx.execute(update(Lesson).where(Lesson.id == lesson_id).values(has_assignment=has))


async def raise_versions(tx: Tx, lessons: Collection[LessonId]) -> None:
    """Note that what lessons show has changed."""
    values = {"version": Lesson.version + 1, "updated_at": tx.now}
    await tx.execute(update(Lesson).where(Lesson.id.in_(lessons)).values(values))


async def set_order(tx: Tx, lessons: Sequence[LessonId]) -> None:
    """Number lessons from 1 in this order; those that are in their place are left alone."""
    await tx.execute(_SET_ORDER, {"ids": list(lessons)})


async def find_deleted(tx: Tx, lesson_id: LessonId) -> StoredLesson | None:
    """A lesson that was deleted, with the position that it had; None where it is live."""
    row = (await tx.execute(select(*_COLUMNS).where(Lesson.id == lesson_id, Lesson.deleted_at.isnot(None)))).first()
    return None if row is None else StoredLesson(**row._mapping)


async def undelete(tx: Tx, lesson_id: LessonId, position: int) -> None:
    """Make a deleted lesson live again, at a position that no other has."""
    values = {"deleted_at": None, "position": position}
    await tx.execute(update(Lesson).where(Lesson.id == lesson_id).values(values))


async def soft_delete(tx: Tx, lessons: Collection[LessonId]) -> None:
    """Delete lessons for everybody; their rows stay."""
    await tx.execute(update(Lesson).where(Lesson.id.in_(lessons), _LIVE).values(deleted_at=tx.now))
