"""How far students are: computed from the required lessons that there are, never counted up.

Completing a course is an event with a date, which lessons that are added later do not undo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from backend.courses.domain import reminders, schedule
from backend.courses.errors import AssignmentMissing, QuizMissing
from backend.courses.repository import progress as repository
from backend.courses.rules import access as rules
from backend.courses.rules import completion
from backend.courses.types import CourseCompleted, CourseId, EnrolmentId, LessonId
from backend.courses.types.access import LessonAccess, Progress, QuizNeed
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def list_progress(tx: Tx, enrolments: Collection[EnrolmentId]) -> dict[EnrolmentId, Progress]:
    """How far each enrolment is."""
    return await repository.list_progress(tx, enrolments) if enrolments else {}


async def open_lesson(tx: Tx, access: LessonAccess) -> None:
    """Note that a student has opened a lesson; nothing of a preview, nor of a lesson that is closed."""
    if access.enrolment_id is not None and access.is_open:
        await reminders.touch(tx, access.enrolment_id)
        await repository.open_lesson(tx, access.enrolment_id, access.lesson_id)


async def save_place(tx: Tx, access: LessonAccess, place: int) -> None:
    """Note where a student left a lesson (seconds, or a block's number); nothing of a preview or a closed lesson."""
    if access.enrolment_id is not None and access.is_open:
        await reminders.touch(tx, access.enrolment_id)
        await repository.save_place(tx, access.enrolment_id, access.lesson_id, max(place, 0))


async def complete(tx: Tx, access: LessonAccess) -> bool:
    """Note that a student has completed an open lesson, and with the last required one the course.

    Returns whether they had not completed the lesson before; nothing is noted of a preview or of a closed lesson.
    Raises AssignmentMissing, QuizMissing where the lesson is completed by its assignment or its quiz.
    """
    if access.enrolment_id is None or not access.is_open:
        return False
    if access.completed_at is None and completion.needs_submission(access.assignment, access.submitted_at):
        raise AssignmentMissing()
    if access.completed_at is None and completion.needs_quiz(access.quiz, access.quiz_done_at):
        raise QuizMissing()
    return await _complete(tx, access.lesson_id, access.enrolment_id)


async def submit(tx: Tx, access: LessonAccess) -> None:
    """Note that a student has submitted a lesson's assignment.

    That completes the lesson where it is required, and no required quiz is left.
    """
    if access.enrolment_id is None or not access.is_open:
        return
    await repository.lock(tx, access.enrolment_id)
    await reminders.touch(tx, access.enrolment_id)
    await repository.submit(tx, access.enrolment_id, access.lesson_id)
    if completion.completes(access.assignment):
        await _complete_by_tasks(tx, access.lesson_id, access.enrolment_id)


async def lock(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Have a student's lessons completed one at a time; before their attempts at quizzes are locked."""
    await repository.lock(tx, enrolment_id)


async def finish_quiz(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
    """Note that a student has passed a lesson's quiz, or has no attempt left.

    That completes the lesson where the quiz is required, no required assignment is left, and the student has access.
    """
    await repository.finish_quiz(tx, enrolment_id, lesson_id)
    await _complete_by_tasks(tx, lesson_id, enrolment_id, by_quiz=True)


async def _complete_by_tasks(tx: Tx, lesson_id: LessonId, enrolment_id: EnrolmentId, *, by_quiz: bool = False) -> None:
    await repository.lock(tx, enrolment_id)  # the quiz and the assignment may be finished at one time
    tasks = await repository.find_tasks(tx, enrolment_id, lesson_id)
    if tasks is None or not tasks.live:
        return
    assignment = rules.assignment_need(has=tasks.has_assignment, required=tasks.assignment_required)
    quiz = rules.quiz_need(has=tasks.has_quiz, required=tasks.quiz_required)
    if by_quiz and quiz is not QuizNeed.REQUIRED:
        return
    if completion.needs_submission(assignment, tasks.submitted_at) or completion.needs_quiz(quiz, tasks.quiz_done_at):
        return
    await _complete(tx, lesson_id, enrolment_id)


async def _complete(tx: Tx, lesson_id: LessonId, enrolment_id: EnrolmentId) -> bool:
    await repository.lock(tx, enrolment_id)
    await reminders.touch(tx, enrolment_id)
    first = await repository.complete_lesson(tx, enrolment_id, lesson_id)
    if first:
        _tell(tx, await repository.finish(tx, enrolment_id=enrolment_id))
        await schedule.lesson_completed(tx, enrolment_id)
    return first


async def settle(tx: Tx, course_id: CourseId) -> int:
    """Complete the course for those who miss no lesson any more, as one was deleted or made optional; how many."""
    finished = await repository.finish(tx, course_id=course_id)
    _tell(tx, finished)
    return len(finished)


def _tell(tx: Tx, finished: Iterable[tuple[EnrolmentId, UserId, datetime]]) -> None:
    for enrolment_id, user_id, at in finished:
        tx.emit(CourseCompleted(enrolment_id=enrolment_id, user_id=user_id, completed_at=at))
