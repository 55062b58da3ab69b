"""The control API's part about groups; paths are listed in `control`."""

import secrets

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from bot.simulator import groups, membership
from bot.simulator.control_people import AnyRequest, Json, world_of
from bot.simulator.errors import ApiError
from bot.simulator.model import BOT_RIGHTS, BotStatus, Group, GroupKind, MemberStatus, Persona
from bot.simulator.state import World
from bot.simulator.views import group_view


class NewGroup(msgspec.Struct):
    """The body of POST /control/groups; `owner` makes the group and adds the bot."""

    title: str
    id: int | None = None
    kind: GroupKind = "supergroup"
    bot: BotStatus = "administrator"
    rights: list[str] = msgspec.field(default_factory=lambda: list(BOT_RIGHTS))
    guard: bool = False
    owner: int | None = None


class BotChange(msgspec.Struct):
    """The body of POST /control/groups/{id}/bot; what is left out stays."""

    status: BotStatus | None = None
    rights: list[str] | None = None
    guard: bool | None = None


class MemberChange(msgspec.Struct):
    """The body of POST /control/groups/{id}/members: what an admin of the group makes of somebody."""

    user_id: int
    status: MemberStatus
    by: int | None = None


class Revoked(msgspec.Struct):
    """The body of POST /control/groups/{id}/revoke."""

    invite_link: str


def _number() -> int:
    return -(10**12 + secrets.randbelow(9 * 10**11))


def _person(world: World, number: int | None) -> Persona:
    persona = world.persona(number if number is not None else world.config.root_admin_id)
    if persona is None:
        raise ApiError(404, "no such person")
    return persona


@get("/groups")
async def list_groups(request: AnyRequest) -> list[Json]:
    """List the groups."""
    world = world_of(request)
    for group in world.data.groups.values():
        membership.expire_queries(world, group)
    return [group_view(group) for group in world.data.groups.values() if group.moved_to is None]


@post("/groups", status_code=201)
async def create_group(data: JSONBody[NewGroup], request: AnyRequest) -> Json:
    """Make a group with the bot in it, an administrator unless told otherwise; the bot hears my_chat_member."""
    world = world_of(request)
    number = data.id or _number()
    if number >= 0 or number in world.data.groups:
        raise ApiError(409, "a group's id is negative and not taken")
    owner = _person(world, data.owner)
    group = Group(id=number, title=data.title, kind=data.kind, bot=data.bot, rights=data.rights, guard=data.guard)
    if data.owner is not None:
        group.members[owner.id] = "creator"
    world.data.groups[number] = group
    groups.tell_bot(world, group, owner, groups.bot_as_member(world, group, "left"))
    return group_view(group)


@post("/groups/{group_id:int}/bot", status_code=200)
async def change_bot(group_id: FromPath[int], data: JSONBody[BotChange], request: AnyRequest) -> Json:
    """Add or remove the bot, give or take its rights, make it the group's guard."""
    world = world_of(request)
    group = world.group(group_id)
    if data.guard is not None:
        group.guard = data.guard
    groups.set_bot(world, group, _person(world, None), data.status or group.bot, data.rights)
    return group_view(group)


@post("/groups/{group_id:int}/members", status_code=200)
async def change_member(group_id: FromPath[int], data: JSONBody[MemberChange], request: AnyRequest) -> Json:
    """Add, promote, demote, remove or ban somebody, as an admin of the group does."""
    world = world_of(request)
    group = world.group(group_id)
    membership.set_member(world, group, _person(world, data.user_id), data.status, _person(world, data.by).user())
    return group_view(group)


@post("/groups/{group_id:int}/revoke", status_code=200)
async def revoke(group_id: FromPath[int], data: JSONBody[Revoked], request: AnyRequest) -> Json:
    """Revoke a link, as an admin of the group does; nobody is told."""
    world = world_of(request)
    group = world.group(group_id)
    group.links[data.invite_link].is_revoked = True
    world.saved()
    return group_view(group)


@post("/groups/{group_id:int}/upgrade", status_code=200)
async def upgrade(group_id: FromPath[int], request: AnyRequest) -> Json:
    """Make a supergroup of a small group."""
    world = world_of(request)
    return group_view(groups.upgrade(world, world.group(group_id), _person(world, None), _number()))


HANDLERS = [list_groups, create_group, change_bot, change_member, revoke, upgrade]
