"""What readings need from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from backend.readings.types import AnswerSource, DrawnCard, Failure, SpreadBody


class InterpretationFailed(Exception):
    """A model gave no whole text; ``failure`` says how, ``detail`` goes to the log only."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail


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


class Interpreter(Protocol):
    """Writes the text of a reading."""

    @property
    def source(self) -> AnswerSource:
        """What answers by it are marked with."""
        ...

    def interpret(self, task: Interpretation) -> AsyncIterator[str]:
        """Plain text in pieces, as it is written. Raises InterpretationFailed, also after some pieces.

        Closing the iterator ends the work.
        """
        ...
