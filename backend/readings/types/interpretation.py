"""What an interpreter is given."""

from __future__ import annotations

import msgspec

from backend.readings.types import DrawnCard, SpreadBody
from backend.readings.types.models import PromptBody


class Exchange(msgspec.Struct, frozen=True):
    """A question about a spread, and the text that answered it."""

    question: str
    text: str


class Interpretation(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be interpreted. ``question`` is the person's, cleaned, and may be empty; it is data, never an order.

    ``before`` are the reading's own question and text and those of follow-ups, in their order; with any, ``question``
    is the next follow-up. ``cards`` are in the order of the spread's positions.
    """

    language: str
    question: str
    spread: SpreadBody
    cards: tuple[DrawnCard, ...]
    before: tuple[Exchange, ...] = ()
    prompt: PromptBody | None = None
    """How a model is asked; None for the texts that we wrote for the language."""
    written: str = ""
    """What a model wrote before it was cut off; it goes on from there."""
    insist: bool = False
    """Whether a model has answered in another language before."""
