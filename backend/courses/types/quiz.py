"""The quiz of a lesson as its authors write it, with its right answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from backend.courses.types import CourseId, LessonId
from backend.kernel.text import Locale

MOST_QUESTIONS: Final = 50
FEWEST_OPTIONS: Final = 2
MOST_OPTIONS: Final = 10
MOST_ACCEPTED: Final = 20
MOST_POINTS: Final = 100
MOST_ATTEMPTS: Final = 100
MOST_MINUTES: Final = 600
ALL_PERCENT: Final = 100
LONGEST_QUESTION: Final = 500
LONGEST_OPTION: Final = 200
"""Signs of an option, and of an answer that is typed."""


class QuestionKind(StrEnum):
    """How a question is answered."""

    SINGLE = "single"
    """One option is chosen, and one is right."""
    MULTIPLE = "multiple"
    """All the right options and no other must be chosen."""
    TEXT = "text"
    """A few words are typed, which must be one of the accepted answers."""


class ShowAnswers(StrEnum):
    """When students see the right answers; which of theirs were right they see after each attempt."""

    AT_THE_END = "at_the_end"
    """After passing, or after the last attempt."""
    AFTER_EACH = "after_each"
    NEVER = "never"


class Option(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to choose, by language."""

    text: dict[Locale, str]
    right: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question, by language; ``id`` stays when its words change, and is empty before it is stored."""

    id: str = ""
    kind: QuestionKind
    text: dict[Locale, str]
    points: int = 1
    options: tuple[Option, ...] = ()
    accepted: dict[Locale, tuple[str, ...]] = {}
    """Answers that are right, for TEXT; each is accepted in every language."""


class Quiz(msgspec.Struct, frozen=True, kw_only=True):
    """A quiz with its settings; all its texts are in the same languages."""

    questions: tuple[Question, ...]
    attempts: int | None = None
    """How often it can be tried; None for any number."""
    passing_percent: int = 60
    minutes: int | None = None
    """How long an attempt lasts; None for any time."""
    required: bool = True
    """Whether the lesson is completed only by passing it, or by the last attempt."""
    show_answers: ShowAnswers = ShowAnswers.AT_THE_END

    @property
    def total(self) -> int:
        """The points of all questions."""
        return sum(question.points for question in self.questions)

    @property
    def languages(self) -> tuple[Locale, ...]:
        """The languages that something is written in."""
        texts = [question.text for question in self.questions]
        texts += [option.text for question in self.questions for option in question.options]
        written = {locale for text in texts for locale in text}
        written |= {locale for question in self.questions for locale in question.accepted}
        return tuple(locale for locale in Locale if locale in written)


class EditedQuiz(msgspec.Struct, frozen=True, kw_only=True):
    """The quiz of a lesson as it is stored, None for no quiz; ``version`` goes back with a change of it."""

    lesson_id: LessonId
    course_id: CourseId
    position: int
    titles: dict[Locale, str]
    version: int
    quiz: Quiz | None


class StoredQuiz(msgspec.Struct, frozen=True):
    """A version of a quiz."""

    version: int
    quiz: Quiz
