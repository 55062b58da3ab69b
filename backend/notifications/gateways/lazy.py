"""A messenger that comes to be when it is first used: aiogram is slow to import, and the web process sends nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from backend.infra.settings import Settings
from backend.notifications.errors import NotSent
from backend.notifications.ports import Messenger
from backend.notifications.types import Message

if TYPE_CHECKING:
    from backend.notifications.gateways.telegram import TelegramMessenger


def load() -> type[TelegramMessenger]:
    """Import aiogram, which takes seconds of processor time."""
    from backend.notifications.gateways.telegram import TelegramMessenger  # noqa: PLC0415 - see above

    return TelegramMessenger


def preload() -> None:
    """Import it beside what the process begins with, which need not wait for that; the process's end does."""
    threading.Thread(target=load, name="preload").start()


class LazyTelegramMessenger:
    """The Bot API as our messenger, imported and connected on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: Messenger | None = None
        self._closed = False

    async def _messenger(self) -> Messenger:
        if self._made is None and not self._closed:
            messenger = await asyncio.to_thread(load)
            if self._made is None and not self._closed:
                self._made = messenger(self._settings.bot_token, self._settings.telegram_api_url)
        if self._made is None or self._closed:
            raise NotSent("the messenger is closed")
        return self._made

    async def turn(self, chat_id: int, ticket: str) -> None:
        """Wait for the message's turn. Raises SlowDown when it is not near."""
        await (await self._messenger()).turn(chat_id, ticket)

    async def send(self, chat_id: int, message: Message) -> int:
        """Send, and tell the message's id. Raises Unreachable, SlowDown, Rejected, NotSent."""
        return await (await self._messenger()).send(chat_id, message)

    async def close(self) -> None:
        """Close the connections, where there are any."""
        self._closed = True
        if self._made is not None:
            await self._made.close()
