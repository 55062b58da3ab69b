"""Who is in which group: joining by link, requests, leaving, and the updates that follow."""

from typing import Any, Literal

import msgspec

from bot.simulator.errors import bad_request
from bot.simulator.model import INSIDE, Group, InviteLink, MemberStatus, Persona
from bot.simulator.state import World
from bot.simulator.telegram_types import Chat, Message, User

QUERY_SECONDS = 10.0
"""How long Telegram waits for a guard bot."""
JoinResult = Literal["joined", "requested", "already_member", "banned", "expired"]


def _member(user: User, status: MemberStatus) -> dict[str, Any]:
    member: dict[str, Any] = {"status": status, "user": msgspec.to_builtins(user)}
    if status == "kicked":
        member["until_date"] = 0
    return member


def _change(world: World, chat: Chat, actor: User, user: User, old: MemberStatus, new: MemberStatus) -> dict[str, Any]:
    return {
        "chat": msgspec.to_builtins(chat),
        "from": msgspec.to_builtins(actor),
        "date": world.now(),
        "old_chat_member": _member(user, old),
        "new_chat_member": _member(user, new),
    }


def set_blocked(world: World, persona: Persona, blocked: bool) -> None:
    """Block or unblock the bot: it hears my_chat_member, and is answered 403 from then on."""
    if persona.blocked == blocked:
        return
    persona.blocked = blocked
    statuses: tuple[MemberStatus, MemberStatus] = ("member", "kicked") if blocked else ("kicked", "member")
    change = _change(world, persona.chat(), persona.user(), world.bot_user(), *statuses)
    world.updates.push("my_chat_member", change, persona.id)
    world.live.tell("people")
    world.saved()


def set_member(
    world: World, group: Group, persona: Persona, status: MemberStatus, actor: User, link: InviteLink | None = None
) -> None:
    """Change a person's membership of a group; the bot hears chat_member if it asked for it."""
    old = group.members.get(persona.id, "left")
    if old == status:
        return
    group.members[persona.id] = status
    if status in INSIDE:
        drop_requests(group, persona.id)
    change = _change(world, group.chat(), actor, persona.user(), old, status)
    if link is not None:
        link.joined += 1
        change["invite_link"] = link_json(world, link)
    if group.bot == "administrator":
        world.updates.push("chat_member", change, group.id)
    service: dict[str, Any] = {}
    if status == "member":
        service["new_chat_members"] = [persona.user()]
    elif old in INSIDE and status not in INSIDE:
        service["left_chat_member"] = persona.user()
    if service:
        say_in(world, group, actor, **service)
    world.live.tell("people")
    world.saved()


def say_in(world: World, group: Group, actor: User, **service: Any) -> None:
    """Keep a service message of a group; the bot hears it where it is a member."""
    message = Message(
        message_id=world.new_message_id(), date=world.now(), chat=group.chat(), from_user=actor, **service
    )
    if group.bot in INSIDE:
        world.say(message)
    else:
        world.put_message(message)


def drop_requests(group: Group, user_id: int) -> None:
    """Forget that somebody has asked to join."""
    group.requests.pop(user_id, None)
    for query_id in [one for one, (who, _, _) in group.queries.items() if who == user_id]:
        del group.queries[query_id]


def link_json(world: World, link: InviteLink) -> dict[str, Any]:
    """Return the Bot API's ChatInviteLink object."""
    pending = sum(
        1 for group in world.data.groups.values() for url in group.requests.values() if url == link.invite_link
    )
    result: dict[str, Any] = {
        "invite_link": link.invite_link,
        "creator": msgspec.to_builtins(world.bot_user()),
        "creates_join_request": link.creates_join_request,
        "is_primary": False,
        "is_revoked": link.is_revoked,
    }
    for name in ("name", "expire_date", "member_limit"):
        if getattr(link, name) is not None:
            result[name] = getattr(link, name)
    if pending:
        result["pending_join_request_count"] = pending
    return result


def find_link(world: World, invite_link: str) -> tuple[Group, InviteLink]:
    """Return the group and the link of an address; raises 400 "INVITE_HASH_INVALID"."""
    for group in world.data.groups.values():
        if invite_link in group.links:
            return group, group.links[invite_link]
    raise bad_request("INVITE_HASH_INVALID")


def join(world: World, persona: Persona, invite_link: str) -> JoinResult:
    """Open an invite link: join at once, or ask to (chat_join_request), as the link says."""
    group, link = find_link(world, invite_link)
    status = group.members.get(persona.id, "left")
    if status in INSIDE:
        return "already_member"
    if status == "kicked":
        return "banned"
    expired = link.expire_date is not None and link.expire_date <= world.now()
    full = link.member_limit is not None and link.joined >= link.member_limit
    if link.is_revoked or expired or full:
        return "expired"
    if not link.creates_join_request:
        set_member(world, group, persona, "member", persona.user(), link)
        return "joined"
    expire_queries(world, group)
    if persona.id not in group.requests and not any(who == persona.id for who, _, _ in group.queries.values()):
        _ask(world, group, persona, link)
    return "requested"


def _ask(world: World, group: Group, persona: Persona, link: InviteLink) -> None:
    """Have the bot hear a request: as the guard's query, or to be approved or declined at any time."""
    persona.allows_write = True  # Telegram lets a bot write to those who ask to join for a while
    hears = group.bot == "administrator" and "can_invite_users" in group.rights
    request = {
        "chat": msgspec.to_builtins(group.chat()),
        "from": msgspec.to_builtins(persona.user()),
        "user_chat_id": persona.id,
        "date": world.now(),
        "invite_link": link_json(world, link),
    }
    if group.guard and hears:
        request["query_id"] = world.expect_answer()
        group.queries[request["query_id"]] = (persona.id, link.invite_link, world.clock())
    else:
        group.requests[persona.id] = link.invite_link
    if hears:
        world.updates.push("chat_join_request", request, group.id)
    world.live.tell("people")
    world.saved()


def expire_queries(world: World, group: Group) -> None:
    """Have requests wait for an admin that the guard bot did not answer in time."""
    for query_id, (who, link, since) in list(group.queries.items()):
        if world.clock() - since > QUERY_SECONDS:
            del group.queries[query_id]
            group.requests[who] = link


def answer_query(world: World, query_id: str, result: str) -> None:
    """Do what the guard bot says; raises 400 for a query that is unknown, answered or too old."""
    for group in world.data.groups.values():
        expire_queries(world, group)
        if query_id in group.queries:
            who, link, _ = group.queries.pop(query_id)
            group.requests[who] = link
            world.answers[query_id] = {"result": result}
            world.answered.set()
            if result != "queue":
                settle_request(world, group, who, approved=result == "approve")
            world.live.tell("people")
            world.saved()
            return
    raise bad_request("QUERY_ID_INVALID")


def settle_request(world: World, group: Group, user_id: int, approved: bool) -> None:
    """Approve or decline a request to join; raises 400 where there is none."""
    expire_queries(world, group)
    if approved and group.members.get(user_id) in INSIDE:
        raise bad_request("USER_ALREADY_PARTICIPANT")
    invite_link = group.requests.pop(user_id, None)
    persona = world.persona(user_id)
    if invite_link is None or persona is None:
        raise bad_request("HIDE_REQUESTER_MISSING")
    if approved:
        set_member(world, group, persona, "member", world.bot_user(), group.links.get(invite_link))
    world.live.tell("people")
    world.saved()
