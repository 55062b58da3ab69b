"""Telegram's sending limits, kept in this process: about 30 messages a second in all, one a second to a chat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from backend.notifications.errors import SlowDown

_LONGEST_WAIT = 1.5
_FORGET_SECONDS = 120.0
_TIDY_ABOVE = 5000


class Pacer:
    """Gives each message its time to be sent. A time further away than a moment is reserved under a ticket.

    Each worker paces only its own messages: with several workers, Telegram's 429 slows them down.
    """

    def __init__(
        self, *, per_second: float = 28, chat_seconds: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._step = 1 / per_second
        self._chat_seconds = chat_seconds
        self._monotonic = monotonic
        self._next = 0.0
        self._next_by_chat: dict[int, float] = {}
        self._kept: dict[str, float] = {}

    async def turn(self, chat_id: int, ticket: str) -> None:
        """Wait until the message may be sent. Raises SlowDown when that is more than a moment away."""
        now = self._monotonic()
        at = self._kept.pop(ticket, None)
        if at is None:
            at = max(now, self._next_by_chat.get(chat_id, 0.0))
            self._next_by_chat[chat_id] = at + self._chat_seconds
            self._tidy(now)
        if at - now > _LONGEST_WAIT:
            self._kept[ticket] = at
            raise SlowDown(at - now)
        if at > now:
            await asyncio.sleep(at - now)
        # The limit for all is spent only now: a chat that waits for its own turn must not hold up the others.
        now = self._monotonic()
        start = max(now, self._next)
        self._next = start + self._step
        if start > now:
            await asyncio.sleep(start - now)

    def pause(self, chat_id: int, seconds: float) -> None:
        """Send nothing to the chat for ``seconds``, as Telegram has asked."""
        later = self._monotonic() + seconds
        self._next_by_chat[chat_id] = max(self._next_by_chat.get(chat_id, 0.0), later)

    def _tidy(self, now: float) -> None:
        if len(self._next_by_chat) > _TIDY_ABOVE:
            self._next_by_chat = {chat: at for chat, at in self._next_by_chat.items() if at > now}
        if len(self._kept) > _TIDY_ABOVE:
            self._kept = {ticket: at for ticket, at in self._kept.items() if at > now - _FORGET_SECONDS}
