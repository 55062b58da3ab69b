"""What certificates need from the outside."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Drawer(Protocol):
    """Draws certificates."""

    async def pdf(self, data: msgspec.Struct) -> bytes:
        """A document of this data."""
        ...

    async def png(self, data: msgspec.Struct, *, ppi: int) -> bytes:
        """A picture of it, of so many pixels an inch."""
        ...


class SharedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody sends to a chat of their choice: a text with the address ``url``, and a button that opens it."""

    title: str
    text: str
    url: str
    button: str


class Sharing(Protocol):
    """Prepares messages that people send from the Mini App."""

    async def prepare(self, telegram_id: int, message: SharedMessage) -> str | None:
        """The id by which this person's app can send it; None where Telegram can't prepare it now."""
        ...
