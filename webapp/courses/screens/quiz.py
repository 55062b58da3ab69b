"""The editor of a quiz: its form between typed texts and a Quiz, and what its buttons do to it.

The form has all questions: ``questions`` of them, the second one with ``q2_kind``, ``q2_text_en``, ``q2_options``
options such as ``q2_option3_en``, the right ones in ``q2_right``, and ``q2_accepted_en``, one answer a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from backend.courses.types.quiz import (
    FEWEST_OPTIONS,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_OPTIONS,
    MOST_QUESTIONS,
    Option,
    Question,
    QuestionKind,
    Quiz,
    ShowAnswers,
)
from backend.kernel.text import Locale, whole_number
from webapp.core.fields import LANGUAGES, Fields, switch

_NOT_A_NUMBER: Final = -1
"""Stands for a number that is none, so that it is out of range."""


class QuestionForm(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the form; ``right`` are the numbers of its right options."""

    number: int
    id: str
    kind: QuestionKind
    options: int
    right: frozenset[int]

    def field(self, name: str) -> str:
        """The name of one of its fields."""
        return f"q{self.number}_{name}"


class QuizForm(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/_questions.html: the questions, and what is wrong with them."""

    form: Fields
    questions: tuple[QuestionForm, ...]
    path: str
    focus: str = ""
    """The field that was just added."""
    languages: tuple[tuple[str, str], ...] = LANGUAGES
    longest: int = LONGEST_QUESTION
    longest_option: int = LONGEST_OPTION
    most: int = MOST_QUESTIONS
    most_options: int = MOST_OPTIONS
    fewest_options: int = FEWEST_OPTIONS


class QuizEditor(QuizForm, frozen=True, kw_only=True):
    """courses/admin/quiz.html: the quiz of a lesson."""

    title: str
    number: int
    exists: bool
    results_href: str


def to_form(quiz: Quiz, version: int) -> dict[str, Any]:
    """The fields of a form that has this quiz."""
    values: dict[str, Any] = {
        "version": str(version),
        "attempts": str(quiz.attempts or ""),
        "minutes": str(quiz.minutes or ""),
        "passing_percent": str(quiz.passing_percent),
        "required": switch(quiz.required),
        "show_answers": quiz.show_answers.value,
        "questions": str(len(quiz.questions)),
    }
    for number, question in enumerate(quiz.questions, start=1):
        values |= {f"q{number}_{name}": value for name, value in _fields(question).items()}
    return values


def _fields(question: Question) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind.value,
        "points": str(question.points) if question.points != _NOT_A_NUMBER else "",
        "options": str(len(question.options)),
        "right": [str(number) for number, one in enumerate(question.options, start=1) if one.right],
    }
    values |= {f"text_{locale}": text for locale, text in question.text.items()}
    for number, option in enumerate(question.options, start=1):
        values |= {f"option{number}_{locale}": text for locale, text in option.text.items()}
    return values | {f"accepted_{locale}": "\n".join(answers) for locale, answers in question.accepted.items()}


def from_form(values: Mapping[str, Any]) -> Quiz:
    """The quiz that a form has; numbers that are none are out of range, and unknown kinds are single choices."""
    count = min(_number(values.get("questions")), MOST_QUESTIONS + 1)
    passing = _text(values, "passing_percent")
    show = _text(values, "show_answers")
    return Quiz(
        questions=tuple(_question(values, f"q{number}_") for number in range(1, count + 1)),
        attempts=_number(values.get("attempts")) if _text(values, "attempts") else None,
        minutes=_number(values.get("minutes")) if _text(values, "minutes") else None,
        passing_percent=_number(passing.rstrip("%٪ ")),
        required=_text(values, "required") == "on",
        show_answers=ShowAnswers(show) if show in set(ShowAnswers) else ShowAnswers.AT_THE_END,
    )


def _question(values: Mapping[str, Any], prefix: str) -> Question:
    kind = _text(values, prefix + "kind")
    right = values.get(prefix + "right", [])
    rights = set(right if isinstance(right, list) else [right])
    count = min(_number(values.get(prefix + "options")), MOST_OPTIONS + 1)
    accepted = {locale: _text(values, f"{prefix}accepted_{locale}") for locale in Locale}
    return Question(
        id=_text(values, prefix + "id"),
        kind=QuestionKind(kind) if kind in set(QuestionKind) else QuestionKind.SINGLE,
        text=_texts(values, prefix + "text"),
        points=_number(values.get(prefix + "points")),
        options=tuple(
            Option(_texts(values, f"{prefix}option{number}"), str(number) in rights) for number in range(1, count + 1)
        ),
        accepted={locale: tuple(text.split("\n")) for locale, text in accepted.items() if text},
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _texts(values: Mapping[str, Any], name: str) -> dict[Locale, str]:
    return {locale: text for locale in Locale if (text := _text(values, f"{name}_{locale}"))}


def _number(value: object) -> int:
    try:
        return whole_number(value, most_digits=6) if isinstance(value, str) else _NOT_A_NUMBER
    except ValueError:
        return _NOT_A_NUMBER


def acted(quiz: Quiz, act: str) -> tuple[Quiz, str]:
    """The quiz after a button of its form, and the field that is to be typed into next; unknown ones do nothing.

    ``add:single`` adds a question, ``up:2``, ``down:2`` and ``remove:2`` are about the second one; ``option:2`` adds an
    option to it, ``drop:2:3`` removes its third one.
    """
    verb, _, rest = act.partition(":")
    questions = list(quiz.questions)
    if verb == "add" and rest in set(QuestionKind) and len(questions) < MOST_QUESTIONS:
        kind = QuestionKind(rest)
        blank = () if kind is QuestionKind.TEXT else (Option({}),) * FEWEST_OPTIONS
        questions.append(Question(kind=kind, text={}, options=blank))
        return replace(quiz, questions=tuple(questions)), f"q{len(questions)}_text"
    numbers = [_number(part) for part in rest.split(":")]
    place = numbers[0] - 1
    if not 0 <= place < len(questions):
        return quiz, ""
    focus = _change(questions, verb, place, numbers[1:])
    return replace(quiz, questions=tuple(questions)), focus


def _change(questions: list[Question], verb: str, place: int, more: Sequence[int]) -> str:
    question = questions[place]
    to = {"up": place - 1, "down": place + 1}.get(verb, place)
    if verb == "remove":
        del questions[place]
    elif to != place and 0 <= to < len(questions):
        questions[place], questions[to] = questions[to], question
    elif verb == "option" and len(question.options) < MOST_OPTIONS:
        questions[place] = replace(question, options=(*question.options, Option({})))
        return f"q{place + 1}_option{len(question.options) + 1}"
    elif verb == "drop" and more:
        options = tuple(one for number, one in enumerate(question.options, start=1) if number != more[0])
        questions[place] = replace(question, options=options)
    return ""


def question_forms(quiz: Quiz) -> tuple[QuestionForm, ...]:
    """The questions as the form shows them."""
    return tuple(
        QuestionForm(
            number=number,
            id=question.id,
            kind=question.kind,
            options=len(question.options),
            right=frozenset(place for place, one in enumerate(question.options, start=1) if one.right),
        )
        for number, question in enumerate(quiz.questions, start=1)
    )


def fields_of(values: Mapping[str, Any], errors: Mapping[str, str] | None = None) -> Fields:
    """What the form shows: its texts, and what is wrong."""
    return Fields({name: value for name, value in values.items() if isinstance(value, str)}, errors or {})
