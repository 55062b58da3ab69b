"""The shop's lists and its products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Page, expect

from tests.browser.screens.screen import Screen

if TYPE_CHECKING:
    from tests.browser.screens.world import World


def screens(_world: World) -> list[Screen]:
    """What everybody sees."""
    return [
        Screen("shop", "/shop"),
        Screen("list", "/shop?category=gift-cards"),
        Screen("list-country", "/shop?country=TR&in_stock=1&sort=price"),
        Screen("list-empty", "/shop?category=esim&country=GB&in_stock=1"),
        Screen("product", "/shop/private-vpn"),
        Screen("product-tile", "/shop/chess-trainer"),
        Screen("product-premium", "/shop/vector-desk"),
        Screen("product-low", "/shop/console-wallet-jp"),
        Screen("product-shared", "/shop/ebook-library"),
        Screen("product-sold-out", "/shop/travel-esim-ma"),
    ]


async def choose_second(page: Page) -> None:
    """Choose the second variant of the VPN, and wait for its price."""
    await page.locator(".cell--pick").nth(1).click()
    await expect(page.locator("#bottom [data-main]")).not_to_contain_text("2.99")
