"""Groups of Telegram without Telegram: who is in them, who has asked, what the bot may do there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from backend.community.errors import LinkGone, NoRight, NotInChat
from backend.community.ports import ChatSeen
from backend.community.types import BotRights, BotState, Chat, ChatKind, MemberState, Verdict
from backend.infra.telegram.errors import ChatMoved


class FakeGroup(msgspec.Struct, kw_only=True):
    """One group; ``links`` maps each to whether it works."""

    chat: Chat
    rights: BotRights = BotRights(BotState.ADMIN, can_invite=True, can_remove=True)
    people: dict[int, MemberState] = {}
    requests: set[int] = set()
    links: dict[str, bool] = {}
    moved_to: int | None = None

    @property
    def inside(self) -> set[int]:
        """Who is in."""
        return {who for who, state in self.people.items() if state in {MemberState.IN, MemberState.ADMIN}}


async def _nothing(_call: str) -> None:
    """For when nothing else happens."""


class FakeChats:
    """The port on such groups. ``before`` and ``after`` are awaited around each call, by its name; they may raise."""

    def __init__(self) -> None:
        self.groups: dict[int, FakeGroup] = {}
        self.calls: list[str] = []
        self.answers: dict[str, Verdict] = {}
        self.before: Callable[[str], Awaitable[None]] = _nothing
        self.after: Callable[[str], Awaitable[None]] = _nothing

    def add(self, chat_id: int, title: str = "Circle", kind: ChatKind = ChatKind.SUPERGROUP) -> FakeGroup:
        """A group with the bot as its administrator."""
        self.groups[chat_id] = FakeGroup(chat=Chat(chat_id, kind, title))
        return self.groups[chat_id]

    def ask(self, chat_id: int, who: int) -> None:
        """Somebody follows the link."""
        if who not in self.groups[chat_id].inside:
            self.groups[chat_id].requests.add(who)

    async def _enter(self, call: str, chat_id: int, right: str = "") -> FakeGroup:
        self.calls.append(call)
        await self.before(call)
        group = self.groups.get(chat_id)
        if group is None or group.rights.state is BotState.GONE:
            raise NotInChat("chat not found")
        if group.moved_to is not None:
            raise ChatMoved("upgraded", group.moved_to)
        if right and not (group.rights.state is BotState.ADMIN and getattr(group.rights, right)):
            raise NoRight("not enough rights")
        return group

    async def look(self, chat_id: int) -> ChatSeen:
        group = await self._enter("look", chat_id)
        return ChatSeen(group.chat, group.rights, len(group.inside) + 1)

    async def find(self, chat_id: int, telegram_id: int, *, sweep: bool = False) -> MemberState:
        group = await self._enter("find", chat_id)
        await self.after("find")
        return group.people.get(telegram_id, MemberState.OUT)

    async def approve(self, chat_id: int, telegram_id: int) -> bool:
        group = await self._enter("approve", chat_id, "can_invite")
        if telegram_id in group.inside:
            return True
        if telegram_id not in group.requests:
            return False
        group.requests.discard(telegram_id)
        group.people[telegram_id] = MemberState.IN
        await self.after("approve")
        return True

    async def remove(self, chat_id: int, telegram_id: int) -> None:
        group = await self._enter("remove", chat_id, "can_remove")
        assert group.people.get(telegram_id) is not MemberState.ADMIN, "an admin is never removed"
        assert group.people.get(telegram_id) is not MemberState.BANNED, "a ban is never lifted"
        group.people.pop(telegram_id, None)
        await self.after("remove")

    async def answer(self, query_id: str, verdict: Verdict) -> bool:
        self.calls.append("answer")
        await self.before("answer")
        self.answers[query_id] = verdict
        return True

    async def make_link(self, chat_id: int, name: str) -> str:
        group = await self._enter("make_link", chat_id, "can_invite")
        link = f"https://t.me/+{abs(chat_id)}{len(group.links)}"
        group.links[link] = True
        await self.after("make_link")
        return link

    async def check_link(self, chat_id: int, link: str, name: str) -> None:
        group = await self._enter("check_link", chat_id, "can_invite")
        if not group.links.get(link):
            raise LinkGone
