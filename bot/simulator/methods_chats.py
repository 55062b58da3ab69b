"""Bot API methods on chats: invite links, join requests, bans, members."""

import secrets
from typing import Any

import msgspec

from bot.simulator.errors import bad_request
from bot.simulator.groups import bot_as_member, group_for_bot
from bot.simulator.membership import answer_query, link_json, set_member, settle_request
from bot.simulator.methods_messages import Handler
from bot.simulator.model import INSIDE, InviteLink, Persona
from bot.simulator.params import Params
from bot.simulator.state import World


def _user(world: World, params: Params) -> Persona:
    persona = world.persona(params.integer("user_id"))
    if persona is None:
        raise bad_request("invalid user_id specified")
    return persona


async def create_chat_invite_link(world: World, params: Params) -> dict[str, Any]:
    """createChatInviteLink; raises 400 where it asks for approval and a member limit at once."""
    group = group_for_bot(world, params, "can_invite_users")
    asks = params.flag("creates_join_request")
    limit = params.integer("member_limit")
    if asks and limit:
        raise bad_request("member limit can't be specified for links requiring administrator approval")
    if not 0 <= limit <= 99999:
        raise bad_request("member limit must be between 1 and 99999")
    link = InviteLink(
        invite_link=f"https://t.me/+{secrets.token_urlsafe(12)}",
        creates_join_request=asks,
        name=params.text("name")[:32] or None,
        expire_date=params.integer("expire_date") or None,
        member_limit=limit or None,
    )
    group.links[link.invite_link] = link
    world.saved()
    return link_json(world, link)


async def revoke_chat_invite_link(world: World, params: Params) -> dict[str, Any]:
    """revokeChatInviteLink."""
    link = group_for_bot(world, params, "can_invite_users").links.get(params.text("invite_link"))
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    link.is_revoked = True
    world.saved()
    return link_json(world, link)


async def edit_chat_invite_link(world: World, params: Params) -> dict[str, Any]:
    """editChatInviteLink: the name and whether it asks; raises 400 for an unknown or revoked link."""
    link = group_for_bot(world, params, "can_invite_users").links.get(params.text("invite_link"))
    if link is None or link.is_revoked:
        raise bad_request("INVITE_HASH_EXPIRED")
    link.name = params.text("name")[:32] or None
    link.creates_join_request = params.flag("creates_join_request")
    world.saved()
    return link_json(world, link)


async def approve_chat_join_request(world: World, params: Params) -> bool:
    """approveChatJoinRequest."""
    settle_request(world, group_for_bot(world, params, "can_invite_users"), params.integer("user_id"), approved=True)
    return True


async def decline_chat_join_request(world: World, params: Params) -> bool:
    """declineChatJoinRequest."""
    settle_request(world, group_for_bot(world, params, "can_invite_users"), params.integer("user_id"), approved=False)
    return True


async def answer_chat_join_request_query(world: World, params: Params) -> bool:
    """answerChatJoinRequestQuery."""
    result = params.text("result")
    if result not in {"approve", "decline", "queue"}:
        raise bad_request("invalid result specified")
    answer_query(world, params.text("chat_join_request_query_id"), result)
    return True


async def ban_chat_member(world: World, params: Params) -> bool:
    """banChatMember."""
    group, persona = group_for_bot(world, params, "can_restrict_members"), _user(world, params)
    set_member(world, group, persona, "kicked", world.bot_user())
    return True


async def unban_chat_member(world: World, params: Params) -> bool:
    """unbanChatMember; without only_if_banned it also removes a member, as Telegram does."""
    group, persona = group_for_bot(world, params, "can_restrict_members"), _user(world, params)
    if group.kind == "group":
        raise bad_request("method is available for supergroup and channel chats only")
    if group.members.get(persona.id) in {"administrator", "creator"}:
        raise bad_request("can't remove chat owner" if group.members[persona.id] == "creator" else
                          "user is an administrator of the chat")  # fmt: skip
    if group.members.get(persona.id) == "kicked" or not params.flag("only_if_banned"):
        set_member(world, group, persona, "left", world.bot_user())
    return True


async def get_chat(world: World, params: Params) -> dict[str, Any]:
    """getChat."""
    number = params.integer("chat_id")
    persona = world.persona(number)
    chat = persona.chat() if persona is not None else group_for_bot(world, params).chat()
    return {**msgspec.to_builtins(chat), "accent_color_id": number % 7, "max_reaction_count": 11,
            "accepted_gift_types": {"unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False,
                                    "premium_subscription": False, "gifts_from_channels": False}}  # fmt: skip


async def get_chat_member(world: World, params: Params) -> dict[str, Any]:
    """getChatMember: who never was in the group has left it."""
    group = group_for_bot(world, params)
    if params.integer("user_id") == world.config.bot_id:
        return bot_as_member(world, group)
    persona = _user(world, params)
    status = group.members.get(persona.id, "left")
    member: dict[str, Any] = {"status": status, "user": msgspec.to_builtins(persona.user())}
    if status == "kicked":
        member["until_date"] = 0
    return member


async def get_chat_member_count(world: World, params: Params) -> int:
    """getChatMemberCount: the people and the bot."""
    members = group_for_bot(world, params).members
    return 1 + sum(1 for status in members.values() if status in INSIDE)


METHODS: dict[str, Handler] = {
    "createChatInviteLink": create_chat_invite_link,
    "revokeChatInviteLink": revoke_chat_invite_link,
    "editChatInviteLink": edit_chat_invite_link,
    "answerChatJoinRequestQuery": answer_chat_join_request_query,
    "approveChatJoinRequest": approve_chat_join_request,
    "declineChatJoinRequest": decline_chat_join_request,
    "banChatMember": ban_chat_member,
    "unbanChatMember": unban_chat_member,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
}
