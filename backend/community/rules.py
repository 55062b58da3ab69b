"""What is done next about a person in a group, and what the bot lacks there."""

from __future__ import annotations

from enum import StrEnum

from backend.community.types import BotState, ChatKind, Group, Member, MemberState, Problem

_INSIDE = frozenset({MemberState.IN, MemberState.ADMIN})


class Step(StrEnum):
    """One thing to do."""

    APPROVE = "approve"
    LOOK = "look"
    REMOVE = "remove"
    INVITE = "invite"
    """Send them the link."""


def problems(kind: ChatKind, bot: BotState, *, can_invite: bool, can_remove: bool) -> tuple[Problem, ...]:
    """What the bot lacks in a chat, in the order in which an admin mends it."""
    if bot is BotState.GONE:
        return (Problem.GONE,)
    small = (Problem.SMALL_GROUP,) if kind is ChatKind.GROUP else ()
    if bot is BotState.MEMBER:
        return (Problem.NOT_ADMIN, *small)
    invite = () if can_invite else (Problem.NO_INVITE,)
    ban = () if can_remove else (Problem.NO_BAN,)
    return (*invite, *ban, *small)


def problems_of(group: Group) -> tuple[Problem, ...]:
    """What the bot lacks in a group."""
    return problems(group.kind, group.bot, can_invite=group.can_invite, can_remove=group.can_remove)


def may_remove(group: Group) -> bool:
    """Whether the bot can remove people."""
    return group.bot is BotState.ADMIN and group.can_remove and group.kind is not ChatKind.GROUP


def may_admit(group: Group) -> bool:
    """Whether the bot can let people in."""
    return group.bot is BotState.ADMIN and group.can_invite


def may_join(group: Group, member: Member) -> bool:
    """Whether the link is of use to a student: they are out, and have not asked."""
    return group.link is not None and may_admit(group) and member.state in {MemberState.OUT, MemberState.UNKNOWN}


def next_step(group: Group, member: Member, *, live: bool, look: bool, done: frozenset[Step]) -> Step | None:
    """What is to be done about a person who has access or not (``live``), after what was ``done`` in this run.

    ``look``: what is stored is not believed. A request is approved without asking first whether there is one: Telegram
    shows requests to nobody, and an update that told of one may be lost.
    """
    if group.bot is not BotState.ADMIN:
        return None
    doubtful = member.state is MemberState.UNKNOWN or look
    if live:
        return _of_student(group, member, doubtful=doubtful, done=done)
    if doubtful and Step.LOOK not in done:
        return Step.LOOK
    if member.state is MemberState.IN and member.student and not member.by_hand and may_remove(group):
        # What is stored may be old: an admin is not removed, and a ban is not lifted by that.
        return Step.REMOVE if Step.LOOK in done else Step.LOOK
    return None


def _of_student(group: Group, member: Member, *, doubtful: bool, done: frozenset[Step]) -> Step | None:
    """The next step towards having somebody in who may be."""
    invites = member.state is MemberState.OUT and member.invited_at is None
    asks = member.state is MemberState.REQUESTED or (doubtful and member.state not in _INSIDE) or invites
    if asks and may_admit(group) and not done & {Step.APPROVE, Step.LOOK}:
        return Step.APPROVE
    if doubtful and Step.LOOK not in done:
        return Step.LOOK
    return Step.INVITE if invites and may_admit(group) and group.link is not None else None
