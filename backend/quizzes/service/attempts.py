"""Students attempt quizzes: begun, answered, submitted, or closed when the time has run out."""

from __future__ import annotations

from typing import Final

from backend.courses.domain import access, progress, reminders
from backend.courses.domain import quizzes as courses
from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.access import LessonAccess
from backend.courses.types.quiz import Quiz
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.text import Locale
from backend.quizzes import domain, repository, rules
from backend.quizzes.errors import AttemptOver, NoAttemptsLeft, NoQuiz
from backend.quizzes.types import (
    Answer,
    Attempt,
    AttemptId,
    Finished,
    NextLesson,
    QuizPage,
    QuizState,
    Running,
)

_CLOSED_AT_ONCE: Final = 100


class AttemptsService:
    """Attempts of students, which live here: a page only shows how they stand."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    @retry_conflicts
    async def page(self, actor: Actor, course: str, lesson: str) -> QuizPage:
        """The quiz of an open lesson, with the attempt that runs and the last one that has ended.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow.read() as tx:
            shown = await self._page(tx, actor, course, lesson)
        if shown is None:
            # A page that is read after the deadline shows a result, whenever the worker comes to it.
            async with self._uow() as tx:
                entry, _ = (await access.list_around(tx, actor, course, lesson))[0]
                if entry.enrolment_id is not None:
                    await domain.close_late(tx, entry.enrolment_id, entry.lesson_id)
            async with self._uow.read() as tx:
                shown = await self._page(tx, actor, course, lesson)
        if shown is None:
            raise NotFound("an attempt ended while it was read")
        return shown

    async def _page(self, tx: Tx, actor: Actor, course: str, lesson: str) -> QuizPage | None:
        """What the page shows; None where an attempt must be closed first."""
        around = await access.list_around(tx, actor, course, lesson)
        entry, row = around[0]
        access.check_open(entry)
        attempts = await _attempts(tx, entry.enrolment_id, entry.lesson_id)
        if any(one.is_late(tx.now) for one in attempts):
            return None
        stored = await courses.find_quiz(tx, entry.lesson_id)
        quiz, locale = stored.quiz if stored else None, actor.language
        running = next((one for one in attempts if one.finished_at is None), None)
        over = [one for one in attempts if one.finished_at is not None]
        after = around.get(1)
        return QuizPage(
            course_slug=course,
            lesson_slug=lesson,
            title=row.title,
            day=entry.day,
            facts=rules.facts(quiz) if quiz else None,
            running=await _running(tx, running, locale) if running else None,
            last=await _finished(tx, over[-1], quiz, attempts, locale) if over else None,
            passed=any(one.passed for one in over),
            used=len(attempts),
            completed=entry.completed_at is not None,
            next=NextLesson(after[0].slug, after[0].day) if after and after[0].is_open else None,
            preview=entry.preview,
        )

    async def find_state(self, actor: Actor, lesson_id: LessonId) -> QuizState:
        """How the actor stands with a lesson's quiz, in their present run of the course. Raises NotFound."""
        async with self._uow.read() as tx:
            entry = await access.can_open(tx, actor, lesson_id)
            return rules.state_of(await _attempts(tx, entry.enrolment_id, lesson_id))

    @retry_conflicts
    async def start(self, actor: Actor, course: str, lesson: str, *, number: int) -> None:
        """Begin the attempt of this number; a page that is out of date begins no other one.

        Raises NoQuiz, NoAttemptsLeft, NotFound, Forbidden (a preview, too), AccessEnded, LessonLocked.
        """
        async with self._uow() as tx:
            entry, enrolment_id = await _open(tx, actor, course, lesson)
            stored = await courses.find_quiz(tx, entry.lesson_id)
            if stored is None:
                raise NoQuiz()
            await _touch(tx, enrolment_id)
            await domain.close_late(tx, enrolment_id, entry.lesson_id)
            attempts = await repository.list_attempts(tx, enrolment_id, entry.lesson_id)
            if len(attempts) >= number:
                return
            if stored.quiz.attempts is not None and len(attempts) >= stored.quiz.attempts:
                raise NoAttemptsLeft()
            attempt = Attempt(
                id=AttemptId(tx.new_id()),
                enrolment_id=enrolment_id,
                user_id=actor.id,
                lesson_id=entry.lesson_id,
                quiz_version=stored.version,
                number=len(attempts) + 1,
                place=1,
                started_at=tx.now,
                deadline_at=rules.deadline(stored.quiz, tx.now),
                finished_at=None,
                timed_out=False,
                points=None,
                total=stored.quiz.total,
                passed=None,
            )
            # One that is started by two taps at once, or runs already, is the same one.
            await repository.add(tx, attempt)

    @retry_conflicts
    async def answer(
        self,
        actor: Actor,
        course: str,
        lesson: str,
        attempt_id: AttemptId,
        question_id: str,
        answer: Answer,
        *,
        place: int | None = None,
    ) -> None:
        """Store an answer instead of the one before; an empty one takes that back.

        ``place`` is the question, from 1, to which the student goes. Raises AttemptOver after a submission and after
        the deadline, which closes the attempt; Invalid, NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow() as tx:
            _, enrolment_id = await _open(tx, actor, course, lesson)
            attempt = await _own(tx, attempt_id, enrolment_id)
            over = attempt.finished_at is not None or attempt.is_late(tx.now)
            if not over:
                quiz = await courses.get_version(tx, attempt.lesson_id, attempt.quiz_version)
                question = next((one for one in quiz.questions if one.id == question_id), None)
                if question is None:
                    raise NotFound("a question of another quiz")
                await repository.save_answer(tx, attempt.id, question_id, rules.check_answer(question, answer))
                if place is not None:
                    await repository.set_place(tx, attempt.id, min(max(place, 1), len(quiz.questions) + 1))
        if over:
            await self._close(attempt_id)
            raise AttemptOver()

    @retry_conflicts
    async def submit(self, actor: Actor, course: str, lesson: str, attempt_id: AttemptId) -> None:
        """Finish an attempt; one that has ended stays as it is.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow() as tx:
            _, enrolment_id = await _open(tx, actor, course, lesson)
            await _touch(tx, enrolment_id)
            await domain.finish(tx, await _own(tx, attempt_id, enrolment_id))

    async def close_late(self) -> int:
        """Finish the attempts whose time has run out, though nobody came back; how many."""
        count = 0
        while True:
            async with self._uow.read() as tx:
                late = await repository.list_late(tx, _CLOSED_AT_ONCE)
            for attempt_id in late:
                await self._close(attempt_id)
            count += len(late)
            if len(late) < _CLOSED_AT_ONCE:
                return count

    @retry_conflicts
    async def _close(self, attempt_id: AttemptId) -> None:
        async with self._uow() as tx:
            await progress.lock(tx, (await repository.get(tx, attempt_id)).enrolment_id)
            attempt = await repository.get(tx, attempt_id, locked=True)
            if attempt.is_late(tx.now):
                await domain.finish(tx, attempt)


async def _attempts(tx: Tx, enrolment_id: EnrolmentId | None, lesson_id: LessonId) -> list[Attempt]:
    return [] if enrolment_id is None else await repository.list_attempts(tx, enrolment_id, lesson_id)


async def _open(tx: Tx, actor: Actor, course: str, lesson: str) -> tuple[LessonAccess, EnrolmentId]:
    """A lesson that is open to a student. Raises Forbidden for a preview."""
    entry, _ = (await access.list_around(tx, actor, course, lesson))[0]
    access.check_open(entry)
    if entry.enrolment_id is None:
        raise Forbidden("a preview has no attempts")
    return entry, entry.enrolment_id


async def _touch(tx: Tx, enrolment_id: EnrolmentId) -> None:
    """Note that a student is not quiet, and lock their progress before an attempt of theirs."""
    await progress.lock(tx, enrolment_id)
    await reminders.touch(tx, enrolment_id)


async def _own(tx: Tx, attempt_id: AttemptId, enrolment_id: EnrolmentId) -> Attempt:
    """An attempt of an enrolment, locked. Raises NotFound for another's."""
    attempt = await repository.get(tx, attempt_id, locked=True)
    if attempt.enrolment_id != enrolment_id:
        raise NotFound("an attempt of somebody else")
    return attempt


async def _running(tx: Tx, attempt: Attempt, locale: Locale) -> Running:
    quiz = await courses.get_version(tx, attempt.lesson_id, attempt.quiz_version)
    answers = await repository.list_answers(tx, attempt.id)
    return Running(
        id=attempt.id,
        number=attempt.number,
        place=attempt.place,
        deadline_at=attempt.deadline_at,
        questions=tuple(rules.shown(one, answers.get(one.id), locale) for one in quiz.questions),
    )


async def _finished(tx: Tx, attempt: Attempt, now: Quiz | None, attempts: list[Attempt], locale: Locale) -> Finished:
    """A finished attempt; the right answers are in it only where the quiz shows them by now."""
    quiz = await courses.get_version(tx, attempt.lesson_id, attempt.quiz_version)
    passed = any(one.passed for one in attempts)
    done = rules.is_done(passed=passed, number=attempt.number, attempts=(now or quiz).attempts)
    # Not while another attempt runs.
    shows = rules.shows_answers(quiz.show_answers, done=done) and attempts[-1].id == attempt.id
    return Finished(
        id=attempt.id,
        number=attempt.number,
        points=attempt.points or 0,
        total=attempt.total,
        passed=bool(attempt.passed),
        timed_out=attempt.timed_out,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at or attempt.started_at,
        questions=await domain.review(tx, attempt, locale, answers=shows),
    )
