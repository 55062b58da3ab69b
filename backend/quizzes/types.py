"""Attempts at quizzes. What a student gets of a running attempt has no right answers in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.courses.types import EnrolmentId, LessonId
from backend.courses.types.quiz import QuestionKind
from backend.courses.types.subjects import LessonSubject
from backend.kernel.ids import UserId

AttemptId = NewType("AttemptId", UUID)


class Answer(msgspec.Struct, frozen=True):
    """What is answered to a question: the numbers of chosen options, from 1, or a typed text."""

    choice: tuple[int, ...] = ()
    text: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is answered."""
        return not self.choice and not self.text.strip()


class QuizState(StrEnum):
    """How a student stands with the quiz of a lesson."""

    NEW = "new"
    RUNNING = "running"
    PASSED = "passed"
    """In any attempt."""
    FAILED = "failed"


class Score(msgspec.Struct, frozen=True):
    """What answers are worth: ``right`` are the ids of the questions that were answered right."""

    points: int
    total: int
    right: frozenset[str]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as it is stored."""

    id: AttemptId
    enrolment_id: EnrolmentId
    user_id: UserId
    lesson_id: LessonId
    quiz_version: int
    number: int
    place: int
    started_at: datetime
    deadline_at: datetime | None
    finished_at: datetime | None
    timed_out: bool
    points: int | None
    total: int
    passed: bool | None

    def is_late(self, now: datetime) -> bool:
        """Whether it runs, and its time has run out."""
        return self.finished_at is None and self.deadline_at is not None and self.deadline_at <= now


class ShownQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a student, in their language, with what they have answered so far."""

    id: str
    kind: QuestionKind
    text: str
    options: tuple[str, ...]
    points: int
    answer: Answer | None


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt that runs; ``place`` is the question, from 1, at which it was left."""

    id: AttemptId
    number: int
    place: int
    deadline_at: datetime | None
    questions: tuple[ShownQuestion, ...]


class ReviewedQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a finished attempt: what was answered, and whether that was right."""

    text: str
    points: int
    right: bool
    given: tuple[str, ...]
    """The chosen options or the typed text; empty for no answer."""
    answers: tuple[str, ...] = ()
    """The right options, or the accepted answers; empty where they are not shown."""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that has ended."""

    id: AttemptId
    number: int
    points: int
    total: int
    passed: bool
    timed_out: bool
    started_at: datetime
    finished_at: datetime
    questions: tuple[ReviewedQuestion, ...]

    @property
    def percent(self) -> int:
        """Of the points, rounded down."""
        return self.points * 100 // self.total if self.total else 0


class QuizFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A quiz as it is before it is started."""

    questions: int
    total: int
    minutes: int | None
    passing_percent: int
    attempts: int | None
    required: bool


class NextLesson(msgspec.Struct, frozen=True):
    """The lesson after this one, which is open."""

    slug: str
    day: int


class QuizPage(msgspec.Struct, frozen=True, kw_only=True):
    """The quiz of a lesson for one person."""

    course_slug: str
    lesson_slug: str
    title: str
    day: int
    facts: QuizFacts | None
    """None where the lesson has no quiz any more."""
    running: Running | None
    last: Finished | None
    passed: bool
    """In any attempt."""
    used: int
    """How many attempts were started."""
    completed: bool
    """Whether the lesson is completed."""
    next: NextLesson | None
    preview: bool
    """A teacher looks at it: nothing can be started."""

    @property
    def may_start(self) -> bool:
        """Whether an attempt can be started."""
        if self.facts is None or self.running is not None or self.preview:
            return False
        return self.facts.attempts is None or self.used < self.facts.attempts


class QuestionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How a question was answered in all finished attempts that asked it."""

    text: str
    kind: QuestionKind
    asked: int
    right: int

    @property
    def percent(self) -> int:
        """How often it was answered right, rounded down."""
        return self.right * 100 // self.asked if self.asked else 0


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in a list; ``about`` is its lesson."""

    attempt: Attempt
    about: LessonSubject


class QuizResults(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a lesson's quiz: its questions as they are now, and attempts, the latest first."""

    about: LessonSubject
    students: int
    passed: int
    """Students who have started, and who have passed, an attempt."""
    questions: tuple[QuestionFigures, ...]
    attempts: tuple[Attempt, ...]


class AttemptReview(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as a teacher reads it, with the right answers; without a result while it runs."""

    attempt: Attempt
    about: LessonSubject
    questions: tuple[ReviewedQuestion, ...]
