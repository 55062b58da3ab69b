"""Goods by hand: before the purchase, in preparation, delivered; and the queue of the admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.catalog.types.fulfilment import LineFulfilled
from backend.identity.types import Actor
from backend.kernel.ids import OrderLineId
from tests.browser.screens.screen import Screen, press, send_empty, sheet
from tests.browser.stack import Stack

if TYPE_CHECKING:
    from tests.browser.screens.world import World

SLUG = "logo-design"
QUEUE = "/admin/orders/work"


class Past(msgspec.Struct, frozen=True):
    """Numbers of orders of the payer, and the ids of their lines."""

    preparing: str
    late: str
    written: str
    file: str
    free: OrderLineId
    mine: OrderLineId
    other: OrderLineId
    ended: OrderLineId


async def live(stack: Stack, payer: Actor, admin: Actor) -> Past:
    """Have four orders, of which two are delivered, one is late, and one belongs to another admin."""
    work = stack.services.catalog.hand_work
    await stack.fund(payer.telegram_id, 10_000)
    orders = [await _order(stack, payer, number) for number in range(5)]
    (preparing, free), (late, mine), (written, text_line), (file, file_line), (_, other) = orders
    for line in (mine, text_line, file_line):
        await work.take(admin, line)
    await work.take(msgspec.structs.replace(payer, permissions=admin.permissions), other)
    await work.deliver_text(admin, text_line, "Login: emma.clarke@example.com\nPassword: tulip-42\nChange it soon.")
    await work.deliver_file(admin, file_line, "Logo of Emma, final version, transparent ground.svg", b"<svg/>" * 300)
    for line in (text_line, file_line):
        await stack.services.orders.settlement.settle_line(LineFulfilled(line_id=line))
    async with stack.services.uow() as tx:
        over = {"line": mine, "day": tx.now}
        await tx.execute(text("UPDATE hand_work SET due_at = :day WHERE order_line_id = :line"), over)
        await tx.execute(text("UPDATE order_lines SET ready_by = :day WHERE id = :line"), over)
    return Past(preparing, late, written, file, free, mine, other, file_line)


async def _order(stack: Stack, payer: Actor, number: int) -> tuple[str, OrderLineId]:
    variant = await stack.variant(SLUG, 0)
    key = f"browser-{payer.telegram_id}-by-hand-{number}"
    order = await stack.services.orders.checkout.place(payer, variant.id, 1, key)
    return order.number, order.lines[0].id


def screens(world: World) -> list[Screen]:
    """A buyer's pages, then the queue."""
    past = world.hand_work
    return [
        Screen("product-by-hand", f"/shop/{SLUG}"),
        Screen("confirm-by-hand", f"/shop/{SLUG}", act=press("#bottom [data-main]")),
        Screen("order-by-hand", f"/orders/{past.preparing}", "payer"),
        Screen("order-by-hand-late", f"/orders/{past.late}", "payer"),
        Screen("order-by-hand-text", f"/orders/{past.written}", "payer", _reveal),
        Screen("order-by-hand-file", f"/orders/{past.file}", "payer"),
        Screen("manage-work", QUEUE, "admin"),
        Screen("manage-work-hand-over", f"{QUEUE}/{past.free}", "admin", sheet("hand-over")),
        Screen("manage-work-free", f"{QUEUE}/{past.free}", "admin"),
        Screen("manage-work-mine", f"{QUEUE}/{past.mine}", "admin"),
        Screen("manage-work-error", f"{QUEUE}/{past.mine}", "admin", send_empty),
        Screen("manage-work-refuse", f"{QUEUE}/{past.mine}", "admin", sheet("refuse")),
        Screen("manage-work-other", f"{QUEUE}/{past.other}", "admin"),
        Screen("manage-work-ended", f"{QUEUE}/{past.ended}", "admin"),
    ]


async def _reveal(page: Page) -> None:
    await page.locator(".key__code").first.click()
    await expect(page.locator("#key-1-value")).to_be_visible()
