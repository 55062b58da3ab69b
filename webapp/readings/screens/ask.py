"""The page on which a question is asked, and what is said about the sealed cards."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.kernel.text import Locale
from backend.readings.types import ReadingId
from backend.readings.types.rooms import Commitment
from webapp.readings.screens.words import in_language

AskError = Literal["", "too_long", "seed", "lapsed", "live"]


class AskPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/ask.html."""

    slug: str
    name: str
    summary: str
    reading_id: ReadingId
    credits: int
    balance: int
    cards: int
    prompts: tuple[str, ...]
    longest: int
    commitment: str
    committed_at: datetime
    languages: tuple[tuple[str, str], ...]
    language: str
    reversed: bool = True
    question: str = ""
    error: AskError = ""


class SealSheet(msgspec.Struct, frozen=True):
    """readings/_seal.html: the seal of the cards that wait."""

    commitment: str
    committed_at: datetime


def ask_page(committed: Commitment, language: str) -> AskPage:
    """The page, with nothing typed."""
    return AskPage(
        slug=committed.slug,
        name=in_language(committed.body.name, language),
        summary=in_language(committed.body.summary, language),
        reading_id=committed.reading_id,
        credits=committed.credits,
        balance=committed.balance,
        cards=len(committed.body.positions),
        prompts=in_language(committed.body.prompts, language),
        longest=committed.question_length,
        commitment=committed.commitment,
        committed_at=committed.committed_at,
        languages=tuple((item.value, item.own_name) for item in sorted(Locale, key=lambda item: item != language)),
        language=language,
    )
