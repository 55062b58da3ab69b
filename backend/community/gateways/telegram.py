"""Groups and channels by Telegram's Bot API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
import structlog

from backend.community.errors import LinkGone, NoRight, NotInChat
from backend.community.ports import ChatSeen
from backend.community.types import BotState, Chat, ChatKind, MemberState, Verdict
from backend.community.words import rights_of, state_of
from backend.infra.telegram.client import Method, Telegram
from backend.infra.telegram.errors import ChatMoved, Refused, TooManyRequests
from backend.infra.telegram.pace import Priority

T = TypeVar("T")
log = structlog.get_logger(__name__)
_PATIENCE_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 3.0
# Telegram's words (400, 403) in lower case. Source: tdlib/telegram-bot-api and td, StatusManager and Client.cpp.
_NO_RIGHT: Final = (
    "not enough rights", "chat_admin_required", "need administrator rights", "have no rights", "right_forbidden",
)  # fmt: skip
_NOT_IN_CHAT: Final = (
    "chat not found", "bot was kicked", "bot is not a member", "channel_private", "group chat was deactivated",
)  # fmt: skip
_NOT_THERE: Final = (
    "user_not_participant", "participant_id_invalid", "user not found", "member not found", "invalid user_id",
    "user_id_invalid", "peer_id_invalid",
)  # fmt: skip
_LET_IN_BEFORE: Final = "user_already_participant"
_REVOKED: Final = ("invite_hash_expired", "invite_revoked_missing", "invite_hash_invalid", "invite link not found")


class _Chat(msgspec.Struct, frozen=True):
    id: int
    type: str
    title: str = ""


class _Member(msgspec.Struct, frozen=True):
    """A ChatMember of any sort."""

    status: str
    is_member: bool = False
    can_invite_users: bool = False
    can_restrict_members: bool = False


class _Link(msgspec.Struct, frozen=True):
    invite_link: str
    is_revoked: bool = False


class GetChat(Method[_Chat], frozen=True):
    """What a chat is."""

    chat_id: int


class GetChatMember(Method[_Member], frozen=True):
    """What somebody is in a chat; guaranteed of others only where the bot is an administrator."""

    chat_id: int
    user_id: int


class GetChatMemberCount(Method[int], frozen=True):
    """How many are in a chat, the bot too."""

    chat_id: int


class ApproveChatJoinRequest(Method[bool], frozen=True):
    """Let in who has asked."""

    chat_id: int
    user_id: int


class UnbanChatMember(Method[bool], frozen=True):
    """Without ``only_if_banned`` a member is removed, and no ban is left."""

    chat_id: int
    user_id: int


class AnswerChatJoinRequestQuery(Method[bool], frozen=True):
    """Answer as the guard bot of a chat, within ten seconds."""

    chat_join_request_query_id: str
    result: str


class CreateChatInviteLink(Method[_Link], frozen=True):
    """A link of the bot's own; names have up to 32 characters."""

    chat_id: int
    name: str
    creates_join_request: bool = True


class EditChatInviteLink(Method[_Link], frozen=True):
    """Change a link of the bot's own, or leave it as it is."""

    chat_id: int
    invite_link: str
    name: str
    creates_join_request: bool = True


class TelegramChats:
    """Acts as the shop's bot. Calls about a person take turns with all that goes to Telegram's chats.

    After a 429 this process makes none until its time has passed, but for guard bots' queries, which can't wait.
    """

    def __init__(self, telegram: Telegram, bot_id: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._telegram = telegram
        self._bot_id = bot_id
        self._monotonic = monotonic
        self._rest_until = 0.0

    async def look(self, chat_id: int) -> ChatSeen:
        """The chat, the bot's rights there, and how many are in it."""
        chat = await self._call(GetChat(chat_id=chat_id))
        bot = await self._call(GetChatMember(chat_id=chat_id, user_id=self._bot_id))
        rights = rights_of(bot.status, can_invite=bot.can_invite_users, can_remove=bot.can_restrict_members)
        if rights.state is BotState.GONE:
            raise NotInChat(f"the bot is {bot.status}")
        count = await self._call(GetChatMemberCount(chat_id=chat_id))
        return ChatSeen(Chat(chat.id, ChatKind(chat.type), chat.title), rights, count)

    async def find(self, chat_id: int, telegram_id: int, *, sweep: bool = False) -> MemberState:
        """What a person is in a chat."""
        await self._turn(telegram_id, Priority.BROADCASTS if sweep else Priority.LESSONS)
        try:
            member = await self._call(GetChatMember(chat_id=chat_id, user_id=telegram_id))
        except Refused as error:
            if _says(error, _NOT_THERE):
                return MemberState.OUT
            raise
        return state_of(member.status, is_member=member.is_member)

    async def approve(self, chat_id: int, telegram_id: int) -> bool:
        """Let in a person who has asked; who is in already has been let in."""
        await self._turn(telegram_id)
        try:
            return await self._call(ApproveChatJoinRequest(chat_id=chat_id, user_id=telegram_id))
        except ChatMoved:
            raise
        except Refused as error:
            # HIDE_REQUESTER_MISSING: there is no request. Whatever else it is, asking once more tells what they are.
            log.info("community.not_approved", chat=chat_id, error=str(error))
            return _says(error, (_LET_IN_BEFORE,))

    async def remove(self, chat_id: int, telegram_id: int) -> None:
        """Remove a member; who is there no more is removed."""
        await self._turn(telegram_id)
        try:
            await self._call(UnbanChatMember(chat_id=chat_id, user_id=telegram_id))
        except Refused as error:
            if not _says(error, _NOT_THERE):
                raise

    async def answer(self, query_id: str, verdict: Verdict) -> bool:
        """Answer a query at once."""
        query = AnswerChatJoinRequestQuery(chat_join_request_query_id=query_id, result=verdict.value)
        try:
            return await self._telegram.call(query, seconds=_ANSWER_SECONDS)
        except Refused as error:
            log.warning("community.query_not_answered", error=str(error))
            return False

    async def make_link(self, chat_id: int, name: str) -> str:
        """A new link."""
        return (await self._call(CreateChatInviteLink(chat_id=chat_id, name=name))).invite_link

    async def check_link(self, chat_id: int, link: str, name: str) -> None:
        """Edit the link to what it is: no other method tells whether it was revoked."""
        try:
            answer = await self._call(EditChatInviteLink(chat_id=chat_id, invite_link=link, name=name))
        except Refused as error:
            if _says(error, _REVOKED):
                raise LinkGone from error
            raise
        if answer.is_revoked:
            raise LinkGone

    async def _turn(self, telegram_id: int, priority: Priority = Priority.LESSONS) -> None:
        await self._telegram.turn(telegram_id, priority, patience=_PATIENCE_SECONDS)

    async def _call(self, method: Method[T]) -> T:
        rest = self._rest_until - self._monotonic()
        if rest > 0:
            raise TooManyRequests("resting", rest)
        with _as_ours():
            try:
                return await self._telegram.call(method)
            except TooManyRequests as error:
                self._rest_until = self._monotonic() + error.seconds
                raise


def _says(error: Refused, words: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(word in said for word in words)


@contextmanager
def _as_ours() -> Iterator[None]:
    """Tell what the bot lacks from what Telegram refuses for other reasons."""
    try:
        yield
    except ChatMoved:
        raise
    except Refused as error:
        if _says(error, _NO_RIGHT):
            raise NoRight(str(error)) from error
        if _says(error, _NOT_IN_CHAT):
            raise NotInChat(str(error)) from error
        raise
