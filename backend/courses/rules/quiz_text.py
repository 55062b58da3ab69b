"""The quiz of a lesson as Markdown, in one language: ``01-first.quiz.md``, ``01-first.quiz.ar.md``.

A question is a heading of two signs, with its points in braces where it has more than one. Below it are options, round
brackets where one is right, square ones where several may be, or accepted answers after a sign of equality.
See decisions/0085.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.courses.rules.heads import read_head, write_head
from backend.courses.rules.quiz import clean_line
from backend.courses.types.authoring import FolderProblemCode, QuizHead, QuizWords
from backend.courses.types.quiz import Question, QuestionKind, Quiz
from backend.kernel.text import Locale

_QUESTION: Final = re.compile(r"##\s+(.*?)(?:\s*\{(\d{1,3}) points?\})?\s*")
_OPTION: Final = re.compile(r"[-*]\s+([(\[])([ xX]?)([)\]])(?:\s+(.*))?")
_ACCEPTED: Final = re.compile(r"=\s*(.*)")
_POINTS_LAST: Final = re.compile(r"\{\d{1,3} points?\}$")
_KINDS: Final = {"(": QuestionKind.SINGLE, "[": QuestionKind.MULTIPLE}
_MARKS: Final = {QuestionKind.SINGLE: ("(", ")"), QuestionKind.MULTIPLE: ("[", "]")}


class TextProblem(msgspec.Struct, frozen=True):
    """What is wrong in the text, at a line that counts from 1."""

    line: int
    code: FolderProblemCode
    field: str = ""
    value: str = ""


class ReadQuestion(msgspec.Struct):
    """A question in one language, whose heading is at ``line``."""

    line: int
    text: str
    points: int
    kind: QuestionKind | None = None
    options: list[tuple[str, bool]] = []
    accepted: list[str] = []


class ReadQuiz(msgspec.Struct, frozen=True):
    """A file of a quiz: its settings where it is the first of its languages, and its questions."""

    head: QuizHead | None
    lines: dict[str, int]
    questions: list[ReadQuestion]
    problems: list[TextProblem]


def read_quiz(text: str, *, first: bool) -> ReadQuiz:
    """Read a file; only the ``first`` language has settings, and it may leave them out."""
    if not text.lstrip("\ufeff").startswith("---"):
        questions, problems = _read(text, 1)
        return ReadQuiz(QuizHead() if first else None, {}, questions, problems)
    head = read_head(text, QuizHead if first else QuizWords)
    questions, problems = _read(head.body, head.first_line)
    wrong = [TextProblem(one.line, _code(one.code, first=first), one.field, one.value) for one in head.problems]
    value = head.value if isinstance(head.value, QuizHead) else None
    return ReadQuiz(value, head.lines, questions, [*wrong, *problems])


def _code(code: FolderProblemCode, *, first: bool) -> FolderProblemCode:
    return FolderProblemCode.ONLY_IN_FIRST if code is FolderProblemCode.UNKNOWN_KEY and not first else code


def _read(body: str, first_line: int) -> tuple[list[ReadQuestion], list[TextProblem]]:
    questions: list[ReadQuestion] = []
    problems: list[TextProblem] = []
    for number, raw in enumerate(body.replace("\r\n", "\n").split("\n"), start=first_line):
        line = raw.strip()
        if match := _QUESTION.fullmatch(line):
            questions.append(ReadQuestion(number, clean_line(match[1]), int(match[2] or 1)))
        elif line and not (questions and _read_answer(questions[-1], line)):
            problems.append(TextProblem(number, FolderProblemCode.NOT_OF_A_QUIZ, value=line))
    problems += [TextProblem(one.line, FolderProblemCode.NO_OPTIONS) for one in questions if one.kind is None]
    return questions, problems


def _read_answer(question: ReadQuestion, line: str) -> bool:
    """Add an option or an accepted answer; False for a line that is none, or not of the question's kind."""
    option, accepted = _OPTION.fullmatch(line), _ACCEPTED.fullmatch(line)
    if option and (option[1], option[3]) in _MARKS.values():
        kind = _KINDS[option[1]]
    elif accepted:
        kind = QuestionKind.TEXT
    else:
        return False
    if question.kind not in {None, kind}:
        return False
    question.kind = kind
    if accepted and kind is QuestionKind.TEXT:
        question.accepted.append(clean_line(accepted[1]))
    elif option:
        question.options.append((clean_line(option[4] or ""), option[2] in {"x", "X"}))
    return True


def write_quiz(quiz: Quiz) -> dict[Locale, str]:
    """The files of a quiz, by language, which ``read_quiz`` reads as the same quiz; the first has its settings."""
    files: dict[Locale, str] = {}
    for locale in quiz.languages:
        body = "\n\n".join(_written(one, locale, one.points if not files else 1) for one in quiz.questions) + "\n"
        files[locale] = body if files else write_head(_settings(quiz)) + "\n" + body
    return files


def _settings(quiz: Quiz) -> dict[str, str]:
    values = {"attempts": quiz.attempts, "passing_percent": quiz.passing_percent, "minutes": quiz.minutes}
    fields = {name: str(value) for name, value in values.items() if value is not None}
    return fields | {"required": "yes" if quiz.required else "no", "show_answers": quiz.show_answers.value}


def _written(question: Question, locale: Locale, points: int) -> str:
    heading = f"## {question.text.get(locale, '')}".rstrip()
    if points != 1 or _POINTS_LAST.search(heading):
        heading += f" {{{points} point{'' if points == 1 else 's'}}}"
    return "\n".join([heading, "", *_answers(question, locale)])


def _answers(question: Question, locale: Locale) -> Iterable[str]:
    if question.kind is QuestionKind.TEXT:
        return [f"= {answer}" for answer in question.accepted.get(locale, ())]
    before, after = _MARKS[question.kind]
    options = question.options
    return [f"- {before}{'x' if one.right else ' '}{after} {one.text.get(locale, '')}".rstrip() for one in options]
