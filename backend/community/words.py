"""What Telegram's words for people and bots in chats mean here, and what the bot lacks, in words."""

from __future__ import annotations

from backend.community.types import BotRights, BotState, MemberState, Problem
from backend.infra.i18n import Translator


def rights_of(status: str, *, can_invite: bool, can_remove: bool) -> BotRights:
    """What the bot may do with a status and rights as Telegram names them."""
    if status == "creator":
        return BotRights(BotState.ADMIN, can_invite=True, can_remove=True)
    if status == "administrator":
        return BotRights(BotState.ADMIN, can_invite=can_invite, can_remove=can_remove)
    return BotRights(BotState.GONE if status in {"left", "kicked"} else BotState.MEMBER)


def state_of(status: str, *, is_member: bool) -> MemberState:
    """What somebody is by their status; restricted people may be in the chat or not."""
    if status in {"creator", "administrator"}:
        return MemberState.ADMIN
    if status == "kicked":
        return MemberState.BANNED
    return MemberState.IN if status == "member" or (status == "restricted" and is_member) else MemberState.OUT


def problem_words(problem: Problem, words: Translator) -> str:
    """What the bot lacks in a group, by the name that Telegram gives it."""
    _ = words.gettext
    match problem:
        case Problem.GONE:
            return _("The bot isn't in the group")
        case Problem.NOT_ADMIN:
            return _("The bot isn't an admin")
        case Problem.NO_INVITE:
            return _("No right to invite users via link")
        case Problem.NO_BAN:
            return _("No right to ban users")
        case Problem.SMALL_GROUP:
            return _("It's a small group: make it a supergroup, so that people can be removed")
