"""Telegram's sending limits, off unless asked for: one message a second to a chat, thirty a second in all."""

import math
from collections import deque

from bot.simulator.errors import too_many_requests

_PER_SECOND = 30
_CHAT_SECONDS = 1.0


class RateLimit:
    """Counts sent messages in a sliding second."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._sent: deque[float] = deque()
        self._by_chat: dict[int, float] = {}

    def take(self, chat_id: int, now: float) -> None:
        """Count one message to a chat at `now` (seconds); raises 429 with retry_after where it is too soon."""
        if not self.enabled:
            return
        while self._sent and now - self._sent[0] >= 1.0:
            self._sent.popleft()
        wait = self._by_chat.get(chat_id, -_CHAT_SECONDS) + _CHAT_SECONDS - now
        if len(self._sent) >= _PER_SECOND:
            wait = max(wait, self._sent[0] + 1.0 - now)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        self._sent.append(now)
        self._by_chat[chat_id] = now
