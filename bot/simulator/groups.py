"""Groups themselves: what the bot is and may do there, and a group that becomes a supergroup."""

from typing import Any

import msgspec

from bot.simulator.errors import ApiError, bad_request, forbidden
from bot.simulator.membership import say_in
from bot.simulator.model import BOT_RIGHTS, INSIDE, BotStatus, Group, Persona
from bot.simulator.params import Params
from bot.simulator.state import World

_ALL_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip
_SAID_WITHOUT = {
    "can_invite_users": "not enough rights to manage chat invite link",
    "can_restrict_members": "not enough rights to restrict/unrestrict chat member",
}


def bot_as_member(world: World, group: Group, status: BotStatus | None = None) -> dict[str, Any]:
    """Return the bot as a ChatMember of a group, with the rights that it has there."""
    member: dict[str, Any] = {"status": status or group.bot, "user": msgspec.to_builtins(world.bot_user())}
    if member["status"] == "administrator":
        granted = {"can_manage_chat", "can_delete_messages", *group.rights}
        member |= {right: right in granted for right in _ALL_RIGHTS}
    elif member["status"] == "kicked":
        member["until_date"] = 0
    return member


def group_for_bot(world: World, params: Params, right: str | None = None) -> Group:
    """Return the group that the bot acts in.

    Raises 400 for an unknown group, one that has moved or where it lacks the right, 403 where it is no member.
    """
    group = world.group(params.raw("chat_id"))
    if group.moved_to is not None:
        more = {"migrate_to_chat_id": group.moved_to}
        raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", more)
    if group.bot == "kicked":
        raise forbidden(f"bot was kicked from the {group.kind} chat")
    if group.bot == "left":
        raise forbidden(f"bot is not a member of the {group.kind} chat")
    if right is not None and group.bot != "administrator":
        raise bad_request("CHAT_ADMIN_REQUIRED")
    if right is not None and right not in group.rights:
        raise bad_request(_SAID_WITHOUT[right])
    return group


def set_bot(world: World, group: Group, actor: Persona, status: BotStatus, rights: list[str] | None = None) -> None:
    """Add or remove the bot, or change its rights; it hears my_chat_member."""
    before = bot_as_member(world, group)
    group.bot = status
    if rights is not None:
        group.rights = [right for right in rights if right in BOT_RIGHTS]
    tell_bot(world, group, actor, before)


def tell_bot(world: World, group: Group, actor: Persona, before: dict[str, Any]) -> None:
    """Have the bot hear of what it is in a group."""
    change = {
        "chat": msgspec.to_builtins(group.chat()),
        "from": msgspec.to_builtins(actor.user()),
        "date": world.now(),
        "old_chat_member": before,
        "new_chat_member": bot_as_member(world, group),
    }
    world.updates.push("my_chat_member", change, group.id)
    world.live.tell("people")
    world.saved()


def upgrade(world: World, group: Group, actor: Persona, number: int) -> Group:
    """Make a supergroup of a small group: a chat of another id, with the same people; links are gone."""
    if group.kind != "group" or group.moved_to is not None:
        raise ApiError(409, "only a small group becomes a supergroup, once")
    new = Group(
        id=number, title=group.title, bot=group.bot, rights=group.rights, guard=group.guard, members=group.members
    )
    world.data.groups[number] = new
    group.members, group.links, group.requests = {}, {}, {}
    say_in(world, group, actor.user(), migrate_to_chat_id=number)
    group.moved_to = number
    say_in(world, new, actor.user(), migrate_from_chat_id=group.id)
    if new.bot in INSIDE:
        tell_bot(world, new, actor, bot_as_member(world, new, "left"))
    return new
