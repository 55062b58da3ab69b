"""What readings need from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from backend.readings.types import AnswerSource, Failure
from backend.readings.types.interpretation import Exchange, Interpretation
from backend.readings.types.models import Message

__all__ = [
    "CallFigures", "Exchange", "Interpretation", "InterpretationFailed", "Interpreter", "Model", "ModelText",
]  # fmt: skip


class InterpretationFailed(Exception):
    """A model gave no whole text; ``failure`` says how, ``detail`` goes to the log only."""

    def __init__(self, failure: Failure, detail: str = "", *, wait: float | None = None, void: bool = False) -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail
        self.wait = wait
        """Seconds after which the server wants to be asked again, where it said so."""
        self.void = void
        """What was given so far is no part of the text: it must not be shown any longer."""


class CallFigures(msgspec.Struct, kw_only=True):
    """What a call of a model took, as far as it is known yet; ``first_word`` and ``seconds`` are seconds."""

    model: str
    finish: str = ""
    """Why the server says that the text ended."""
    first_word: float | None = None
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


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


class ModelText(Protocol):
    """The text of one call of a model, in pieces; raises InterpretationFailed, also after some pieces."""

    figures: CallFigures

    def __aiter__(self) -> AsyncIterator[str]: ...

    async def __anext__(self) -> str: ...

    async def aclose(self) -> None:
        """End the call."""
        ...


class Model(Protocol):
    """An Interpreter that calls a model's server."""

    @property
    def source(self) -> AnswerSource:
        """What answers by it are marked with."""
        ...

    def interpret(self, task: Interpretation) -> ModelText:
        """One call for a whole text, or for the rest of one that was cut off."""
        ...

    def say(self, asked: list[Message]) -> ModelText:
        """One call with these messages, whose text may be anything."""
        ...

    async def warm(self) -> None:
        """Prepare the first call."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class ChatPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The picture of a reading for a chat; the button, where it has a text, opens ``url``."""

    png: bytes
    caption: str
    button: str = ""
    url: str = ""


class Chats(Protocol):
    """Brings readings into chats while their person waits; nothing of them is stored on the way."""

    async def prepare(self, telegram_id: int, picture: ChatPicture) -> str | None:
        """The id by which this person's app can send the picture; None where Telegram can't prepare it now."""
        ...

    async def send(self, telegram_id: int, picture: ChatPicture, texts: tuple[str, ...]) -> bool:
        """Send the picture, then the texts, to the person's own chat; False where that can't be written to."""
        ...
