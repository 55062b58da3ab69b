"""What a seller asks at the purchase of a product, and what a buyer has answered."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import ProductId, StockKind

MOST_QUESTIONS: Final = 10
MOST_OPTIONS: Final = 30
LONGEST_LABEL: Final = 80
LONGEST_HINT: Final = 160
LONGEST_TEXT: Final = 200
LONGEST_LONG_TEXT: Final = 2000
LARGEST_NUMBER: Final = 10**15
NOTHING_ASKED: Final = frozenset({StockKind.PREMIUM, StockKind.COURSE, StockKind.CREDITS})
"""Kinds that are for the buyer's own account and renew by themselves: nothing is asked."""


class QuestionKind(StrEnum):
    """What an answer is; stored."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    NUMBER = "number"
    CHOICE = "choice"
    TELEGRAM = "telegram"
    """A public @username."""
    LINK = "link"
    YES_NO = "yes_no"


class Pattern(StrEnum):
    """What a short text may consist of. The patterns are ours: a seller's own could run without end."""

    DIGITS = "digits"
    LATIN = "latin"
    """Latin letters, digits and . _ -"""
    PHONE = "phone"


class Option(msgspec.Struct, frozen=True):
    """One of several answers; ``id`` is what a form posts."""

    id: str
    label: dict[str, str]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question; texts by language, English always. What its kind does not have is empty."""

    id: str
    """It never changes: letters and digits."""
    kind: QuestionKind
    label: dict[str, str]
    hint: dict[str, str] = {}
    required: bool = True
    options: tuple[Option, ...] = ()
    pattern: Pattern | None = None
    minimum: int | None = None
    maximum: int | None = None

    @property
    def longest(self) -> int:
        """How many signs an answer may have."""
        return LONGEST_LONG_TEXT if self.kind is QuestionKind.LONG_TEXT else LONGEST_TEXT


class ProductQuestions(msgspec.Struct, frozen=True):
    """The questions of a product; ``version`` is 0 where there never was one."""

    product_id: ProductId
    version: int = 0
    questions: tuple[Question, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What was answered, with the question as it was asked; ``shown`` are a choice's words, by language."""

    question_id: str
    kind: QuestionKind
    label: dict[str, str]
    text: str
    shown: dict[str, str] = {}
