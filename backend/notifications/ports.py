"""What notifications need from a messenger, such as Telegram."""

from __future__ import annotations

from typing import Protocol

from backend.infra.telegram.pace import Priority
from backend.notifications.types import Message


class Messenger(Protocol):
    """Sends messages to chats."""

    async def turn(self, chat_id: int, ticket: str, priority: Priority) -> None:
        """Wait until sending to this chat is within the limits, for a moment at most.

        Raises SlowDown when that takes longer; the turn is reserved for ``ticket``, which asks again then.
        """
        ...

    async def send(self, chat_id: int, message: Message) -> int:
        """Send the message; returns its id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        ...

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Replace the text and the buttons of a sent message; does nothing if they are the same.

        Raises Unreachable, SlowDown, NotSent, and Rejected if the message can no longer be edited.
        """
        ...
