"""The shop's lists and its products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.catalog.types import VariantId
from backend.identity.types import Actor
from tests.browser.screens.screen import Act, Screen, choose
from tests.factories.catalog import import_rows
from tests.factories.documents import ZIP, pdf
from tests.factories.images import encoded, halves

if TYPE_CHECKING:
    from tests.browser.screens.world import World
    from tests.browser.stack import Stack
    from tests.browser.telegram import Person


def screens(world: World) -> list[Screen]:
    """What everybody sees."""
    return [
        Screen("shop", "/shop"),
        Screen("list", "/shop?category=gift-cards"),
        Screen("list-add", "/shop?category=shopping", act=add_first),
        Screen("list-country", "/shop?country=TR&in_stock=1&sort=price"),
        Screen("list-empty", "/shop?category=esim&country=GB&in_stock=1"),
        Screen("search", "/shop?q=card"),
        Screen("search-narrowed", "/shop?q=card&country=TR&in_stock=1&most=2500"),
        Screen("search-empty", "/shop?q=hotel+card+japan"),
        Screen("search-wished", "/shop?q=zanzibar+hotel", act=wish),
        Screen("search-recent", "/shop", act=look_back),
        Screen("manage-wishes", "/admin/wishes", "admin"),
        Screen("product", "/shop/private-vpn"),
        Screen("product-tile", "/shop/chess-trainer"),
        Screen("product-premium", "/shop/vector-desk"),
        Screen("product-low", "/shop/console-wallet-jp"),
        Screen("product-shared", "/shop/ebook-library"),
        Screen("product-steps", "/shop/ebook-library", act=choose_step),
        Screen("product-sold-out", "/shop/travel-esim-ma"),
        Screen("product-in-line", "/shop/travel-esim-ma", "payer", _shows("place-title")),
        Screen("product-held", "/shop/stories-for-children", "payer", _shows("buy-main")),
        Screen("favourites", "/me/favourites", "payer"),
        Screen("favourites-none", "/me/favourites", "poor"),
        Screen("waiting", "/me/waiting", "payer"),
        Screen("waiting-none", "/me/waiting", "poor"),
        Screen("manage-waiting", "/admin/stock/waiting", "admin"),
        Screen("manage-stock", "/admin/stock", "admin"),
        Screen("manage-goods-file", f"/admin/catalogue/variants/{world.file_id}/file", "admin"),
        Screen("manage-files", "/admin/stock/files", "admin"),
        Screen("manage-picture", f"/admin/catalogue/products/{world.vpn_id}/picture", "admin"),
        Screen("manage-picture-crop", f"/admin/catalogue/products/{world.vpn_id}/picture", "admin", choose_picture),
        Screen("manage-stock-add", "/admin/stock/import", "admin"),
        Screen("manage-stock-check", "/admin/stock/import", "admin", act=check_keys),
        Screen("manage-batch", "/admin/stock", "admin", act=open_batch),
        Screen("manage-batch-move", "/admin/stock", "admin", act=choose_move),
        Screen("manage-stock-removed", "/admin/stock/removed", "admin"),
        Screen("manage-stock-low", "/admin/stock/low", "admin"),
    ]


async def add_first(page: Page) -> None:
    """Put the first product that can be added into the cart, as if it were not there yet; see its stepper."""
    control = page.locator(".control").first
    await expect(page.locator("#controls [data-live]")).to_be_attached()  # it has said what is in the cart
    await control.scroll_into_view_if_needed()
    if await control.locator("output").count() == 0:
        await control.get_by_role("button").click()
    await expect(control.locator("output")).to_have_text("1")


async def live(stack: Stack, rich: Person, payer: Person) -> tuple[str, str]:
    """Two people in line for one product; another one has come back and is held for one of them.

    The id of the product whose picture is edited, and of a variant that is sold as a file.
    """
    for person in (rich, payer):
        await stack.wait(person.id, "travel-esim-ma")
    await stack.wait(payer.id, "stories-for-children")
    await _like(stack, payer, "private-vpn", "travel-esim-ma", "music-plan-tr")
    await stack.restock((await stack.variant("stories-for-children")).id, [f"DEMO-BACK-{payer.id}"])
    product = await stack.services.catalog.storefront.product(await stack.actor(rich.id), "private-vpn")
    return str(product.id), str(await _file(stack))


async def _file(stack: Stack) -> VariantId:
    """Two versions of a guide, of a product that the shop does not show; one world makes it once."""
    catalogue = stack.services.catalog
    rows = [
        {
            "type": "product",
            "slug": "city-guide",
            "category": "learning",
            "name_en": "City guide",
            "kind": "file",
            "hidden": "yes",
        },
        {"type": "variant", "product": "city-guide", "code": "pdf", "name_en": "PDF", "price": "4.00"},
    ]  # fmt: skip
    report = await import_rows(catalogue, rows)
    assert report.applied, report.problems
    guide = (await catalogue.goods_files.list_variants(Actor.system()))[0].variant_id
    await catalogue.goods_files.upload(Actor.system(), guide, "City guide.zip", ZIP)
    await catalogue.goods_files.upload(Actor.system(), guide, "City guide.pdf", pdf(3))
    return guide


async def _like(stack: Stack, person: Person, *slugs: str) -> None:
    """Have somebody like products, of which the first one was dearer then."""
    actor = await stack.actor(person.id)
    for slug in slugs:
        await stack.services.catalog.favourites.add(actor, slug)
    async with stack.services.uow() as tx:
        dearer = text(
            "UPDATE favourites SET seen_amount = seen_amount + 100 WHERE user_id = :id AND product_id = :thing"
        )
        product = await stack.services.catalog.storefront.product(actor, slugs[0])
        await tx.execute(dearer, {"id": actor.id, "thing": product.id})


async def choose_picture(page: Page) -> None:
    """Choose a picture, and move what is seen of it by keyboard."""
    photo = encoded(halves(640, 640), "JPEG")
    await choose(page, "#picture-file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo})
    frame = page.locator("[data-photo-frame]")
    await expect(frame).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("+")
    await expect(page.locator("input[name=height]")).not_to_have_value("100000")


def _shows(element: str) -> Act:
    """Waits for what the page asks for by itself."""

    async def act(page: Page) -> None:
        await expect(page.locator(f"#{element}")).to_be_visible()

    return act


async def choose_step(page: Page) -> None:
    """Choose ten of the library by its price for ten, and wait for the sum."""
    await page.locator("#step-10").click()
    await expect(page.locator("#bottom [data-main]")).to_contain_text("21")
    await expect(page.locator("#step-10")).to_be_focused()


async def wish(page: Page) -> None:
    """Ask to be told."""
    await page.locator("form[hx-post='/wishes'] button").click()
    await expect(page.locator("#results .empty [role=status]")).to_be_visible()


async def look_back(page: Page) -> None:
    """Search, remember it, and come back to the empty search."""
    await page.evaluate("htmx.ajax('POST', '/searches', {values: {q: 'VPN'}, swap: 'none'})")
    await page.locator("#q").focus()
    await expect(page.locator("#recent .chip").first).to_be_visible()


async def choose_second(page: Page) -> None:
    """Choose the second variant of the VPN, and wait for its price."""
    await page.locator(".cell--pick").nth(1).click()
    await expect(page.locator("#bottom [data-main]")).not_to_contain_text("2.99")


async def open_batch(page: Page) -> None:
    """Open the latest batch that has unsold keys."""
    await page.locator("a.cell[href^='/admin/stock/batches/']:not(:has(.badge))").first.click()
    await expect(page.locator("#keys")).to_be_visible()


async def choose_move(page: Page) -> None:
    """Ask where the unsold keys of the latest batch may move."""
    await open_batch(page)
    await page.locator('a[href$="/move"]').click()
    await expect(page.locator("#results .cell").first).to_be_visible()


async def check_keys(page: Page) -> None:
    """Paste keys of which some are known, twice, or cut, and see what would happen."""
    await page.locator("#results .cell").first.click()
    keys = [f"PLAY-{number:04}-44LQ-7TXC" for number in range(14)]
    await page.locator("#keys").fill("\n".join([*keys, keys[2], keys[3][:14]]))
    await page.locator("#bottom .btn").click()
    await expect(page.locator(".dry")).to_be_visible()
