"""Groups and channels of Telegram that belong to plans of courses, and who is in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.courses.types import TariffId
from backend.courses.types.subjects import PlanSubject
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

GroupId = NewType("GroupId", UUID)


class ChatKind(StrEnum):
    """What sort of chat it is."""

    GROUP = "group"
    """A small group, which Telegram makes a supergroup as soon as it needs to; nobody can be removed before."""
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class BotState(StrEnum):
    """What the bot is in a chat."""

    ADMIN = "admin"
    MEMBER = "member"
    GONE = "gone"


class Problem(StrEnum):
    """What the bot lacks to let people in and out; stored."""

    GONE = "gone"
    """It is not in the chat."""
    NOT_ADMIN = "not_admin"
    NO_INVITE = "no_invite"
    """The right to invite users, which approves requests and makes links."""
    NO_BAN = "no_ban"
    """The right to ban users, which removes them."""
    SMALL_GROUP = "small_group"
    """Telegram removes people by bots from supergroups and channels only."""


class MemberState(StrEnum):
    """What a person is in a chat, as far as is known; stored."""

    UNKNOWN = "unknown"
    """Telegram was not asked yet."""
    OUT = "out"
    REQUESTED = "requested"
    """They have asked to join, and nobody has decided."""
    IN = "in"
    ADMIN = "admin"
    """The owner, too: the bot never removes them."""
    BANNED = "banned"
    """Banned by an admin of the chat; the shop doesn't undo that."""

    @property
    def is_inside(self) -> bool:
        """Whether they are in the chat."""
        return self in {MemberState.IN, MemberState.ADMIN}


class Verdict(StrEnum):
    """The answer to a guard bot's query; Telegram's words."""

    APPROVE = "approve"
    QUEUE = "queue"
    """The request waits, as it does in a chat without a guard bot."""


class People(StrEnum):
    """Which people of a group are listed."""

    INSIDE = "inside"
    WAITING = "waiting"
    """Those who have asked and may not join yet."""
    MISSING = "missing"
    """Those who may join, and have not."""


class BotRights(msgspec.Struct, frozen=True):
    """What the bot is and may do in a chat."""

    state: BotState
    can_invite: bool = False
    can_remove: bool = False


class Chat(msgspec.Struct, frozen=True):
    """A chat as Telegram describes it."""

    id: int
    kind: ChatKind
    title: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that the bot is or was in; ``members`` counts everybody there, None before Telegram was asked."""

    id: GroupId
    chat_id: int
    kind: ChatKind
    title: str
    bot: BotState
    can_invite: bool
    can_remove: bool
    link: str | None
    """Where people ask to join."""
    link_checked_at: datetime | None
    members: int | None
    reported: tuple[Problem, ...]
    """The problems that admins were told last."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person of whom a group has heard, or who may join it."""

    telegram_id: int
    name: str
    state: MemberState
    student: bool
    """They have or had a plan with this group: who never had one is never removed."""
    by_hand: bool
    """An admin of the chat let them in while they had no access."""
    requested_at: datetime | None
    joined_at: datetime | None
    invited_at: datetime | None
    """When they were sent the link; None from the end of access on, so that they are sent it again."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks to join; ``query_id`` is the guard bot's, which must be answered within ten seconds."""

    chat: Chat
    telegram_id: int
    name: str
    language_code: str | None = None
    query_id: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. ``plans`` would let them in; empty when there is nothing to tell them."""

    approved: bool
    title: str = ""
    plans: tuple[PlanSubject, ...] = ()
    language: Locale = Locale.EN


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A group in the back office's list; ``waiting`` have asked and have no access."""

    group: Group
    problems: tuple[Problem, ...]
    plans: int
    inside: int
    waiting: int


class GroupDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A group on its page, with the plans that open it; counts of its people by list."""

    group: Group
    problems: tuple[Problem, ...]
    plans: tuple[PlanSubject, ...]
    counts: dict[People, int]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a list of a group's people; ``user_id`` is None for who never came to the shop."""

    telegram_id: int
    user_id: UserId | None
    name: str
    state: MemberState
    by_hand: bool
    live: bool
    """They have a plan with this group now."""
    at: datetime | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What linking or unlinking a plan changes: who gets access to the group, and who loses it, by their names.

    ``removed`` of those who lose it are in the group, as far as is known.
    """

    group: Group
    plan: PlanSubject
    linked: bool
    """It is linked now: the change is to unlink it."""
    gain: tuple[str, ...]
    lose: tuple[str, ...]
    removed: int


class MyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group that a student's plan opens; ``link`` is None while the bot has none."""

    title: str
    kind: ChatKind
    state: MemberState
    link: str | None


class SettleMember(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``community.settle``; ``look``: ask Telegram, whatever is stored."""

    group_id: GroupId
    telegram_id: int
    look: bool = False


class RefreshGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``community.refresh``; ``new_link``: whatever the old one is."""

    group_id: GroupId
    new_link: bool = False


class GroupAdded(Event, frozen=True, kw_only=True):
    """The bot was added to a chat."""

    group_id: GroupId
    link_plans: bool
    """No plan opens it yet."""


class GroupTroubled(Event, frozen=True, kw_only=True):
    """The bot lacks something in a group that belongs to a plan, which admins were not told before."""

    group_id: GroupId
    problems: tuple[Problem, ...]


class GroupInvited(Event, frozen=True, kw_only=True):
    """A student may join a group of which no other message tells them."""

    group_id: GroupId
    user_id: UserId


class PlanLinked(msgspec.Struct, frozen=True):
    """A plan and a group that it opens."""

    group_id: GroupId
    tariff_id: TariffId
