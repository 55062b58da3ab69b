"""What groups need from Telegram."""

from __future__ import annotations

from typing import Protocol

import msgspec

from backend.community.types import BotRights, Chat, MemberState, Verdict


class ChatSeen(msgspec.Struct, frozen=True):
    """A chat as Telegram shows it to the bot."""

    chat: Chat
    rights: BotRights
    members: int


class Chats(Protocol):
    """Groups and channels. Each call raises NoRight, NotInChat, and the errors of backend.infra.telegram.errors."""

    async def look(self, chat_id: int) -> ChatSeen:
        """The chat, and what the bot may do there."""
        ...

    async def find(self, chat_id: int, telegram_id: int, *, sweep: bool = False) -> MemberState:
        """What a person is there; OUT for who never was. ``sweep``: all others' calls go first."""
        ...

    async def approve(self, chat_id: int, telegram_id: int) -> bool:
        """Let in a person who has asked; False where no request of theirs can be approved."""
        ...

    async def remove(self, chat_id: int, telegram_id: int) -> None:
        """Remove a member, without a ban."""
        ...

    async def answer(self, query_id: str, verdict: Verdict) -> bool:
        """Answer a guard bot's query; False where it cannot be answered any more. Waits for no turn."""
        ...

    async def make_link(self, chat_id: int, name: str) -> str:
        """A new link by which people ask to join."""
        ...

    async def check_link(self, chat_id: int, link: str, name: str) -> None:
        """Whether a link of ours still works. Raises LinkGone."""
        ...
