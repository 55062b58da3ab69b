"""How a call to the Bot API fails. Each text names the method; none holds the token."""

from __future__ import annotations


class TelegramError(Exception):
    """A call to the Bot API did not succeed."""


class TelegramDown(TelegramError):
    """Telegram gave no answer, or one that makes no sense; the same call may succeed later."""


class WrongToken(TelegramDown):
    """This server knows no such bot (401, 404): the operator has to mend BOT_TOKEN or TELEGRAM_API_URL."""


class TooManyRequests(TelegramError):
    """Telegram takes the call again after ``seconds``."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Refused(TelegramError):
    """Telegram will never do this as it was asked; the text ends with its description."""


class Unreachable(Refused):
    """The person has blocked the bot, never started it, or is gone."""


class NotModified(Refused):
    """The message says exactly this already."""


class ChatMoved(Refused):
    """The group became a supergroup: its id is ``chat_id`` now."""

    def __init__(self, text: str, chat_id: int) -> None:
        super().__init__(text)
        self.chat_id = chat_id
