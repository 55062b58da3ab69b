"""A quiz on its pages: started, answered, resumed in another tab, checked, submitted; what teachers see of it."""

from __future__ import annotations

import re
from typing import Final

from litestar import Litestar
from msgspec.structs import replace

from backend.courses.types.quiz import Quiz
from backend.identity.types import Permission
from backend.kernel.text import Locale
from tests.backend.quizzes.desk import QUIZ, option
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.courses.school import Classroom
from tests.webapp.sale import plain

_LESSON = "/learn/calm/lesson-1"
_QUIZ = f"{_LESSON}/quiz"


def _field(html: str, name: str) -> str:
    match = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert match is not None, name
    return match[1]


async def _student(room: Classroom) -> Visitor:
    visitor, actor = await room.arrive()
    await room.open(await room.gift(actor), 2)
    return visitor


async def _start(student: Visitor) -> str:
    page = (await student.get(_QUIZ)).text
    started = await student.post(f"{_QUIZ}/start", data={"number": _field(page, "number")})
    assert started.status_code == 200, started.text
    return started.text


async def _answer(student: Visitor, html: str, **more: object) -> str:
    """Answer the question that a page shows; the page that follows."""
    data = {"attempt": _field(html, "attempt"), "question": _field(html, "question"), **more}
    answer = await student.post(f"{_QUIZ}/answers", data=data)
    assert answer.status_code == 200, answer.text
    return answer.text


async def _take(student: Visitor) -> str:
    """Answer all of the quiz right; the page that checks it."""
    page = await _start(student)
    page = await _answer(student, page, choice="2", to="2")
    page = await _answer(student, page, choice=["1", "3"], to="3")
    return await _answer(student, page, text="Sound!", to="4")


async def test_a_quiz_from_the_lesson_to_its_result(room: Classroom) -> None:
    student = await _student(room)
    lesson = (await student.get(_LESSON)).text
    assert "Go to the quiz" in lesson and "/done" not in lesson
    done = await student.post("/courses/calm/lessons/lesson-1/done")
    assert (done.status_code, done.headers["x-error-code"]) == (409, "quiz_missing")
    start = plain((await student.get(_QUIZ)).text)
    assert "Questions 3" in start and "10 minutes" in start and "75%" in start and "Attempts left 2" in start
    first = await _start(student)
    assert "Question 1 of 3" in first and "Which is nearest?" in first and 'data-left="600"' in first
    assert 'value="2" checked' not in first
    assert "Saved" in await _answer(student, first, choice="2")
    second = await _answer(student, first, choice="2", to="2")
    assert "Question 2 of 3" in second and "2 points" in second
    assert "Not answered" in await _answer(student, second)
    third = await _answer(student, second, choice=["3", "1"], to="3")
    assert "Question 3 of 3" in third and "Check answers" in third
    other_tab = (await student.get(_QUIZ)).text
    assert "Question 3 of 3" in other_tab
    back = (await student.get(f"{_QUIZ}?q=2")).text
    assert 'value="1" checked' in back and 'value="2" checked' not in back and 'value="3" checked' in back
    check = plain(await _answer(student, third, text="  ", to="4"))
    assert "1 question has no answer." in check
    assert "Not finished" in (await student.get(_LESSON)).text
    final = await _answer(student, third, text="the sound.", to="4")
    result = await student.post(f"{_QUIZ}/submit", data={"attempt": _field(final, "attempt")})
    said = plain(result.text)
    assert "Passed" in said and "100%" in said and "4 of 4 points" in said and "Attempts left 1" in said
    assert "Correct answer: A road, A bird" in said and "Open day 2" in said and "Try again" in said
    assert "Passed" in (after := (await student.get(_LESSON)).text) and "Go to the quiz" not in after


async def test_after_the_deadline_every_tab_shows_what_came_of_it(room: Classroom, clock: FakeClock) -> None:
    student = await _student(room)
    first = await _start(student)
    await _answer(student, first, choice="2")
    clock.move(minutes=10)
    data = {"attempt": _field(first, "attempt"), "question": _field(first, "question"), "choice": "1"}
    late = await student.post(f"{_QUIZ}/answers", data=data)
    assert (late.status_code, late.headers["x-error-code"]) == (409, "attempt_over")
    assert late.headers["hx-retarget"] == "#app"
    for shown in (late.text, (await student.get(_QUIZ)).text):
        assert "Time ran out." in shown and "1 of 4 points" in plain(shown) and "Try again" in shown
    again = await student.post(f"{_QUIZ}/submit", data={"attempt": data["attempt"]})
    assert "1 of 4 points" in plain(again.text) and "Attempts left 1" in plain(again.text)


async def test_what_no_page_sends_is_refused(room: Classroom) -> None:
    student, other = await _student(room), await _student(room)
    first = await _start(student)
    data = {"attempt": _field(first, "attempt"), "question": _field(first, "question")}
    for more in (
        {"choice": "x"},
        {"choice": "0"},
        {"choice": "9"},
        {"choice": ["1", "2"]},
        {"text": "x"},
        {"to": "-1"},
    ):
        assert (await student.post(f"{_QUIZ}/answers", data={**data, **more})).status_code == 400, more
    third = await _answer(student, await _answer(student, first, to="2"), to="3")
    data["question"] = _field(third, "question")
    long = await student.post(f"{_QUIZ}/answers", data={**data, "text": "x" * 300})
    assert long.status_code == 422 and "The text is too long." in long.text
    assert (await other.post(f"{_QUIZ}/answers", data=data)).status_code == 404
    assert (await other.post(f"{_QUIZ}/submit", data=data)).status_code == 404
    stranger, _ = await room.arrive()
    for answer in (
        await stranger.get(_QUIZ),
        await stranger.post(f"{_QUIZ}/start", data={"number": "1"}),
        await stranger.post(f"{_QUIZ}/answers", data=data),
        await student.get("/learn/calm/lesson-4/quiz"),
    ):
        assert answer.status_code == 403


async def test_a_teacher_looks_and_starts_nothing(room: Classroom, make_admin: MakeAdmin) -> None:
    teacher = await make_admin(81, Permission.TEACHING)
    page = (await teacher.get(_QUIZ)).text
    assert "Nothing is recorded." in page and "Start quiz" not in page
    assert (await teacher.post(f"{_QUIZ}/start", data={"number": "1"})).status_code == 403
    assert "Go to the quiz" in (await teacher.get(f"{_LESSON}?day=1")).text
    assert "No quiz" in (await (await _student(room)).get("/learn/calm/lesson-2/quiz")).text


async def test_a_teacher_sees_attempts_and_how_each_question_was_answered(
    room: Classroom, make_admin: MakeAdmin
) -> None:
    student, actor = await room.arrive()
    enrolment = await room.gift(actor)
    await room.open(enrolment, 2)
    await student.post(f"{_QUIZ}/submit", data={"attempt": _field(await _take(student), "attempt")})
    await _start(await _student(room))
    teacher, money = await make_admin(81, Permission.TEACHING), await make_admin(82, Permission.MONEY)
    path = f"/admin/courses/{room.course}/lessons/{room.lessons[0]}/results"
    assert (await money.get(path)).status_code == 403
    page = await teacher.get(path)
    said = plain(page.text)
    assert "Students who started 2" in said and "Students who passed 1" in said and "1 of 1" in said
    hrefs = re.findall(r'href="(/admin/quizzes/attempts/[0-9a-f-]{36})"', page.text)
    assert len(hrefs) == 2
    attempt = plain((await teacher.get(hrefs[1])).text)
    assert "Answer: Your breath" in attempt and "Correct answer: The sound, sound" in attempt and "100%" in attempt
    assert "Not finished" in (await teacher.get(hrefs[0])).text
    mine = await teacher.get(f"/admin/courses/{room.course}/students/{enrolment}/quizzes")
    assert "Lesson 1" in mine.text and len(re.findall("/admin/quizzes/attempts/", mine.text)) == 1
    student_page = await teacher.get(f"/admin/courses/{room.course}/students/{enrolment}")
    assert f"/students/{enrolment}/quizzes" in student_page.text


_SECRETS = ("zanzibar", "quokka")


def _with_right(right: int) -> Quiz:
    """A quiz of which only the right answers differ."""
    options = tuple(option(words, right=place == right) for place, words in enumerate(("Up", "Down", "Aside")))
    several = tuple(option(words, right=place != right) for place, words in enumerate(("Red", "Blue", "Grey")))
    single, multiple, typed = QUIZ.questions
    accepted = {Locale.EN: (_SECRETS[right % 2],)}
    return replace(
        QUIZ,
        questions=(
            replace(single, options=options),
            replace(multiple, options=several),
            replace(typed, accepted=accepted),
        ),
    )


async def test_nothing_that_a_student_is_sent_depends_on_what_is_right(room: Classroom, app: Litestar) -> None:
    """With two quizzes that differ only in their right answers every response before a submission is the same."""
    editing, lesson, seen = room.services.courses.quiz_editing, room.lessons[0], []
    api = [path for path, item in app.openapi_schema.paths.items() if item.get and "{" not in path]  # type: ignore[union-attr]
    for right in (0, 1):
        version = (await editing.get(room.teacher, lesson)).version
        await editing.save(room.teacher, lesson, _with_right(right), version=version)
        seen.append(await _all_before_submission(await _student(room), api))
    assert len(seen[0]) == len(seen[1]) > 20
    for first, second in zip(*seen, strict=True):
        assert first == second
        assert not any(secret in first for secret in _SECRETS)
    # The same search finds them once they may be seen.
    student = await _student(room)
    page = await _start(student)
    result = (await student.post(f"{_QUIZ}/submit", data={"attempt": _field(page, "attempt")})).text
    assert not any(secret in result for secret in _SECRETS)
    page = await _start(student)
    result = (await student.post(f"{_QUIZ}/submit", data={"attempt": _field(page, "attempt")})).text
    assert _SECRETS[1] in result


_ID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_PASSING: Final = re.compile(
    r"'(content-length|x-session-token|date|etag|x-request-id|server-timing)', '[^']*'|\d{10}\.[\w-]*\.?[\w-]{43}"
)


async def _all_before_submission(student: Visitor, api: list[str]) -> list[str]:
    """Bodies and headers of every response that has to do with a quiz, and of the JSON API, without ids and times."""
    answers = [await student.get(_LESSON), await student.get(_QUIZ), await student.get("/learn/calm")]
    answers.append(await student.post(f"{_QUIZ}/start", data={"number": "1"}))
    attempt = _field(answers[-1].text, "attempt")
    for place, given in enumerate(({"choice": "1"}, {"choice": ["1", "2"]}, {"text": "guess"}), start=1):
        answers.append(await student.get(f"{_QUIZ}?q={place}"))
        data = {"attempt": attempt, "question": _field(answers[-1].text, "question"), **given}
        answers.append(await student.post(f"{_QUIZ}/answers", data=data))
        answers.append(await student.post(f"{_QUIZ}/answers", data={**data, "to": str(place + 1)}))
    answers += [await student.get(_QUIZ), await student.get(_LESSON), await student.get(_LESSON + "/assignment")]
    for path in api:
        answers.append(await student.get(path, html=False))
    bodies = [f"{one.status_code} {one.text} {sorted(one.headers.items())}" for one in answers]
    return [_PASSING.sub("", _ID.sub("", body)) for body in bodies]
