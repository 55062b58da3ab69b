"""SQL of quizzes: each change is a new version, and old ones stay for the attempts that began with them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from backend.courses.models.lessons import Lesson, LessonQuiz
from backend.courses.types import LessonId
from backend.courses.types.quiz import Quiz, StoredQuiz
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound


async def list_current(tx: Tx, lessons: Collection[LessonId]) -> dict[LessonId, StoredQuiz]:
    """The quizzes of live lessons, for those that have one."""
    statement = (
        select(LessonQuiz.lesson_id, LessonQuiz.version, LessonQuiz.content)
        .join(Lesson, (Lesson.id == LessonQuiz.lesson_id) & (Lesson.quiz_version == LessonQuiz.version))
        .where(Lesson.id.in_(lessons), Lesson.deleted_at.is_(None))
    )
    return {LessonId(row.lesson_id): _stored(row) for row in await tx.execute(statement)}


async def get_version(tx: Tx, lesson_id: LessonId, version: int) -> Quiz:
    """A quiz as it was in a version. Raises NotFound."""
    statement = select(LessonQuiz.version, LessonQuiz.content).where(
        LessonQuiz.lesson_id == lesson_id, LessonQuiz.version == version
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such quiz")
    return _stored(row).quiz


async def last_version(tx: Tx, lesson_id: LessonId) -> int:
    """The number of the latest version, 0 where there never was a quiz."""
    statement = select(func.coalesce(func.max(LessonQuiz.version), 0)).where(LessonQuiz.lesson_id == lesson_id)
    return int((await tx.execute(statement)).scalar_one())


async def set_quiz(tx: Tx, lesson_id: LessonId, quiz: Quiz | None) -> None:
    """Give a lesson, which is locked, another quiz, or none."""
    version = None
    if quiz is not None:
        version = await last_version(tx, lesson_id) + 1
        row = {"lesson_id": lesson_id, "version": version, "content": msgspec.to_builtins(quiz), "created_at": tx.now}
        await tx.execute(insert(LessonQuiz), row)
    values = {"quiz_version": version, "quiz_required": quiz is None or quiz.required}
    await tx.execute(update(Lesson).where(Lesson.id == lesson_id).values(values))


def _stored(row: Any) -> StoredQuiz:
    return StoredQuiz(row.version, msgspec.convert(row.content, Quiz))
