"""The quizzes of a course's folder: a file for each language, the first of which has the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from backend.courses.rules.quiz import clean_quiz, problems_of
from backend.courses.rules.quiz_text import ReadQuestion, ReadQuiz, read_quiz
from backend.courses.types.authoring import FolderProblem, FolderProblemCode, QuizHead
from backend.courses.types.quiz import Option, Question, QuestionKind, Quiz
from backend.kernel.text import Locale

QUIZ_NAME: Final = re.compile(r"(\d{1,3})-([A-Za-z0-9_-]{1,60})\.quiz(?:\.([a-z]+))?\.md")
_OF_A_QUESTION: Final = re.compile(r"q(\d+)_([a-z]+)(\d*)(?:_([a-z]{2}))?")
_LONGEST_VALUE: Final = 200

Files = Sequence[tuple[Locale, str, str]]
"""Language, name and text of each file of a quiz, the language with the settings first."""


def read_quizzes(files: Files) -> tuple[Quiz | None, list[FolderProblem]]:
    """One quiz in all its languages, None where something is wrong with it."""
    read = {locale: (name, read_quiz(text, first=place == 0)) for place, (locale, name, text) in enumerate(files)}
    problems = [
        FolderProblem(name, one.line, one.code, one.field, one.value[:_LONGEST_VALUE])
        for name, item in read.values()
        for one in item.problems
    ]
    (_, first), *others = read.values()
    if not problems:
        problems = [problem for name, other in others for problem in _differences(name, first, other)]
    if problems or first.head is None:
        return None, problems
    quiz = clean_quiz(_merged(first.head, {locale: item.questions for locale, (_, item) in read.items()}))
    problems = [_located(field, code, files, read) for field, code in problems_of(quiz).items()]
    return None if problems else quiz, problems


def _differences(name: str, first: ReadQuiz, other: ReadQuiz) -> list[FolderProblem]:
    """Where a translation asks something else than the first language."""
    if len(first.questions) != len(other.questions):
        line = other.questions[-1].line if other.questions else 1
        return [FolderProblem(name, line, FolderProblemCode.NOT_THE_SAME_QUIZ, value=str(len(first.questions)))]
    pairs = zip(first.questions, other.questions, strict=True)
    return [
        FolderProblem(name, theirs.line, FolderProblemCode.NOT_THE_SAME_QUIZ)
        for ours, theirs in pairs
        if _marks(ours) != _marks(theirs) or theirs.points not in {1, ours.points}
    ]


def _marks(question: ReadQuestion) -> tuple[QuestionKind | None, list[bool]]:
    return question.kind, [right for _, right in question.options]


def _merged(head: QuizHead, questions: Mapping[Locale, list[ReadQuestion]]) -> Quiz:
    by_place = zip(*questions.values(), strict=True)
    return Quiz(
        questions=tuple(_question(dict(zip(questions, one, strict=True))) for one in by_place),
        attempts=head.attempts,
        passing_percent=head.passing_percent,
        minutes=head.minutes,
        required=head.required,
        show_answers=head.show_answers,
    )


def _question(by_language: Mapping[Locale, ReadQuestion]) -> Question:
    first = next(iter(by_language.values()))
    options = [
        Option({locale: one.options[place][0] for locale, one in by_language.items()}, right)
        for place, (_, right) in enumerate(first.options)
    ]
    return Question(
        kind=first.kind or QuestionKind.TEXT,
        text={locale: one.text for locale, one in by_language.items()},
        points=first.points,
        options=tuple(options),
        accepted={locale: tuple(one.accepted) for locale, one in by_language.items() if one.accepted},
    )


def _located(field: str, code: str, files: Files, read: Mapping[Locale, tuple[str, ReadQuiz]]) -> FolderProblem:
    """A problem of the quiz as one of a file: at the question's heading, or at the setting."""
    first, name, _ = files[0]
    match = _OF_A_QUESTION.fullmatch(field)
    if match is None:
        return FolderProblem(name, read[first][1].lines.get(field, 1), FolderProblemCode.BAD_QUIZ, field, code)
    locale = Locale(match[4]) if match[4] else first
    name, item = read[locale]
    return FolderProblem(name, item.questions[int(match[1]) - 1].line, FolderProblemCode.BAD_QUIZ, match[2], code)
