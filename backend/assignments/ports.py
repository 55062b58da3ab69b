"""What assignments need from the outside."""

from __future__ import annotations

from typing import Protocol


class ChatFiles(Protocol):
    """Downloads what people send to the bot."""

    async def download(self, file_id: str, largest: int) -> bytes | None:
        """What is in a file; None where Telegram doesn't give it, or it is larger than ``largest`` bytes.

        Raises the TooManyRequests and TelegramDown of backend.infra.telegram.errors.
        """
        ...
