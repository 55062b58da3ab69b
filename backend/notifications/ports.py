"""The way out."""

from __future__ import annotations

from typing import Protocol

from backend.notifications.types import Message


class Messenger(Protocol):
    """Sends messages to chats."""

    async def turn(self, chat_id: int, ticket: str) -> None:
        """Wait for this message's turn, for a moment at most.

        Raises SlowDown when it is further away; the turn is kept for ``ticket`` and is there when it asks again.
        """
        ...

    async def send(self, chat_id: int, message: Message) -> int:
        """Send, and tell the message's id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        ...

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Make a message of ours say this; nothing where it says so already.

        Raises Unreachable, SlowDown, NotSent, and Rejected where it cannot be edited any more.
        """
        ...
