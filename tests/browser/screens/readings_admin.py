"""The reading room in the back office."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backend.identity.types import Actor
from tests.browser.screens.screen import Screen, press, send_empty
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World

ROOM = "/admin/readings"


class Past(msgspec.Struct, frozen=True):
    """The one for two people, with seven cards."""

    spread: str


async def live(stack: Stack, admin: Actor) -> Past:
    """Have the spreads that came with Souk."""
    room = stack.services.readings
    await room.upkeep.ensure_spreads()
    listed = await room.spreads.list_all(admin)
    return Past(next(str(one.id) for one in listed if one.slug == "relationship"))


def screens(world: World) -> list[Screen]:
    """From the room's first page inwards."""
    spread = f"{ROOM}/spreads/{world.readings_admin.spread}"
    return [
        Screen("manage-readings", ROOM, "admin"),
        Screen("manage-spreads", f"{ROOM}/spreads", "admin"),
        Screen("manage-spread", spread, "admin"),
        Screen("manage-spread-preview", spread, "admin", press("button[hx-post$='/preview']")),
        Screen("manage-spread-error", f"{ROOM}/spreads/new", "admin", send_empty),
    ]
