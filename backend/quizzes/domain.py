"""Attempts inside the caller's transaction: finished by the student, or by their deadline."""

from __future__ import annotations

from backend.courses.domain import progress
from backend.courses.domain import quizzes as courses
from backend.courses.types import EnrolmentId, LessonId
from backend.infra.unit_of_work import Tx
from backend.kernel.text import Locale
from backend.quizzes import repository, rules
from backend.quizzes.types import Attempt, ReviewedQuestion


async def finish(tx: Tx, attempt: Attempt) -> Attempt:
    """Finish an attempt with what was answered in time; who is done by it is done with the lesson's quiz.

    It is locked, its student's progress before it. One that has ended stays as it is.
    """
    if attempt.finished_at is not None:
        return attempt
    late = attempt.is_late(tx.now)
    at = attempt.deadline_at if late and attempt.deadline_at is not None else tx.now
    quiz = await courses.get_version(tx, attempt.lesson_id, attempt.quiz_version)
    result = rules.score(quiz, await repository.list_answers(tx, attempt.id))
    passed = rules.has_passed(result.points, quiz)
    await repository.finish(tx, attempt.id, at=at, timed_out=late, points=result.points, passed=passed)
    await repository.mark(tx, attempt.id, {one.id: one.id in result.right for one in quiz.questions})
    # As often as it can be tried now, so that more attempts that an author has given count.
    now = await courses.find_quiz(tx, attempt.lesson_id)
    attempts = (now.quiz if now else quiz).attempts
    if rules.is_done(passed=passed, number=attempt.number, attempts=attempts):
        await progress.finish_quiz(tx, attempt.enrolment_id, attempt.lesson_id)
    return await repository.get(tx, attempt.id)


async def close_late(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
    """Finish a student's attempt at a quiz whose time has run out."""
    await progress.lock(tx, enrolment_id)
    for one in await repository.list_attempts(tx, enrolment_id, lesson_id):
        if one.is_late(tx.now):
            await finish(tx, await repository.get(tx, one.id, locked=True))


async def review(tx: Tx, attempt: Attempt, locale: Locale, *, answers: bool) -> tuple[ReviewedQuestion, ...]:
    """What was answered in an attempt, in a language, with the right ``answers`` or without them."""
    quiz = await courses.get_version(tx, attempt.lesson_id, attempt.quiz_version)
    given = await repository.list_answers(tx, attempt.id)
    return tuple(rules.reviewed(one, given.get(one.id), locale, answers=answers) for one in quiz.questions)
