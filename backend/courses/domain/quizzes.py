"""Quizzes of lessons for those who attempt them; they have the right answers, which no student may see before."""

from __future__ import annotations

from backend.courses.repository import lessons
from backend.courses.repository import quizzes as repository
from backend.courses.types import LessonId
from backend.courses.types.quiz import Quiz, StoredQuiz
from backend.infra.unit_of_work import Tx


async def find_quiz(tx: Tx, lesson_id: LessonId) -> StoredQuiz | None:
    """The quiz of a live lesson as it is now; None for no quiz."""
    return (await repository.list_current(tx, [lesson_id])).get(lesson_id)


async def get_version(tx: Tx, lesson_id: LessonId, version: int) -> Quiz:
    """A quiz as it was in a version. Raises NotFound."""
    return await repository.get_version(tx, lesson_id, version)


async def change_quiz(tx: Tx, lesson_id: LessonId, quiz: Quiz | None) -> bool:
    """Give a lesson another quiz, or none; whether that is a change. The lesson's course is locked."""
    before = await find_quiz(tx, lesson_id)
    if (before.quiz if before else None) == quiz:
        return False
    await lessons.lock_lesson(tx, lesson_id)
    await repository.set_quiz(tx, lesson_id, quiz)
    return True
