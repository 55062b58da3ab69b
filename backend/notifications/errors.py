"""Why a message was not sent: raised by the gateway, handled by the service, never shown to people."""

from __future__ import annotations


class Unreachable(Exception):
    """The person has blocked the bot, never started it, or is gone."""


class SlowDown(Exception):
    """The message may go out after ``seconds``."""

    def __init__(self, seconds: float, reason: str = "Telegram's limits") -> None:
        super().__init__(reason)
        self.seconds = seconds


class Rejected(Exception):
    """Telegram will never take this message as it is."""


class NotSent(Exception):
    """Telegram could not be reached, or failed: the same message may go through later."""
