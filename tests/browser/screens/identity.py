"""Somebody's own pages, and what admins see of people and of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.screens.screen import Screen, press, sheet

if TYPE_CHECKING:
    from tests.browser.screens.world import World


def screens(world: World) -> list[Screen]:
    """A person's own pages, then the admins'."""
    rich = f"/admin/people/{world.rich_id}"
    audit = f"/admin/audit?on=user:{world.rich_id}"  # what the walk itself does is not on it
    return [
        Screen("me", "/me"),
        Screen("settings", "/me/settings"),
        Screen("settings-zone", "/me/settings", "rich", sheet("timezone")),
        Screen("manage-people", "/admin/people", "admin"),
        Screen("manage-people-filtered", "/admin/people?bought=never&premium=1", "admin"),
        Screen("manage-segments", "/admin/segments", "admin"),
        Screen("manage-person", rich, "admin"),
        Screen("manage-note", rich, "admin", press("button[hx-get$='/notes']")),
        Screen("manage-block", rich, "admin", press("button.cell--danger")),
        Screen("manage-admins", "/admin/admins", "admin"),
        Screen("manage-audit", audit, "admin"),
        Screen("manage-audit-filters", audit, "admin", press("button[hx-get^='/admin/audit/filters']")),
        Screen("manage-new-admin", "/admin/admins/new", "admin"),
        Screen("manage-admin", rich, "admin", press("button[hx-get^='/admin/admins/']")),
    ]
