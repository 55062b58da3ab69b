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


class Pictures(Protocol):
    """What a messenger knows of the pictures of messages; all of them by the name of what is in the chat."""

    async def find(self, name: str) -> str | None:
        """Telegram's id of it, where this bot has sent it before."""
        ...

    async def read(self, name: str) -> bytes | None:
        """What to upload; None where it is not stored."""
        ...

    async def sent(self, name: str, file_id: str) -> None:
        """Keep Telegram's id of what was uploaded."""
        ...

    async def refused(self, name: str, file_id: str) -> None:
        """Forget an id that Telegram refuses."""
        ...
