"""The reading room in the back office."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.readings.types.rooms import PackageFields, Period
from tests.browser.screens.screen import Screen, press, send_empty
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World

ROOM = "/admin/readings"


class Past(msgspec.Struct, frozen=True):
    """The spread for two people, with seven cards, and a package."""

    spread: str
    package: str


async def live(stack: Stack, reader: Actor, admin: Actor) -> Past:
    """Have the built-in spreads, a package, a prompt that was changed, and a gift."""
    room = stack.services.readings
    await room.upkeep.ensure_spreads()
    listed = await room.spreads.list_all(admin)
    prompts = stack.services.interpretation.prompts
    prompt = await prompts.get(admin, "en")
    await prompts.change(admin, "en", prompt.version, prompt.body)
    await room.gifts.give(Actor.system(), reader.id, 5, "For the wait", idempotency_key=f"gift-{reader.id}")
    currency = stack.services.settings.shop_currency
    package = PackageFields(name={"en": "Ten credits"}, credits=10, price=Money(499, currency), period=Period.MONTHLY)
    variant = await room.packages.add(admin, f"credits-{reader.telegram_id}", package, category="privacy")
    return Past(next(str(one.id) for one in listed if one.slug == "relationship"), str(variant))


def screens(world: World) -> list[Screen]:
    """From the room's first page inwards."""
    past = world.readings_admin
    spread = f"{ROOM}/spreads/{past.spread}"
    return [
        Screen("manage-readings", ROOM, "admin"),
        Screen("manage-spreads", f"{ROOM}/spreads", "admin"),
        Screen("manage-spread", spread, "admin"),
        Screen("manage-spread-preview", spread, "admin", press("button[hx-post$='/preview']")),
        Screen("manage-packages", f"{ROOM}/packages", "admin"),
        Screen("manage-package", f"{ROOM}/packages/{past.package}", "admin"),
        Screen("manage-package-error", f"{ROOM}/packages/new", "admin", send_empty),
        Screen("manage-prompts", f"{ROOM}/prompts", "admin"),
        Screen("manage-prompt", f"{ROOM}/prompts/en", "admin"),
        Screen("manage-prompt-version", f"{ROOM}/prompts/en", "admin", press("button[hx-get$='/versions/1']")),
        Screen("manage-reading-figures", f"{ROOM}/figures", "admin"),
        Screen("manage-credit-gifts", f"{ROOM}/gifts", "admin"),
        Screen("manage-credit-gift", f"/admin/people/{world.rich_id}", "admin", press("button[hx-get*='/gifts/']")),
        Screen("manage-reading-settings", f"{ROOM}/settings", "admin"),
        Screen("manage-spread-error", f"{ROOM}/spreads/new", "admin", send_empty),
    ]
