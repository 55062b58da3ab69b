"""What a quiz may be, and how a changed one is compared with the stored one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from backend.courses.types.quiz import (
    ALL_PERCENT,
    FEWEST_OPTIONS,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_ACCEPTED,
    MOST_ATTEMPTS,
    MOST_MINUTES,
    MOST_OPTIONS,
    MOST_POINTS,
    MOST_QUESTIONS,
    Option,
    Question,
    QuestionKind,
    Quiz,
)
from backend.kernel.errors import Invalid
from backend.kernel.folding import plain_answer
from backend.kernel.text import Locale, fold

_NOT_IN_A_LINE: Final = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]")


def clean_line(text: str) -> str:
    """A text of a quiz as it is stored: one line, single spaces."""
    return fold(_NOT_IN_A_LINE.sub(" ", text))


def clean_quiz(quiz: Quiz) -> Quiz:
    """A quiz as it is stored; what is empty in a language is left out, and what its kind has no use for."""
    return replace(quiz, questions=tuple(_clean(question) for question in quiz.questions))


def _clean(question: Question) -> Question:
    typed = question.kind is QuestionKind.TEXT
    accepted = {
        locale: tuple(dict.fromkeys(line for answer in answers if (line := clean_line(answer))))
        for locale, answers in question.accepted.items()
    }
    return replace(
        question,
        text=_lines(question.text),
        options=() if typed else tuple(Option(_lines(one.text), one.right) for one in question.options),
        accepted={locale: answers for locale, answers in accepted.items() if answers} if typed else {},
    )


def _lines(texts: Mapping[Locale, str]) -> dict[Locale, str]:
    return {locale: line for locale in Locale if (line := clean_line(texts.get(locale, "")))}


def problems_of(quiz: Quiz) -> dict[str, str]:
    """What is wrong with a clean quiz, by field.

    Of the second question: ``q2_text_en``, ``q2_points``, ``q2_options``, ``q2_option3_en``, ``q2_accepted_en``.
    """
    bad: dict[str, str] = {}
    if not quiz.questions:
        bad["questions"] = "required"
    elif len(quiz.questions) > MOST_QUESTIONS:
        bad["questions"] = "too_many"
    for name, value, most in (("attempts", quiz.attempts, MOST_ATTEMPTS), ("minutes", quiz.minutes, MOST_MINUTES)):
        if value is not None and not 1 <= value <= most:
            bad[name] = "out_of_range"
    if not 0 <= quiz.passing_percent <= ALL_PERCENT:
        bad["passing_percent"] = "out_of_range"
    languages = quiz.languages or (Locale.EN,)
    for number, question in enumerate(quiz.questions, start=1):
        bad |= {f"q{number}_{field}": code for field, code in _problems(question, languages).items()}
    return bad


def check_quiz(quiz: Quiz) -> None:
    """Raises Invalid, naming the fields as ``problems_of`` does."""
    if bad := problems_of(quiz):
        raise Invalid("bad quiz", fields=bad)


def _problems(question: Question, languages: tuple[Locale, ...]) -> dict[str, str]:
    bad = _texts("text", question.text, languages, LONGEST_QUESTION)
    if not 1 <= question.points <= MOST_POINTS:
        bad["points"] = "out_of_range"
    if question.kind is QuestionKind.TEXT:
        return bad | _accepted(question, languages)
    for number, option in enumerate(question.options, start=1):
        bad |= _texts(f"option{number}", option.text, languages, LONGEST_OPTION)
    rights = sum(option.right for option in question.options)
    if len(question.options) < FEWEST_OPTIONS:
        bad["options"] = "too_few"
    elif len(question.options) > MOST_OPTIONS:
        bad["options"] = "too_many"
    elif not rights:
        bad["options"] = "none_right"
    elif rights > 1 and question.kind is QuestionKind.SINGLE:
        bad["options"] = "one_right"
    elif any(_same(question.options, locale) for locale in languages):
        bad["options"] = "same"
    return bad


def _same(options: tuple[Option, ...], locale: Locale) -> bool:
    texts = [option.text[locale].casefold() for option in options if locale in option.text]
    return len(set(texts)) < len(texts)


def _texts(field: str, texts: Mapping[Locale, str], languages: tuple[Locale, ...], longest: int) -> dict[str, str]:
    bad = {f"{field}_{locale}": "required" for locale in languages if locale not in texts}
    return bad | {f"{field}_{locale}": "too_long" for locale, text in texts.items() if len(text) > longest}


def _accepted(question: Question, languages: tuple[Locale, ...]) -> dict[str, str]:
    bad = {}
    for locale in languages:
        answers = question.accepted.get(locale, ())
        if not answers:
            bad[f"accepted_{locale}"] = "required"
        elif len(answers) > MOST_ACCEPTED:
            bad[f"accepted_{locale}"] = "too_many"
        elif any(len(answer) > LONGEST_OPTION for answer in answers):
            bad[f"accepted_{locale}"] = "too_long"
        elif not all(plain_answer(answer) for answer in answers):
            bad[f"accepted_{locale}"] = "invalid"
    return bad


def with_ids(quiz: Quiz, before: Quiz | None, new_id: Callable[[], str]) -> Quiz:
    """The quiz with an id for each question: its own one, else that of the stored question that it is.

    That is the one with the same words, else the one of the same kind at the same place, where no other has its id.
    """
    stored = before.questions if before else ()
    known = {question.id for question in stored}
    ids = [question.id if question.id in known else "" for question in quiz.questions]
    ids = [one if ids.index(one) == place else "" for place, one in enumerate(ids)]
    for place, question in enumerate(quiz.questions):
        if not ids[place]:
            same = (old.id for old in stored if old.id not in ids and old.text == question.text)
            ids[place] = next(same, "")
    for place, (question, old) in enumerate(zip(quiz.questions, stored, strict=False)):
        if not ids[place] and old.id not in ids and old.kind is question.kind:
            ids[place] = old.id
    named = zip(quiz.questions, ids, strict=True)
    return replace(quiz, questions=tuple(replace(question, id=one or new_id()) for question, one in named))
