"""What the school needs from the outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from backend.courses.types import MediaId
from backend.courses.types.lessons import ChatFile
from backend.courses.types.schedule import LessonMessage


class LessonFiles(Protocol):
    """The files of lessons, as those who send them need them."""

    async def find(self, media_id: MediaId) -> ChatFile | None:
        """A file, with Telegram's id of it where this bot has sent it before; None where it was deleted."""
        ...

    async def read(self, file: ChatFile) -> bytes:
        """What is in a file. Raises NotFound."""
        ...

    async def sent(self, file: ChatFile, file_id: str) -> None:
        """Note Telegram's id of a file that was uploaded."""
        ...


Arrived = Callable[[int, int], Awaitable[None]]


async def nobody(_parts: int, _message_id: int) -> None:
    """For who need not know how many parts have arrived."""


class LessonMessenger(Protocol):
    """Sends lessons to chats. Richer messages are another messenger, or another rendering of the same texts.

    Failures are those of backend.infra.telegram.errors.
    """

    async def turn(self, chat_id: int, patience: float) -> None:
        """Wait until a lesson may be sent to the chat, for ``patience`` seconds at most. Raises TooManyRequests."""
        ...

    async def send(self, chat_id: int, message: LessonMessage, *, skip: int = 0, arrived: Arrived = nobody) -> int:
        """Send the message in the turn that was waited for; the id of its last part, which has the button.

        ``skip`` parts have arrived before. ``arrived`` is awaited after each other part but the last, with the number
        of those that have and the id of its message; what it raises ends the sending. Raises TooManyRequests,
        Unreachable, Refused, TelegramDown.
        """
        ...
