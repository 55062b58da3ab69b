"""The catalogue in the back office."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.catalog.types.editing import ProductFilter, ProductState
from backend.identity.types import Actor
from backend.kernel.ids import new_id
from tests.browser.screens.screen import Screen, press, send_empty
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World

CATALOGUE = "/admin/catalogue"
_FILE = b"""type,slug,category,product,code,name_en,price
product,private-vpn,,,,Quick VPN,
product,new-thing,privacy,,,New thing,
variant,,,new-thing,one,One,14.40
"""


class Past(msgspec.Struct, frozen=True):
    """A product that sells, an archived copy, the fullest category, a file that can be imported and one that can't."""

    product: str
    archived: str
    category: str
    upload: str
    broken: str


async def live(stack: Stack, admin: Actor) -> Past:
    """Archive a copy of a product."""
    products = stack.services.catalog.products
    (row,) = (await products.list_managed(admin, ProductFilter(query="private-vpn", state=ProductState.SHOWN))).items
    copy = await products.copy(admin, row.id, copy_id=new_id())
    await products.archive(admin, copy)
    fullest = max(await stack.services.catalog.categories.list_all(admin), key=lambda one: one.products)
    files, upload, broken = stack.services.catalog.files, new_id(), new_id()
    await files.upload(admin, upload, "new.csv", _FILE)
    await files.upload(admin, broken, "broken.csv", _FILE.replace(b"14.40", b"a lot"))
    return Past(str(row.id), str(copy), str(fullest.id), str(upload), str(broken))


def screens(world: World) -> list[Screen]:
    """From the list inwards."""
    past = world.catalogue_admin
    one = f"{CATALOGUE}/products/{past.product}"
    return [
        Screen("manage-catalogue", CATALOGUE, "admin"),
        Screen("manage-catalogue-archived", f"{CATALOGUE}?state=archived", "admin"),
        Screen("manage-catalogue-empty", f"{CATALOGUE}?q=hotel+in+zanzibar", "admin"),
        Screen("manage-categories", f"{CATALOGUE}/categories", "admin"),
        Screen("manage-category", f"{CATALOGUE}/categories/{past.category}", "admin"),
        Screen("manage-category-error", f"{CATALOGUE}/categories/new", "admin", send_empty),
        Screen("manage-category-conflict", f"{CATALOGUE}/categories/{past.category}", "admin", save_category_over),
        Screen("manage-product-order", f"{CATALOGUE}/categories/{past.category}/products", "admin"),
        Screen("manage-catalogue-files", f"{CATALOGUE}/files", "admin"),
        Screen("manage-catalogue-import", f"{CATALOGUE}/files/{past.upload}", "admin"),
        Screen("manage-catalogue-problems", f"{CATALOGUE}/files/{past.broken}", "admin"),
        Screen("manage-product", one, "admin"),
        Screen("manage-product-conflict", one, "admin", save_over_another),
        Screen("manage-product-archive", one, "admin", press("button[hx-post$='/archive']")),
        Screen("manage-product-archived", f"{CATALOGUE}/products/{past.archived}", "admin"),
        Screen("manage-product-new", f"{CATALOGUE}/new", "admin"),
        Screen("manage-product-error", f"{CATALOGUE}/new", "admin", send_empty),
    ]


async def save_category_over(page: Page) -> None:
    """Save a form of a category that somebody else has changed meanwhile, with another name."""
    await page.locator("#name_en").fill("Software for everybody")
    await page.locator("#category [name=version]").evaluate("(field) => { field.value = '0'; }")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#resolve")).to_be_visible()
    await expect(page.locator(".toast")).to_have_count(0)  # it covers the button for a while


async def save_over_another(page: Page) -> None:
    """Save a form of a version that is long past, with other names."""
    await page.locator("#name_en").fill("Private VPN for everybody")
    await page.locator("#summary_en").fill("For 5 devices, without any logs")
    await page.locator("#product [name=version]").evaluate("(field) => { field.value = '0'; }")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#resolve")).to_be_visible()
    await expect(page.locator(".toast")).to_have_count(0)  # it covers the button for a while
