"""Groups in the back office: linked with somebody in it and somebody who waits, without rights, and a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx
import msgspec

from backend.community.types import Asking, BotRights, BotState, Chat, ChatKind, GroupId, MemberState
from backend.courses.types import TariffId
from backend.identity.types import Actor
from tests.browser.screens.courses import COURSE
from tests.browser.screens.screen import Screen, press
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

GROUPS = "/admin/groups"
CIRCLE = Chat(-1_002_100_000_077, ChatKind.SUPERGROUP, "Calm in seven days: the circle of those who practise")
CHANNEL = Chat(-1_002_100_000_078, ChatKind.CHANNEL, "Notes between lessons")
_ALL = BotRights(BotState.ADMIN, can_invite=True, can_remove=True)


class Past(msgspec.Struct, frozen=True):
    """The group with people, the channel without rights, and a plan of the first that could open the second."""

    circle: GroupId
    channel: GroupId
    linked: TariffId


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """A student is in the group, somebody has asked to join without a plan, and the bot lacks its rights elsewhere."""
    community, now = stack.services.community, stack.services.clock.now()
    course = (await stack.services.courses.courses.find(admin, COURSE)).id
    tariffs = await stack.services.courses.tariffs.list_of(admin, course)
    for chat, rights in ((CIRCLE, _ALL), (CHANNEL, BotRights(BotState.ADMIN, can_remove=True))):
        await _in_simulator(stack, chat, rights)
        await community.updates.bot_changed(chat, rights, now)
    rows = {row.group.chat_id: row.group.id for row in await community.groups.list_all(admin)}
    # The student who learns has the second plan, the others the first.
    await community.groups.link(admin, rows[CIRCLE.id], tariffs[1].id)
    await community.groups.link(admin, rows[CHANNEL.id], tariffs[2].id)
    rich, poor = await stack.actor(people["rich"].id), await stack.actor(people["poor"].id)
    await _joins(stack, CIRCLE, rich.telegram_id)
    await community.updates.member_changed(
        CIRCLE, rich.telegram_id, "Rich", MemberState.IN, by=rich.telegram_id, dated=now
    )
    await community.joining.ask(Asking(chat=CIRCLE, telegram_id=poor.telegram_id, name="Poor"))
    return Past(rows[CIRCLE.id], rows[CHANNEL.id], tariffs[1].id)


async def _in_simulator(stack: Stack, chat: Chat, rights: BotRights) -> None:
    """The same group in the simulated Telegram, where there is one: the worker compares them."""
    if not stack.simulator:
        return
    names = {"can_invite_users": rights.can_invite, "can_restrict_members": rights.can_remove}
    body = {
        "title": chat.title,
        "id": chat.id,
        "kind": chat.kind,
        "rights": [one for one, held in names.items() if held],
    }
    async with httpx.AsyncClient(base_url=stack.simulator, timeout=10) as http:
        (await http.post("/control/groups", json=body)).raise_for_status()


async def _joins(stack: Stack, chat: Chat, telegram_id: int) -> None:
    if stack.simulator:
        async with httpx.AsyncClient(base_url=stack.simulator, timeout=10) as http:
            body = {"user_id": telegram_id, "status": "member"}
            (await http.post(f"/control/groups/{chat.id}/members", json=body)).raise_for_status()


def screens(world: World) -> list[Screen]:
    """The list, two groups, a change before it is made."""
    past = world.community
    circle, channel = f"{GROUPS}/{past.circle}", f"{GROUPS}/{past.channel}"
    return [
        Screen("manage-groups", GROUPS, "admin"),
        Screen("manage-group", circle, "admin"),
        Screen("manage-group-waiting", f"{circle}?people=waiting", "admin"),
        Screen("manage-group-empty", f"{channel}?people=waiting", "admin"),
        Screen("manage-group-plans", circle, "admin", press("button[hx-get$='/plans']")),
        Screen("manage-group-unlink", circle, "admin", press(f"button[hx-get$='{past.linked}']")),
    ]
