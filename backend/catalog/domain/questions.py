"""Questions at purchase, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backend.catalog.repository import questions
from backend.catalog.rules import answers as rules
from backend.catalog.types import VariantId
from backend.catalog.types.questions import Answer, Question
from backend.infra.unit_of_work import Tx


async def list_questions(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, tuple[Question, ...]]:
    """What is asked of those who buy these variants; those of which nothing is asked are left out."""
    return await questions.list_of(tx, variants)


def read_answers(asked: Sequence[Question], given: Mapping[str, str]) -> tuple[tuple[Answer, ...], dict[str, str]]:
    """The answers in the order of the questions, and the code of what is wrong, by the question's id."""
    return rules.read_answers(asked, given)
