"""A chat to which lessons are sent, without Telegram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime

from backend.courses.ports import Arrived, nobody
from backend.courses.types.schedule import LessonMessage
from backend.kernel.clock import Clock


async def _nothing(_chat: int) -> None:
    """For when nothing else happens."""


class Chat:
    """A messenger that notes what was sent and when; ``before`` and ``after`` may raise around each part of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.parts: dict[int, list[str]] = defaultdict(list)
        self.sent: dict[int, list[tuple[datetime, LessonMessage]]] = defaultdict(list)
        self.before: Callable[[int], None] = lambda _chat: None
        self.after: Callable[[int], None] = lambda _chat: None
        self.between: Callable[[int], Awaitable[None]] = _nothing
        """Awaited once, after a part and before it is noted."""
        self.count = 0

    async def turn(self, chat_id: int, patience: float) -> None:
        """At once."""

    async def send(self, chat_id: int, message: LessonMessage, *, skip: int = 0, arrived: Arrived = nobody) -> int:
        for number, part in enumerate(message.parts[skip:], start=skip + 1):
            self.before(chat_id)
            self.count += 1
            self.parts[chat_id].append(part.html)
            if number == len(message.parts):
                self.sent[chat_id].append((self.clock.now(), message))
            self.after(chat_id)
            if number < len(message.parts):
                between, self.between = self.between, _nothing
                await between(chat_id)
                await arrived(number, self.count)
        return self.count

    def lessons(self, chat_id: int) -> list[str]:
        """The last parts of the addresses that were sent to a chat."""
        return [message.url.rpartition("/")[2] for _, message in self.sent[chat_id]]

    def times(self, chat_id: int) -> list[datetime]:
        return [at for at, _ in self.sent[chat_id]]
