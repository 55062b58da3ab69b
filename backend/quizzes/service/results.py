"""What teachers see of quizzes: attempts and results of students, and how each question was answered."""

from __future__ import annotations

from typing import Final

from backend.courses.domain import quizzes as courses
from backend.courses.domain import subjects
from backend.courses.types import EnrolmentId, LessonId
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.quizzes import domain, repository, rules
from backend.quizzes.repository import Figures
from backend.quizzes.types import AttemptId, AttemptReview, AttemptRow, QuestionFigures, QuizResults

_NONE: Final = Figures(0, 0)


class ResultsService:
    """For admins with the permission for teaching."""

    page_size: Final = 50

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def of_lesson(self, actor: Actor, lesson_id: LessonId, *, page: int = 0) -> QuizResults:
        """What came of a lesson's quiz, with a page of its attempts. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            about = await subjects.get_lesson(tx, lesson_id)
            stored = await courses.find_quiz(tx, lesson_id)
            figures = await repository.list_figures(tx, lesson_id)
            begun, passed = await repository.count_students(tx, lesson_id)
            size = self.page_size
            attempts = await repository.list_of_lesson(tx, lesson_id, most=size, skip=page * size)
        return QuizResults(
            about=about,
            students=begun,
            passed=passed,
            questions=tuple(
                QuestionFigures(
                    text=rules.in_language(question.text, actor.language),
                    kind=question.kind,
                    asked=figures.get(question.id, _NONE).asked,
                    right=figures.get(question.id, _NONE).right,
                )
                for question in (stored.quiz.questions if stored else ())
            ),
            attempts=tuple(attempts),
        )

    async def of_student(self, actor: Actor, enrolment_id: EnrolmentId) -> list[AttemptRow]:
        """A student's attempts at the quizzes of their course, the latest first. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            attempts = await repository.list_of_student(tx, enrolment_id)
            about = await subjects.list_lessons(tx, {one.lesson_id for one in attempts})
        return [AttemptRow(attempt=one, about=about[one.lesson_id]) for one in reversed(attempts)]

    async def attempt(self, actor: Actor, attempt_id: AttemptId) -> AttemptReview:
        """An attempt with what was answered and what is right. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            attempt = await repository.get(tx, attempt_id)
            return AttemptReview(
                attempt=attempt,
                about=await subjects.get_lesson(tx, attempt.lesson_id),
                questions=await domain.review(tx, attempt, actor.language, answers=True),
            )
