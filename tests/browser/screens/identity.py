"""Somebody's own pages, and what admins see of people and of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backend.audience.types import Bought, PeopleFilter
from backend.identity.types import Actor, Permission
from backend.kernel.ids import UserId
from tests.browser.screens.screen import Screen, press, sheet
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """Another admin, and the token of an invitation that nobody has accepted."""

    colleague: UserId
    token: str


async def live(stack: Stack, colleague: Actor, admin: Actor) -> Past:
    """Have a second admin who does not do everything, an open invitation, two segments and a trusted seller."""
    identity, segments = stack.services.identity, stack.services.audience.segments
    await identity.admins.set_permissions(
        Actor.system(), colleague.id, frozenset({Permission.ORDERS, Permission.USERS})
    )
    token = await identity.invitations.invite(admin, {Permission.CATALOGUE, Permission.STOCK})
    await segments.save(admin, "Premium who never bought", PeopleFilter(premium=True, bought=Bought.NEVER), shared=True)
    await segments.save(admin, "More than $50 in the wallet", PeopleFilter(over=5_000), shared=False)
    await identity.sellers.mark(Actor.system(), colleague.id, _ABOUT)
    return Past(colleague.id, token)


_ABOUT = {
    "en": "Sells gift cards since 2024.",
    "ar": "يبيع بطاقات الهدايا منذ 2024.",
    "ru": "Продаёт карты с 2024 года.",
}


def screens(world: World) -> list[Screen]:
    """A person's own pages, then the admins'."""
    rich = f"/admin/people/{world.rich_id}"
    past = world.identity
    audit = f"/admin/audit?on=user:{world.rich_id}"  # what the walk itself does is not on it
    return [
        Screen("me", "/me"),
        Screen("settings", "/me/settings"),
        Screen("settings-zone", "/me/settings", "rich", sheet("timezone")),
        Screen("sessions", "/me/sessions"),
        Screen("invitation", f"/invitation?code={past.token}"),
        Screen("sellers", "/sellers"),
        Screen("sellers-checked", "/sellers?name=someone_else"),
        Screen("manage-people", "/admin/people", "admin"),
        Screen("manage-people-filtered", "/admin/people?bought=never&premium=1", "admin"),
        Screen("manage-segments", "/admin/segments", "admin"),
        Screen("manage-segment", "/admin/segments", "admin", press("button[hx-get^='/admin/segments/']")),
        Screen("manage-segment-new", "/admin/people?premium=1", "admin", press("[hx-get^='/admin/segments/new']")),
        Screen("manage-person", rich, "admin"),
        Screen("manage-note", rich, "admin", press("button[hx-get$='/notes']")),
        Screen("manage-seller", rich, "admin", sheet("seller")),
        Screen("manage-block", rich, "admin", press("button.cell--danger")),
        Screen("manage-admins", "/admin/admins", "admin"),
        Screen("manage-admins-invite", "/admin/admins", "admin", press("button[hx-get='/admin/admins/invite']")),
        Screen("manage-admins-sessions", f"/admin/admins/{past.colleague}/sessions", "admin"),
        Screen("manage-audit", audit, "admin"),
        Screen("manage-audit-filters", audit, "admin", press("button[hx-get^='/admin/audit/filters']")),
        Screen("manage-new-admin", "/admin/admins/new", "admin"),
        Screen("manage-admin", rich, "admin", press("button[hx-get^='/admin/admins/']")),
    ]
