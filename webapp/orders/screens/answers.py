"""What a buyer is asked before a purchase, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.catalog.types import VariantId
from backend.catalog.types.questions import Answer, Pattern, Question, QuestionKind
from backend.kernel.text import Locale, pick

_PREFIX: Final = "a-"
_MOST_SHOWN: Final = 4000
"""How much of an answer that is too long is shown again."""
_SHORT: Final = 40
_MOST_IN_A_ROW: Final = 3
YES_NO: Final = ("yes", "no")


class AskedOption(msgspec.Struct, frozen=True):
    """One of several answers."""

    value: str
    label: str


class AskedField(msgspec.Struct, frozen=True, kw_only=True):
    """A question as a field; ``error`` is the code of what is wrong with ``value``."""

    name: str
    kind: QuestionKind
    label: str
    hint: str
    required: bool
    options: tuple[AskedOption, ...]
    pattern: Pattern | None
    longest: int
    minimum: int | None
    maximum: int | None
    value: str = ""
    error: str = ""


class AskedLine(msgspec.Struct, frozen=True):
    """The questions of one line; ``title`` names it where there are several."""

    title: str
    fields: tuple[AskedField, ...]


class Asked(msgspec.Struct, frozen=True):
    """orders/_asked.html: the questions of a purchase.

    ``keep``: what is typed already stays when the sheet is drawn again under the same ``id``.
    """

    id: str
    lines: tuple[AskedLine, ...]
    keep: bool


class AnswerRow(msgspec.Struct, frozen=True):
    """A question as it was asked, and its answer."""

    label: str
    text: str
    kind: QuestionKind


class AnsweredLine(msgspec.Struct, frozen=True):
    """The answers for a line; ``title`` names it where there are several."""

    title: str
    rows: tuple[AnswerRow, ...]


def typed_answers(values: Mapping[str, Any]) -> dict[VariantId, tuple[tuple[str, str], ...]]:
    """The answers that a form posts, by variant; the names of its fields are those of ``AskedField``."""
    typed: dict[VariantId, list[tuple[str, str]]] = {}
    for name, text in values.items():
        variant, _, question = name.removeprefix(_PREFIX).partition("-")
        if not name.startswith(_PREFIX) or not isinstance(text, str) or not text.strip():
            continue
        try:
            typed.setdefault(VariantId(UUID(variant)), []).append((question, text.strip()))
        except ValueError:
            continue
    return {variant: tuple(sorted(answers)) for variant, answers in typed.items()}


def asked(
    key: str,
    questions: Mapping[VariantId, Sequence[Question]],
    titles: Mapping[VariantId, str],
    locale: Locale,
    typed: Mapping[VariantId, Sequence[tuple[str, str]]] = {},
    errors: Mapping[str, str] | None = None,
) -> Asked | None:
    """The questions of a purchase with what was typed and what is wrong with it; None where nothing is asked."""
    lines = tuple(
        AskedLine(
            title if len(titles) > 1 else "",
            tuple(
                _field(variant, one, locale, dict(typed.get(variant, ())), errors or {}) for one in questions[variant]
            ),
        )
        for variant, title in titles.items()
        if questions.get(variant)
    )
    return Asked(f"asked-{key}", lines, keep=errors is None) if lines else None


def _field(
    variant: VariantId, one: Question, locale: Locale, typed: Mapping[str, str], errors: Mapping[str, str]
) -> AskedField:
    return AskedField(
        name=f"{_PREFIX}{variant.hex}-{one.id}",
        kind=one.kind,
        label=pick(one.label, locale),
        hint=pick(one.hint, locale),
        required=one.required,
        options=tuple(AskedOption(item.id, pick(item.label, locale)) for item in one.options),
        pattern=one.pattern,
        longest=one.longest,
        minimum=one.minimum,
        maximum=one.maximum,
        value=typed.get(one.id, "")[:_MOST_SHOWN],
        error=errors.get(f"{variant}.{one.id}", ""),
    )


def answer_rows(answers: Sequence[Answer], locale: Locale) -> tuple[AnswerRow, ...]:
    """The answers for a line as the reader sees them."""
    return tuple(AnswerRow(pick(one.label, locale), pick(one.shown, locale) or one.text, one.kind) for one in answers)


def short_answers(answers: Sequence[Answer], locale: Locale) -> tuple[str, ...]:
    """The first answers for a line as a row of a list has room for them; the rest is on the line's page."""
    texts = [" ".join(one.text.split()) for one in answer_rows(answers, locale)[:_MOST_IN_A_ROW]]
    return tuple(one if len(one) <= _SHORT else one[: _SHORT - 1] + "…" for one in texts if one)
