"""What every slice shares: errors, the shop's own texts, the back office's first page and its lists of no slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Page, expect

from tests.browser.screens.screen import Screen

if TYPE_CHECKING:
    from tests.browser.screens.world import World


def screens(_world: World) -> list[Screen]:
    """A person's, then the admins'."""
    return [
        Screen("terms", "/about/terms"),
        Screen("privacy", "/about/privacy"),
        Screen("not-found", "/shop/never-was"),
        Screen("forbidden", "/admin"),
        Screen("offline", "/shop", act=_offline),
        Screen("manage", "/admin", "admin"),
        Screen("manage-deliveries", "/admin/deliveries", "admin"),
        Screen("manage-approvals", "/admin/approvals", "admin"),
    ]


async def _offline(page: Page) -> None:
    await page.context.set_offline(True)
    await page.locator(".tab").last.click()
    await expect(page.locator('.screen[data-code="offline"]')).to_be_visible()
    await page.context.set_offline(False)
