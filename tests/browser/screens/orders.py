"""Orders in every state, for their buyer and for an admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.catalog.types.fulfilment import LineFailed
from backend.identity.types import Actor
from backend.orders.types import RefundTarget, RequestedLine
from backend.orders.types.bulk import BulkAction, BulkTerms
from backend.orders.types.criteria import OrderCriteria
from backend.orders.types.lines import LineQuantity
from tests.browser.screens.catalog import choose_second
from tests.browser.screens.screen import Act, Screen, press, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import Person
from tests.factories.wallet import usd

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """Numbers of orders, and the id of the variant that is bought at the checkout."""

    delivered: str
    waiting: str
    cancelled: str
    held: str
    refunded: str
    lines: str
    preparing: str
    lines_waiting: str
    claimed: str
    resold: str
    resold_waiting: str
    shared: str
    variant: str
    bulk: str


async def live(stack: Stack, rich: Person, saver: Person, payer: Person, reseller: Person, admin: Actor) -> Past:
    """Buy, reserve and cancel; fill carts."""
    await _fill_carts(stack, rich, saver)
    delivered = await stack.buy(rich.id, "private-vpn", 0, 2)
    cancelled = await stack.reserve(rich.id, "music-plan-tr", 0)
    await stack.services.orders.reservations.cancel(await stack.actor(rich.id), cancelled)
    waiting = await stack.reserve(rich.id, "app-store-card-tr", 1)
    return Past(
        delivered=delivered,
        waiting=waiting,
        cancelled=cancelled,
        held=await _order_in_parts(stack, saver),
        refunded=await _refunded_order(stack, payer),
        lines=await _lines(stack, payer, "browser-lines", refunded=True),
        preparing=await _preparing(stack, payer),
        claimed=await _claimed(stack, payer),
        lines_waiting=await _lines_waiting(stack, payer),
        resold=await _resold(stack, reseller),
        shared=await stack.buy(rich.id, "ebook-library", 0, 3),
        resold_waiting=await stack.reserve(reseller.id, "app-store-card-tr", 1),
        variant=str((await stack.variant("private-vpn", 1)).id),
        bulk=await _bulk(stack, admin, (delivered, cancelled, waiting)),
    )


async def _bulk(stack: Stack, admin: Actor, numbers: tuple[str, ...]) -> str:
    """Have the admin send keys again for some orders, of which most have none."""
    bulks, terms = stack.services.orders.bulk, BulkTerms(action=BulkAction.RESEND_KEYS)
    bulk_id = await bulks.plan(admin, OrderCriteria(only=numbers), terms, idempotency_key="browser-bulk")
    await bulks.start(admin, bulk_id)
    await bulks.run(bulk_id)
    return str(bulk_id)


def screens(world: World) -> list[Screen]:
    """Buying, a person's orders, then an admin's pages of orders."""
    past = world.orders
    return [
        Screen("confirm", "/shop/private-vpn", act=_buy),
        Screen("missing", "/shop/private-vpn", "poor", act=_buy),
        Screen("missing-part", "/shop/private-vpn", "saver", act=_buy),
        Screen("missing-keep", "/shop/private-vpn", "saver", act=_keep),
        Screen("confirm-promo", "/shop/private-vpn", act=_promo("SOUK5", 3)),
        Screen("confirm-promo-error", "/shop/private-vpn", act=_promo("WELCOME10")),
        Screen("missing-promo", "/shop/private-vpn", "poor", _promo("WELCOME10")),
        Screen("checkout", f"/checkout?variant={past.variant}"),
        Screen("checkout-missing", f"/checkout?variant={past.variant}", "poor"),
        Screen("cart", "/cart", "saver"),
        Screen("cart-empty", "/cart", "poor"),
        Screen("cart-confirm", "/cart", act=_MAIN_SHEET),
        Screen("cart-pay", "/cart", "saver", _MAIN_SHEET),
        Screen("orders", "/orders"),
        Screen("orders-waiting", "/orders?segment=awaiting_payment"),
        Screen("orders-empty", "/orders", "poor"),
        Screen("orders-none-waiting", "/orders?segment=awaiting_payment", "poor"),
        Screen("order", f"/orders/{past.delivered}"),
        Screen("order-key", f"/orders/{past.delivered}", act=_reveal),
        Screen("order-shared", f"/orders/{past.shared}", act=_reveal),
        Screen("order-waiting", f"/orders/{past.waiting}"),
        Screen("order-cancelled", f"/orders/{past.cancelled}"),
        Screen("order-claim", f"/orders/{past.delivered}", act=_CLAIM),
        Screen("order-claimed", f"/orders/{past.claimed}", "payer"),
        Screen("order-claim-reviewed", f"/orders/{past.claimed}", "payer", _CLAIM),
        Screen("order-pay", f"/orders/{past.waiting}", act=_MAIN_SHEET),
        Screen("order-held", f"/orders/{past.held}", "saver"),
        Screen("order-refunded", f"/orders/{past.refunded}", "payer"),
        Screen("order-lines", f"/orders/{past.lines}", "payer"),
        Screen("order-preparing", f"/orders/{past.preparing}", "payer"),
        Screen("order-lines-pay", f"/orders/{past.lines_waiting}", "payer", _MAIN_SHEET),
        Screen("product-reseller", "/shop/private-vpn", "reseller"),
        Screen("confirm-reseller", "/shop/private-vpn", "reseller", _MAIN_SHEET),
        Screen("missing-reseller", "/shop/console-wallet-us", "reseller", _MAIN_SHEET),
        Screen("order-reseller", f"/orders/{past.resold}", "reseller"),
        Screen("order-reseller-waiting", f"/orders/{past.resold_waiting}", "reseller"),
        Screen("manage-order-reseller", f"/admin/orders/{past.resold}", "admin"),
        Screen("manage-orders", "/admin/orders", "admin"),
        Screen("manage-orders-found", f"/admin/orders?q={past.delivered[:4]}", "admin", _shows(past.delivered)),
        Screen("manage-orders-none", "/admin/orders?q=zzzzzz", "admin"),
        Screen("manage-orders-narrowed", "/admin/orders?status=delivered&refunded=1&least=1", "admin"),
        Screen("manage-orders-filters", "/admin/orders", "admin", press("button[hx-get*='/admin/orders/filters']")),
        Screen("manage-orders-select", "/admin/orders?select=1", "admin"),
        Screen("manage-orders-actions", "/admin/orders?select=1", "admin", _choose),
        Screen("manage-orders-plan", "/admin/orders?select=1", "admin", _plan),
        Screen("manage-orders-bulks", "/admin/orders/bulk", "admin"),
        Screen("manage-orders-done", f"/admin/orders/bulk/{past.bulk}", "admin"),
        Screen("manage-orders-within", f"/admin/orders?q={past.delivered[:4]}&hand=1", "admin"),
        Screen("manage-claims", "/admin/orders/claims", "admin"),
        Screen("manage-claim-reject", "/admin/orders/claims", "admin", sheet("reject")),
        Screen("manage-order", f"/admin/orders/{past.delivered}", "admin"),
        Screen("manage-order-refund", f"/admin/orders/{past.delivered}", "admin", sheet("refund")),
        Screen("manage-order-lines", f"/admin/orders/{past.lines}", "admin"),
        Screen("manage-order-refund-lines", f"/admin/orders/{past.lines}", "admin", sheet("refund")),
        Screen("manage-order-cancel", f"/admin/orders/{past.waiting}", "admin", sheet("cancel")),
    ]


async def _fill_carts(stack: Stack, rich: Person, saver: Person) -> None:
    """A cart of two; and one in which a price has risen and a line has sold out."""
    cart = stack.services.orders.cart
    for person, slugs in ((rich, ("private-vpn", "music-plan-tr")), (saver, ("private-vpn", "app-store-card-tr"))):
        for slug in slugs:
            await cart.add(await stack.actor(person.id), (await stack.variant(slug, 0)).id, 1)
    actor = await stack.actor(saver.id)
    await cart.set_quantity(actor, (await stack.variant("private-vpn", 0)).id, 2)
    await cart.add(actor, (await stack.variant("travel-esim-ma", 0)).id, 1)
    async with stack.services.uow() as tx:
        cheaper = text("UPDATE cart_lines SET seen_amount = seen_amount - 50 WHERE user_id = :id AND quantity = 2")
        await tx.execute(cheaper, {"id": actor.id})


async def _order_in_parts(stack: Stack, saver: Person) -> str:
    """Somebody's order with a part of its price on hold and a payment open for the rest; more is in their wallet."""
    actor = await stack.fund(saver.id, 300)
    variant = await stack.variant("app-store-card-tr", 1)
    key = f"browser-{saver.id}-held"
    held = await stack.services.orders.checkout.reserve(actor, variant.id, 1, key, hold=True)
    order = await stack.services.orders.history.detail(actor, held.number)
    await stack.services.payments.intents.start_top_up(
        actor, "usdt_evm", order.total - order.held, order.id, idempotency_key=key
    )
    await stack.fund(saver.id, 300)
    return held.number


async def _resold(stack: Stack, reseller: Person) -> str:
    """An order of several, at a reseller's price; enough is left for one more."""
    await stack.fund(reseller.id, 275 * 2 + 500)
    return await stack.buy(reseller.id, "private-vpn", 0, 2)


async def _refunded_order(stack: Stack, payer: Person) -> str:
    """An order that was refunded to the wallet."""
    await stack.fund(payer.id, 720)
    number = await stack.buy(payer.id, "private-vpn", 1)
    key = f"browser-{payer.id}-order"
    # The system, so that it takes nothing from what the admin of the screens may give away.
    system = Actor.system()
    await stack.services.orders.refunds.refund(
        system, number, usd(720), RefundTarget.WALLET, "as asked", idempotency_key=key
    )
    return number


async def _claimed(stack: Stack, payer: Person) -> str:
    """An order of three keys: one was replaced, a claim for another one is in review."""
    await stack.fund(payer.id, 3_000)
    number = await stack.buy(payer.id, "app-store-card-tr", 0, 3)
    actor, warranty = await stack.actor(payer.id), stack.services.orders.warranty
    for tap in ("browser-claim-1", "browser-claim-2"):
        claimable = (await warranty.of_order(actor, number)).claimable
        await warranty.claim(actor, number, claimable[0].key.id, idempotency_key=tap)
    return number


_CART = (("private-vpn", 0, 2), ("music-plan-tr", 0, 1), ("app-store-card-tr", 0, 1))


async def _requested(stack: Stack) -> list[RequestedLine]:
    return [RequestedLine((await stack.variant(slug, place)).id, count) for slug, place, count in _CART]


async def _lines(stack: Stack, payer: Person, key: str, *, refunded: bool = False) -> str:
    """An order of three lines, of which one in part and one wholly went back."""
    actor = await stack.fund(payer.id, 10_000)
    order = await stack.services.orders.checkout.place_all(actor, await _requested(stack), key)
    if refunded:
        back = [LineQuantity(order.lines[0].id, 1), LineQuantity(order.lines[1].id, 1)]
        await stack.services.orders.refunds.refund(
            Actor.system(), order.number, back, RefundTarget.WALLET, "as asked", idempotency_key=key
        )
    return order.number


async def _preparing(stack: Stack, payer: Person) -> str:
    """An order of which one line takes its time and one has failed, as a slow kind of goods leaves it."""
    number = await _lines(stack, payer, "browser-preparing")
    order = await stack.services.orders.history.admin_detail(Actor.system(), number)
    slow, failing = (line.id for line in order.lines[1:])
    async with stack.services.uow() as tx:
        pending = text("UPDATE order_lines SET status = 'pending' WHERE id IN (:slow, :failing)")
        await tx.execute(pending, {"slow": slow, "failing": failing})
        await tx.execute(text("UPDATE orders SET status = 'paid' WHERE id = :id"), {"id": order.id})
    failed = LineFailed(line_id=failing, reason="The issuer has closed this region")
    await stack.services.orders.settlement.settle_line(failed)
    return number


async def _lines_waiting(stack: Stack, payer: Person) -> str:
    """An unpaid order of three lines, which the balance pays for."""
    actor = await stack.fund(payer.id, 10_000)
    lines = await _requested(stack)
    return (await stack.services.orders.checkout.reserve_all(actor, lines, "browser-lines-kept")).number


_CLAIM = press("[hx-get$='/claim']")
_MAIN_SHEET = press("#bottom [data-main]")


async def _buy(page: Page) -> None:
    await choose_second(page)
    await _MAIN_SHEET(page)


def _promo(code: str, quantity: int = 1) -> Act:
    """Enters a promo code in the sheet before the purchase."""

    async def act(page: Page) -> None:
        await choose_second(page)
        for _ in range(quantity - 1):
            await page.locator("#quantity-more").click()
        await _MAIN_SHEET(page)
        field = page.locator("dialog#sheet #promo")
        await field.fill(code)
        await field.press("Enter")
        answer = page.locator("dialog#sheet").locator(f"bdi:text-is('{code}'), .field--bad")
        await expect(answer).to_be_visible()

    return act


async def _keep(page: Page) -> None:
    await _buy(page)
    await page.locator("dialog#sheet button[hx-get]").click()
    await expect(page.locator("dialog#sheet .short")).to_have_count(0)


async def _choose(page: Page) -> None:
    """Tick two orders and open what can be done to them."""
    for number in range(2):
        await page.locator("#chosen label:has([name=only])").nth(number).click()
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("dialog#sheet .bulk")).to_be_visible()


async def _plan(page: Page) -> None:
    """Go on to the preview of a refund."""
    await _choose(page)
    await page.locator("dialog#sheet [name=reason]").fill("Broken batch")
    await page.locator("dialog#sheet button[type=submit]").click()
    await expect(page.locator("#app #bulk")).to_be_visible()


def _shows(number: str) -> Act:
    """What was searched for is really there."""

    async def look(page: Page) -> None:
        await expect(page.locator(f'#results a[href="/admin/orders/{number}"]').first).to_be_attached()

    return look


async def _reveal(page: Page) -> None:
    await page.locator(".key__code").first.click()
    await expect(page.locator("#key-1-value")).to_be_visible()
