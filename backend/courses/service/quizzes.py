"""Quizzes written in the panel."""

from __future__ import annotations

from backend.courses.domain import quizzes as domain
from backend.courses.errors import LessonEdited
from backend.courses.repository import lessons, quizzes
from backend.courses.rules import quiz as rules
from backend.courses.types import LessonId
from backend.courses.types.quiz import EditedQuiz, Quiz
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts


class QuizEditingService:
    """The quizzes of lessons for admins with the permission for teaching."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get(self, actor: Actor, lesson_id: LessonId) -> EditedQuiz:
        """The quiz of a lesson. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            lesson = await lessons.find_stored(tx, lesson_id)
            texts = (await lessons.list_texts(tx, [lesson_id]))[lesson_id]
            stored = await domain.find_quiz(tx, lesson_id)
            return EditedQuiz(
                lesson_id=lesson_id,
                course_id=lesson.course_id,
                position=lesson.position,
                titles={locale: text.title for locale, text in texts.items()},
                version=await _version(tx, lesson_id),
                quiz=stored.quiz if stored else None,
            )

    @retry_conflicts
    async def save(self, actor: Actor, lesson_id: LessonId, quiz: Quiz | None, *, version: int) -> None:
        """Give a lesson that the actor has read in ``version`` another quiz, or none; running attempts keep theirs.

        Raises Forbidden, NotFound, Invalid (see rules.problems_of), LessonEdited where somebody else changed it
        meanwhile.
        """
        actor.require(Permission.TEACHING)
        if quiz is not None:
            quiz = rules.clean_quiz(quiz)
            rules.check_quiz(quiz)
        async with self._uow() as tx:
            lesson = await lessons.find_stored(tx, lesson_id)
            await lessons.lock_course(tx, lesson.course_id)
            if await _version(tx, lesson_id) != version:
                raise LessonEdited()
            stored = await domain.find_quiz(tx, lesson_id)
            if quiz is not None:
                quiz = rules.with_ids(quiz, stored.quiz if stored else None, lambda: tx.new_id().hex)
            if await domain.change_quiz(tx, lesson_id, quiz):
                details = {"what": lesson.slug}
                action = "courses.change_quiz" if quiz else "courses.delete_quiz"
                await audit.record(tx, actor.user_id, action, f"course:{lesson.course_id}", details)


async def _version(tx: Tx, lesson_id: LessonId) -> int:
    """What grows with each change: twice the last version, and one more where it was deleted since."""
    last = await quizzes.last_version(tx, lesson_id)
    return 2 * last + (last > 0 and await domain.find_quiz(tx, lesson_id) is None)
