"""A gateway that asks a server of the test, with deadlines that no test waits for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from backend.readings.gateways.openai_compatible import OpenAiCompatible
from backend.readings.gateways.openai_compatible.server import Deadlines, ModelServer
from backend.readings.ports import CallFigures, Interpretation, InterpretationFailed
from backend.readings.types import DrawnCard, Failure, Position, SpreadBody
from tests.fakes import model_server as fake

LONG = Deadlines(first=30, thinking=30, gap=30)


def _position(number: int) -> Position:
    texts = {"en": f"place {number}", "ar": f"موضع {number}", "ru": f"место {number}"}
    return Position(key=f"p{number}", name=texts, meaning=texts, x=50 * number, y=50)


SPREAD = SpreadBody(
    name={"en": "Two cards", "ar": "بطاقتان", "ru": "Две карты"},
    summary={"en": "a pair"},
    prompts={"en": ("What now?",)},
    positions=(_position(1), _position(2)),
)
CARDS = (DrawnCard(9, False), DrawnCard(51, True))


def interpretation(**changes: Any) -> Interpretation:
    """A question about two cards."""
    values = {"language": "en", "question": "What now?", "spread": SPREAD, "cards": CARDS}
    return Interpretation(**(values | changes))


@dataclass
class Outcome:
    """What came of a call: the pieces, and how it failed."""

    pieces: list[str]
    failed: InterpretationFailed | None
    figures: CallFigures

    @property
    def text(self) -> str:
        """All pieces."""
        return "".join(self.pieces)

    @property
    def failure(self) -> Failure | None:
        """The class of the failure."""
        return self.failed.failure if self.failed else None


async def outcome(model: OpenAiCompatible, task: Interpretation | None = None) -> Outcome:
    """One call to its end."""
    writing, pieces = model.interpret(task or interpretation()), []
    try:
        async for piece in writing:
            pieces += [piece]
    except InterpretationFailed as failed:
        return Outcome(pieces, failed, writing.figures)
    finally:
        await writing.aclose()
    return Outcome(pieces, None, writing.figures)


@contextlib.asynccontextmanager
async def asking(server: fake.ModelServer, **changes: Any) -> AsyncIterator[OpenAiCompatible]:
    """A gateway to the server."""
    async with server.serving() as url:
        values = {"url": url, "model": fake.MODEL, "keys": ("key-one",), "deadlines": LONG}
        model = OpenAiCompatible(ModelServer(**(values | changes)))
        try:
            yield model
        finally:
            await model.close()
