"""Somebody's own pages, and what admins see of people and of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.audience.types import Bought, PeopleAction, PeopleFilter, PeopleTerms
from backend.identity.types import Actor, Permission
from backend.kernel.ids import UserId
from tests.browser.screens.screen import Screen, press, sheet
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """Another admin, the token of an invitation that nobody has accepted, and actions on several people."""

    colleague: UserId
    token: str
    undone: str
    done: str


async def live(stack: Stack, colleague: Actor, admin: Actor) -> Past:
    """Have a second admin who does not do everything, an open invitation, a role, two segments and a trusted seller."""
    identity, segments = stack.services.identity, stack.services.audience.segments
    await identity.admins.set_permissions(
        Actor.system(), colleague.id, frozenset({Permission.ORDERS, Permission.TICKETS, Permission.USERS})
    )
    token = await identity.invitations.invite(admin, {Permission.CATALOGUE, Permission.STOCK})
    await identity.roles.create(admin, "Night shift", {Permission.ORDERS, Permission.USERS})
    await segments.save(admin, "Premium who never bought", PeopleFilter(premium=True, bought=Bought.NEVER), shared=True)
    await segments.save(admin, "More than $50 in the wallet", PeopleFilter(over=5_000), shared=False)
    await identity.sellers.mark(Actor.system(), colleague.id, _ABOUT)
    undone, done = [await _bulk(stack, admin, colleague, undo=undo) for undo in (True, False)]
    return Past(colleague.id, token, undone, done)


async def _bulk(stack: Stack, admin: Actor, colleague: Actor, *, undo: bool) -> str:
    """Have the admin switch reseller prices on for somebody and, which can't be done, for themselves."""
    bulks, terms = stack.services.audience.bulk, PeopleTerms(action=PeopleAction.RESELLER_ON)
    bulk_id = await bulks.plan(admin, [admin.id, colleague.id], terms, idempotency_key=f"browser-{undo}")
    await bulks.start(admin, bulk_id)
    await bulks.run(bulk_id)
    if undo:
        await bulks.undo(admin, bulk_id)
        await bulks.run(bulk_id)
    return str(bulk_id)


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
        Screen("manage-people-select", "/admin/people?select=1", "admin"),
        Screen("manage-people-actions", "/admin/people?select=1", "admin", _choose),
        Screen("manage-people-plan", "/admin/people?select=1", "admin", _plan),
        Screen("manage-people-bulks", "/admin/people/bulk", "admin"),
        Screen("manage-people-done", f"/admin/people/bulk/{past.done}", "admin"),
        Screen("manage-people-undone", f"/admin/people/bulk/{past.undone}", "admin"),
        Screen("manage-segments", "/admin/segments", "admin"),
        Screen("manage-segment", "/admin/segments", "admin", press("button[hx-get^='/admin/segments/']")),
        Screen("manage-segment-new", "/admin/people?premium=1", "admin", press("[hx-get^='/admin/segments/new']")),
        Screen("manage-person", rich, "admin"),
        Screen("manage-note", rich, "admin", press("button[hx-get$='/notes']")),
        Screen("manage-seller", rich, "admin", sheet("seller")),
        Screen("manage-block", rich, "admin", press("button.cell--danger")),
        Screen("manage-admins", "/admin/admins", "admin"),
        Screen("manage-admins-invite", "/admin/admins", "admin", press("button[hx-get='/admin/admins/invite']")),
        Screen("manage-role", "/admin/admins", "admin", press("button[hx-get^='/admin/admins/roles/0']")),
        Screen("manage-role-new", "/admin/admins", "admin", press("button[hx-get='/admin/admins/roles/new']")),
        Screen("manage-admins-sessions", f"/admin/admins/{past.colleague}/sessions", "admin"),
        Screen("manage-audit", audit, "admin"),
        Screen("manage-audit-filters", audit, "admin", press("button[hx-get^='/admin/audit/filters']")),
        Screen("manage-new-admin", "/admin/admins/new", "admin"),
        Screen("manage-admin", rich, "admin", press("button[hx-get^='/admin/admins/']")),
    ]


async def _choose(page: Page) -> None:
    """Choose everybody and ask what can be done to them."""
    await page.locator("#chosen label:has([name=every])").click()
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("dialog#sheet .crowd")).to_be_visible()


async def _plan(page: Page) -> None:
    """Go on to the preview of a block."""
    await _choose(page)
    await page.locator("dialog#sheet [name=reason]").fill("Stolen cards")
    await page.locator("dialog#sheet button[type=submit]").click()
    await expect(page.locator("#app #crowd")).to_be_visible()
