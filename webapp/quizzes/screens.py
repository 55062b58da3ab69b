"""Quizzes as students take them, and as teachers see what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.courses.types.quiz import LONGEST_OPTION
from backend.kernel.ids import UserId
from backend.kernel.text import Locale, pick
from backend.quizzes.types import (
    Attempt,
    AttemptReview,
    AttemptRow,
    Finished,
    QuestionFigures,
    QuizFacts,
    QuizPage,
    QuizResults,
    ReviewedQuestion,
    ShownQuestion,
)

RESULTS = "/admin/quizzes"

Shows = Literal["none", "start", "question", "check", "result"]


class QuizView(msgspec.Struct, frozen=True, kw_only=True):
    """quizzes/quiz.html: what of a quiz is shown."""

    shows: Shows
    path: str
    lesson_href: str
    title: str
    day: int
    preview: bool
    facts: QuizFacts | None = None
    attempt: str = ""
    number: int = 0
    """The attempt that runs, or the one that would be started."""
    left: int | None = None
    """How many attempts can be started; None for any number."""
    may_start: bool = False
    deadline: datetime | None = None
    place: int = 1
    count: int = 0
    question: ShownQuestion | None = None
    questions: tuple[ShownQuestion, ...] = ()
    result: Finished | None = None
    passed: bool = False
    next_href: str = ""
    next_day: int = 0
    """The lesson after this one, where that is open and this one completed."""
    longest: int = LONGEST_OPTION

    @property
    def unanswered(self) -> int:
        """How many questions have no answer."""
        return sum(question.answer is None for question in self.questions)


def quiz_view(page: QuizPage, at: int | None = None) -> QuizView:
    """A quiz as it stands; ``at`` is the question that is asked for, from 1, the one after the last for all of them."""
    base = f"/learn/{page.course_slug}/{page.lesson_slug}"
    most = page.facts.attempts if page.facts else 0
    view = QuizView(
        shows="none" if page.facts is None else "start",
        path=f"{base}/quiz",
        lesson_href=base,
        title=page.title,
        day=page.day,
        preview=page.preview,
        facts=page.facts,
        number=page.used + 1,
        left=None if most is None else max(most - page.used, 0),
        may_start=page.may_start,
        passed=page.passed,
        next_href=f"/learn/{page.course_slug}/{page.next.slug}" if page.next and page.completed else "",
        next_day=page.next.day if page.next else 0,
    )
    if page.running is not None:
        running = page.running
        count = len(running.questions)
        place = min(max(at or running.place, 1), count + 1)
        return msgspec.structs.replace(
            view,
            shows="check" if place > count else "question",
            attempt=str(running.id),
            number=running.number,
            deadline=running.deadline_at,
            place=place,
            count=count,
            question=running.questions[place - 1] if place <= count else None,
            questions=running.questions,
        )
    if page.last is not None:
        return msgspec.structs.replace(view, shows="result", result=page.last)
    return view


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in a list; ``name`` is the student's, or the lesson's on a student's own list."""

    href: str
    name: str
    number: int
    points: int | None
    total: int
    state: Literal["running", "passed", "failed"]
    at: datetime
    timed_out: bool


class ResultsPage(msgspec.Struct, frozen=True, kw_only=True):
    """quizzes/admin/results.html: what came of a lesson's quiz."""

    lesson: str
    day: int
    edit_href: str
    students: int
    passed: int
    questions: tuple[QuestionFigures, ...]
    rows: tuple[ResultRow, ...]
    next_url: str | None


class StudentResultsPage(msgspec.Struct, frozen=True):
    """quizzes/admin/student.html: the attempts of one student."""

    rows: tuple[ResultRow, ...]


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """quizzes/admin/attempt.html: an attempt with the right answers."""

    row: ResultRow
    lesson: str
    day: int
    percent: int
    started_at: datetime
    questions: tuple[ReviewedQuestion, ...]


def results_page(
    results: QuizResults, names: Mapping[UserId, str], locale: Locale, *, next_url: str | None, edit_href: str
) -> ResultsPage:
    """What came of a lesson's quiz."""
    return ResultsPage(
        lesson=pick(results.about.name, locale),
        day=results.about.day,
        edit_href=edit_href,
        students=results.students,
        passed=results.passed,
        questions=results.questions,
        rows=tuple(_row(one, names.get(one.user_id, "")) for one in results.attempts),
        next_url=next_url,
    )


def student_page(rows: list[AttemptRow], locale: Locale) -> StudentResultsPage:
    """The attempts of one student, the latest first."""
    return StudentResultsPage(tuple(_row(one.attempt, pick(one.about.name, locale)) for one in rows))


def attempt_page(review: AttemptReview, name: str, locale: Locale) -> AttemptPage:
    """An attempt of the student ``name``."""
    attempt = review.attempt
    return AttemptPage(
        row=_row(attempt, name),
        lesson=pick(review.about.name, locale),
        day=review.about.day,
        percent=(attempt.points or 0) * 100 // attempt.total if attempt.total else 0,
        started_at=attempt.started_at,
        questions=review.questions,
    )


def _row(attempt: Attempt, name: str) -> ResultRow:
    state: Literal["running", "passed", "failed"] = "passed" if attempt.passed else "failed"
    return ResultRow(
        href=f"{RESULTS}/attempts/{attempt.id}",
        name=name,
        number=attempt.number,
        points=attempt.points,
        total=attempt.total,
        state="running" if attempt.finished_at is None else state,
        at=attempt.finished_at or attempt.started_at,
        timed_out=attempt.timed_out,
    )
