"""The editor of questions at purchase: its form between typed texts and Questions, and what its buttons do to it.

The form has all questions: ``questions`` of them, the second one with ``q2_kind``, ``q2_label_en``, and ``q2_options``
options such as ``q2_option3_en``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from backend.catalog.types.questions import (
    LONGEST_HINT,
    LONGEST_LABEL,
    MOST_OPTIONS,
    MOST_QUESTIONS,
    Option,
    Pattern,
    Question,
    QuestionKind,
)
from backend.kernel.ids import new_id
from backend.kernel.text import Locale, ascii_digits
from webapp.core.fields import LANGUAGES, Fields, switch, typed_texts

_NOT_A_NUMBER: Final = 10**18
"""Stands for a number that is none, so that it is out of range."""
_FEWEST_OPTIONS: Final = 2


class QuestionForm(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the form."""

    number: int
    id: str
    kind: QuestionKind
    options: tuple[str, ...]
    """The ids of its options."""


class QuestionsForm(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/_asked_questions.html: the questions, and what is wrong with them."""

    form: Fields
    questions: tuple[QuestionForm, ...]
    path: str
    focus: str = ""
    """The field that was just added."""
    languages: tuple[tuple[str, str], ...] = LANGUAGES
    kinds: tuple[QuestionKind, ...] = tuple(QuestionKind)
    patterns: tuple[Pattern, ...] = tuple(Pattern)
    longest: int = LONGEST_LABEL
    longest_hint: int = LONGEST_HINT
    most: int = MOST_QUESTIONS
    most_options: int = MOST_OPTIONS
    fewest_options: int = _FEWEST_OPTIONS


class PreviewField(msgspec.Struct, frozen=True):
    """A question as the buyer will see it."""

    label: str
    hint: str
    kind: QuestionKind
    required: bool
    options: tuple[str, ...]


class QuestionsEditor(QuestionsForm, frozen=True, kw_only=True):
    """catalog/admin/questions.html: what is asked at the purchase of a product."""

    title: str
    version: int
    preview: tuple[PreviewField, ...]
    changed: bool = False
    """Another admin has changed the questions meanwhile: ``stored`` are theirs."""
    stored: tuple[PreviewField, ...] = ()


def to_form(questions: Sequence[Question]) -> dict[str, str]:
    """The fields of a form that has these questions."""
    values = {"questions": str(len(questions))}
    for number, one in enumerate(questions, start=1):
        lead = f"q{number}_"
        values |= typed_texts(one.label, f"{lead}label") | typed_texts(one.hint, f"{lead}hint")
        values |= {
            f"{lead}required": switch(one.required),
            f"{lead}pattern": one.pattern.value if one.pattern else "",
            f"{lead}minimum": _number_text(one.minimum),
            f"{lead}maximum": _number_text(one.maximum),
        }
        for place, option in enumerate(one.options, start=1):
            values |= typed_texts(option.label, f"{lead}option{place}")
    return values


def _number_text(value: int | None) -> str:
    return "" if value is None or value == _NOT_A_NUMBER else str(value)


def question_forms(questions: Sequence[Question]) -> tuple[QuestionForm, ...]:
    """What the template repeats."""
    return tuple(
        QuestionForm(number=number, id=one.id, kind=one.kind, options=tuple(item.id for item in one.options))
        for number, one in enumerate(questions, start=1)
    )


def from_form(values: Mapping[str, Any]) -> list[Question]:
    """The questions that a form posts, right or not; no more than one too many."""
    count = _count(values.get("questions"), MOST_QUESTIONS + 1)
    return [_question(values, f"q{number}_") for number in range(1, count + 1)]


def _question(values: Mapping[str, Any], lead: str) -> Question:
    kind = _one_of(QuestionKind, values.get(f"{lead}kind")) or QuestionKind.TEXT
    options: list[Option] = []
    if kind is QuestionKind.CHOICE:
        count = _count(values.get(f"{lead}options"), MOST_OPTIONS + 1)
        for place in range(1, count + 1):
            name = f"{lead}option{place}"
            options.append(Option(_text(values, f"{name}_id") or _new_id(), _texts(values, name)))
    return Question(
        id=_text(values, f"{lead}id") or _new_id(),
        kind=kind,
        label=_texts(values, f"{lead}label"),
        hint=_texts(values, f"{lead}hint"),
        required=_text(values, f"{lead}required") == "on",
        options=tuple(options),
        pattern=_one_of(Pattern, values.get(f"{lead}pattern")) if kind is QuestionKind.TEXT else None,
        minimum=_limit(values, f"{lead}minimum") if kind is QuestionKind.NUMBER else None,
        maximum=_limit(values, f"{lead}maximum") if kind is QuestionKind.NUMBER else None,
    )


def acted(questions: Sequence[Question], act: str) -> tuple[list[Question], str]:
    """The questions after a button was pressed, and the field to type in next."""
    changed = list(questions)
    verb, _, about = act.partition(":")
    if verb == "add" and len(changed) < MOST_QUESTIONS:
        kind = _one_of(QuestionKind, about) or QuestionKind.TEXT
        options = tuple(Option(_new_id(), {}) for _ in range(_FEWEST_OPTIONS)) if kind is QuestionKind.CHOICE else ()
        changed.append(Question(id=_new_id(), kind=kind, label={}, options=options))
        return changed, f"q{len(changed)}_label_en"
    number, _, place = about.partition(":")
    at = _count(number, len(changed)) - 1
    if at < 0:
        return changed, ""
    if verb == "remove":
        del changed[at]
    elif verb == "up" and at > 0:
        changed.insert(at - 1, changed.pop(at))
    elif verb == "down":
        changed.insert(at + 1, changed.pop(at))
    elif verb == "option" and len(changed[at].options) < MOST_OPTIONS:
        changed[at] = replace(changed[at], options=(*changed[at].options, Option(_new_id(), {})))
        return changed, f"q{at + 1}_option{len(changed[at].options)}_en"
    elif verb == "drop":
        gone = _count(place, len(changed[at].options)) - 1
        left = tuple(one for here, one in enumerate(changed[at].options) if here != gone)
        changed[at] = replace(changed[at], options=left)
    return changed, ""


def preview(questions: Sequence[Question], locale: Locale) -> tuple[PreviewField, ...]:
    """The questions as a buyer with this language sees them; those without any words are left out."""
    return tuple(
        PreviewField(
            one.label.get(locale) or one.label.get(Locale.EN, ""),
            one.hint.get(locale) or one.hint.get(Locale.EN, ""),
            one.kind,
            one.required,
            tuple(item.label.get(locale) or item.label.get(Locale.EN, "") for item in one.options),
        )
        for one in questions
        if one.label
    )


def _new_id() -> str:
    return new_id().hex


def _text(values: Mapping[str, Any], name: str) -> str:
    text = values.get(name, "")
    return text.strip() if isinstance(text, str) else ""


def _texts(values: Mapping[str, Any], name: str) -> dict[str, str]:
    given = {locale.value: _text(values, f"{name}_{locale}") for locale in Locale}
    return {locale: text for locale, text in given.items() if text}


def _limit(values: Mapping[str, Any], name: str) -> int | None:
    text = ascii_digits(_text(values, name))
    if not text:
        return None
    return int(text) if len(text) < 18 and text.lstrip("-").isdigit() else _NOT_A_NUMBER


def _count(text: Any, most: int) -> int:
    return min(int(text), most) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 4 else 0


def _one_of(kind: Any, text: Any) -> Any:
    return kind(text) if isinstance(text, str) and text in kind.__members__.values() else None
