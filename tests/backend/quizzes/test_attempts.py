"""Attempts live on the server: resumed, seen in two tabs, closed by their deadline, counted once."""

from __future__ import annotations

import asyncio

import pytest

from backend.courses.domain import access, progress
from backend.courses.errors import AccessEnded, AssignmentMissing, QuizMissing
from backend.courses.types.quiz import ShowAnswers
from backend.identity.types import Actor
from backend.kernel.errors import Forbidden, NotFound
from backend.quizzes.errors import AttemptOver, NoAttemptsLeft, NoQuiz
from backend.quizzes.types import Answer, QuizState
from tests.backend.quizzes.desk import COURSE, LESSON, QUIZ, RIGHT, WRONG, Desk
from tests.factories.courses import enrolments_of
from tests.factories.shop import buyers


async def _end_access(desk: Desk, student: Actor) -> None:
    (enrolment,) = await enrolments_of(desk.uow, student)
    for grant in (await desk.school.students.get(desk.teacher, enrolment)).grants:
        await desk.school.students.revoke(desk.teacher, grant.id, "asked for")


async def test_an_attempt_is_resumed_where_it_was_left_and_every_page_shows_it(desk: Desk) -> None:
    student = await desk.student()
    running = await desk.start(student)
    await desk.answer(student, running, 1, RIGHT[0], place=2)
    await desk.answer(student, running, 2, Answer((3, 1)), place=3)
    await desk.answer(student, running, 3, Answer(text="draft"))
    again = await desk.start(student)  # another device, or a second tap
    assert (again.id, again.place, again.deadline_at) == (running.id, 3, running.deadline_at)
    assert [one.answer for one in again.questions] == [RIGHT[0], Answer((1, 3)), Answer(text="draft")]
    await desk.answer(student, again, 3, Answer())
    other_tab = (await desk.page(student)).running
    assert other_tab is not None and other_tab.questions[2].answer is None
    assert await desk.services.attempts.find_state(student, desk.lessons[LESSON]) is QuizState.RUNNING


async def test_a_result_says_what_was_right_and_the_answers_only_at_the_end(desk: Desk) -> None:
    student = await desk.student()
    page = await desk.attempt(student, RIGHT[0], *WRONG[1:])
    assert page.last is not None
    assert (page.last.points, page.last.total, page.last.percent, page.last.passed) == (1, 4, 25, False)
    assert [one.right for one in page.last.questions] == [True, False, False]
    assert [one.given for one in page.last.questions] == [("Your breath",), ("A road",), ("silence",)]
    assert not any(one.answers for one in page.last.questions)
    assert page.may_start and not page.completed
    second = await desk.start(student, 2)
    during = await desk.page(student)
    assert during.last is not None and not any(one.answers for one in during.last.questions)
    for number, answer in enumerate(RIGHT, start=1):
        await desk.answer(student, second, number, answer)
    page = await desk.submit(student, second)
    assert page.last is not None and page.last.passed and page.passed and not page.may_start
    assert page.last.questions[1].answers == ("A road", "A bird")
    assert page.last.questions[2].answers == ("The sound", "sound")


@pytest.mark.parametrize(("show", "seen"), [(ShowAnswers.AFTER_EACH, True), (ShowAnswers.NEVER, False)])
async def test_authors_say_when_the_right_answers_are_shown(desk: Desk, show: ShowAnswers, seen: bool) -> None:
    await desk.change_quiz(show_answers=show)
    page = await desk.attempt(await desk.student(), *WRONG)
    assert page.last is not None and any(one.answers for one in page.last.questions) is seen


async def test_a_required_quiz_completes_its_lesson_when_it_is_passed(desk: Desk) -> None:
    student = await desk.student()
    with pytest.raises(QuizMissing):
        await desk.complete(student)
    failed = await desk.attempt(student, *WRONG)
    assert not failed.completed
    with pytest.raises(QuizMissing):
        await desk.complete(student)
    passed = await desk.attempt(student, *RIGHT, number=2)
    assert passed.completed and (await desk.progress(student)).done == 1
    assert not await desk.complete(student)
    assert await desk.services.attempts.find_state(student, desk.lessons[LESSON]) is QuizState.PASSED


async def test_the_last_attempt_completes_it_whatever_came_of_it(desk: Desk) -> None:
    student = await desk.student()
    await desk.attempt(student, *WRONG)
    assert (await desk.attempt(student, *WRONG, number=2)).completed
    with pytest.raises(NoAttemptsLeft):
        await desk.start(student, 3)
    await desk.change_quiz(attempts=None)
    assert (await desk.start(student, 3)).number == 3


async def test_an_optional_quiz_completes_nothing_and_hinders_nothing(desk: Desk) -> None:
    await desk.change_quiz(required=False)
    student, other = await desk.student(), await desk.student()
    assert not (await desk.attempt(student, *RIGHT)).completed
    assert await desk.complete(student) and await desk.complete(other)


async def test_an_answer_after_the_deadline_is_refused_and_the_attempt_counts_as_it_was_then(desk: Desk) -> None:
    student = await desk.student()
    running = await desk.start(student)
    await desk.answer(student, running, 1, RIGHT[0])
    await desk.answer(student, running, 2, RIGHT[1])
    desk.clock.move(minutes=9, seconds=59)
    await desk.answer(student, running, 3, WRONG[2])
    desk.clock.move(seconds=1)
    for _ in range(2):
        with pytest.raises(AttemptOver):
            await desk.answer(student, running, 3, RIGHT[2])
    page = await desk.page(student)
    assert page.running is None and page.last is not None
    assert (page.last.points, page.last.passed, page.last.timed_out) == (3, True, True)
    assert page.last.finished_at == running.deadline_at and page.completed
    await desk.services.attempts.submit(student, COURSE, LESSON, running.id)
    assert (await desk.page(student)).last == page.last


async def test_an_attempt_ends_though_nobody_comes_back(desk: Desk) -> None:
    student, other = await desk.student(), await desk.student()
    running = await desk.start(student)
    for number, answer in enumerate(RIGHT, start=1):
        await desk.answer(student, running, number, answer)
    desk.clock.move(minutes=5)
    await desk.start(other)
    desk.clock.move(minutes=5)
    assert await desk.services.attempts.close_late() == 1
    assert await desk.services.attempts.close_late() == 0
    assert (await desk.progress(student)).done == 1
    assert (await desk.page(other)).running is not None
    desk.clock.move(hours=9)
    page = await desk.page(other)  # read before the worker came to it
    assert page.running is None and page.last is not None and page.last.timed_out


async def test_without_a_limit_an_attempt_waits(desk: Desk) -> None:
    await desk.change_quiz(minutes=None)
    student = await desk.student()
    running = await desk.start(student)
    desk.clock.move(days=400)
    assert await desk.services.attempts.close_late() == 0
    await desk.answer(student, running, 1, RIGHT[0])


async def test_an_attempt_keeps_the_quiz_that_it_began_with(desk: Desk) -> None:
    student = await desk.student()
    running = await desk.start(student)
    questions = QUIZ.questions[:1]
    await desk.change_quiz(questions=questions, minutes=1, passing_percent=100)
    same = (await desk.page(student)).running
    assert same is not None and same.questions == running.questions and same.deadline_at == running.deadline_at
    await desk.set_quiz(None)
    for number, answer in enumerate(RIGHT[:2], start=1):
        await desk.answer(student, same, number, answer)
    page = await desk.submit(student, same)
    assert page.last is not None and (page.last.points, page.last.total, page.last.passed) == (3, 4, True)
    assert page.facts is None and not page.may_start
    with pytest.raises(NoQuiz):
        await desk.start(student, 2)
    assert await desk.complete(student)


async def test_who_may_attempt(desk: Desk) -> None:
    student, other = await desk.student(), await desk.student()
    (stranger,) = await buyers(desk.uow, 1, 0)
    running = await desk.start(student)
    await desk.start(other)
    for person, refusal in ((stranger, Forbidden), (desk.teacher, Forbidden), (other, NotFound)):
        with pytest.raises(refusal):
            await desk.answer(person, running, 1, RIGHT[0])
        with pytest.raises(refusal):
            await desk.submit(person, running)
    with pytest.raises(Forbidden):
        await desk.page(stranger)
    preview = await desk.page(desk.teacher)
    assert preview.preview and not preview.may_start and preview.running is None
    with pytest.raises(Forbidden):
        await desk.start(desk.teacher)
    with pytest.raises(NotFound):
        await desk.services.attempts.answer(student, COURSE, LESSON, running.id, "another", Answer((1,)))
    (row,) = await desk.rows("SELECT count(*) FROM quiz_attempts")
    assert row.count == 2


async def test_losing_access_closes_the_quiz_and_loses_nothing(desk: Desk) -> None:
    student = await desk.student()
    running = await desk.start(student)
    for number, answer in enumerate(RIGHT, start=1):
        await desk.answer(student, running, number, answer)
    await _end_access(desk, student)
    for act in (desk.page(student), desk.submit(student, running), desk.answer(student, running, 1, WRONG[0])):
        with pytest.raises(AccessEnded):
            await act
    desk.clock.move(minutes=10)
    assert await desk.services.attempts.close_late() == 1
    (row,) = await desk.services.results.of_student(desk.teacher, (await enrolments_of(desk.uow, student))[0])
    assert (row.attempt.passed, row.attempt.points) == (True, 4)


async def test_a_quiz_and_an_assignment_that_are_required_complete_the_lesson_together(desk: Desk) -> None:
    lesson = await desk.school.editing.get(desk.teacher, desk.lessons[LESSON])
    ((locale, words),) = lesson.fields.texts.items()
    fields = type(lesson.fields)(slug=LESSON, texts={locale: type(words)(words.title, words.body, "Write.")})
    await desk.school.editing.change(desk.teacher, lesson.id, fields, version=lesson.version)
    student = await desk.student()
    assert not (await desk.attempt(student, *RIGHT)).completed
    with pytest.raises(AssignmentMissing):
        await desk.complete(student)
    async with desk.uow() as tx:
        await progress.submit(tx, await access.can_open(tx, student, lesson.id))
    assert (await desk.page(student)).completed
    other = await desk.student()
    async with desk.uow() as tx:
        await progress.submit(tx, await access.can_open(tx, other, lesson.id))
    with pytest.raises(QuizMissing):
        await desk.complete(other)
    assert (await desk.attempt(other, *RIGHT)).completed


async def test_a_page_that_is_out_of_date_begins_no_other_attempt(desk: Desk) -> None:
    student = await desk.student()
    await desk.attempt(student, *WRONG)
    await desk.services.attempts.start(student, COURSE, LESSON, number=1)
    page = await desk.page(student)
    assert (page.used, page.running) == (1, None)


async def test_teachers_see_attempts_and_how_each_question_was_answered(desk: Desk) -> None:
    student, other = await desk.student(), await desk.student()
    await desk.attempt(student, *WRONG)
    await desk.attempt(student, *RIGHT, number=2)
    await desk.start(other)
    results = await desk.services.results.of_lesson(desk.teacher, desk.lessons[LESSON])
    assert (results.students, results.passed) == (2, 1)
    assert [(one.asked, one.right, one.percent) for one in results.questions] == [(2, 1, 50)] * 3
    assert [(one.user_id, one.number, one.passed) for one in results.attempts] == [
        (other.id, 1, None), (student.id, 2, True), (student.id, 1, False),
    ]  # fmt: skip
    review = await desk.services.results.attempt(desk.teacher, results.attempts[2].id)
    assert [(one.given, one.right) for one in review.questions] == [
        (("A road",), False), (("A road",), False), (("silence",), False),
    ]  # fmt: skip
    assert review.questions[0].answers == ("Your breath",)
    for act in (
        desk.services.results.of_lesson(student, desk.lessons[LESSON]),
        desk.services.results.attempt(student, results.attempts[2].id),
    ):
        with pytest.raises(Forbidden):
            await act


async def test_submitted_at_the_same_time_it_counts_once(committed_desk: Desk) -> None:
    desk = committed_desk
    student = await desk.student()
    await asyncio.gather(*(desk.services.attempts.start(student, COURSE, LESSON, number=1) for _ in range(4)))
    running = (await desk.page(student)).running
    assert running is not None
    for number, answer in enumerate(RIGHT, start=1):
        await desk.answer(student, running, number, answer)
    late = [desk.answer(student, running, 1, WRONG[0]) for _ in range(3)]
    submits = [desk.services.attempts.submit(student, COURSE, LESSON, running.id) for _ in range(5)]
    results = await asyncio.gather(*submits, *late, return_exceptions=True)
    assert results[:5] == [None] * 5
    assert {type(one) for one in results[5:]} <= {AttemptOver, type(None)}
    page = await desk.page(student)
    assert page.last is not None and page.used == 1
    # Whichever answer came first: the points are those of the answers that are stored.
    assert page.last.points == (4 if page.last.questions[0].right else 3)
    (row,) = await desk.rows("SELECT count(*) AS n, sum(is_right::int) AS right FROM quiz_answers")
    assert (row.n, row.right) == (3, sum(one.right for one in page.last.questions))
    (done,) = await desk.rows("SELECT count(*) FROM lesson_progress WHERE completed_at IS NOT NULL")
    assert done.count == 1 and page.completed
