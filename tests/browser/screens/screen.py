"""Every screen of the sale and of the back office, and how to come to it: for the checks that look at all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from playwright.async_api import Frame, Page, expect

from backend.identity.types import Actor, Permission
from tests.browser import growth, office
from tests.browser.money import order_in_parts, order_paid_back, pay_in_every_way
from tests.browser.stack import Stack
from tests.browser.telegram import Person, Telegram

Act = Callable[[Page], Awaitable[None]]
PEOPLE = ("rich", "poor", "admin", "payer", "saver")


class World(msgspec.Struct, frozen=True):
    """People with a past, in one language."""

    rich: Person
    poor: Person
    admin: Person
    delivered: str
    waiting: str
    cancelled: str
    variant: str
    rich_id: str
    payment: str
    payer: Person
    saver: Person
    payments: dict[str, str]
    held: str
    paid_back: str
    gifts: growth.Gifts
    office: office.Office

    def who(self, name: str) -> Person:
        """The person called so."""
        people = {"rich": self.rich, "poor": self.poor, "admin": self.admin, "payer": self.payer, "saver": self.saver}
        return people[name]


class Screen(msgspec.Struct, frozen=True):
    """One screen: whose, its address, and what is done there before it is looked at."""

    name: str
    path: str
    who: str = "rich"
    act: Act | None = None


class Worlds:
    """A world for each language, made when it is first asked for."""

    def __init__(self, stack: Stack, telegram: Telegram) -> None:
        self._stack, self._telegram = stack, telegram
        self._made: dict[str, World] = {}

    async def get(self, language: str) -> World:
        """The people of this language."""
        if language not in self._made:
            self._made[language] = await make_world(self._stack, self._telegram, language)
        return self._made[language]


async def make_world(stack: Stack, telegram: Telegram, language: str) -> World:
    """Somebody who has bought, keeps something and gave something up, and somebody who has done nothing."""
    rich, poor, admin, payer, saver = [await telegram.person(language) for _ in range(5)]
    for person in (rich, poor, admin, payer, saver):
        await telegram.visit(person)
    everything = frozenset(Permission)
    await stack.services.identity.admins.set_permissions(Actor.system(), (await stack.actor(admin.id)).id, everything)
    helper = await stack.actor(admin.id)
    actor = await stack.fund(rich.id, 10_000)
    delivered = await stack.buy(rich.id, "private-vpn", 0, 2)
    cancelled = await stack.reserve(rich.id, "music-plan-tr", 0)
    await stack.services.orders.reservations.cancel(actor, cancelled)
    waiting = await stack.reserve(rich.id, "app-store-card-tr", 1)
    variant = await stack.variant("private-vpn", 1)
    payments = stack.services.payments
    way = (await payments.methods.enabled(actor))[0]
    amount = payments.methods.limits.minimum
    intent = await payments.intents.start_top_up(actor, way.name, amount, None, idempotency_key=f"browser-{rich.id}")
    paid = await pay_in_every_way(stack, payer, helper)
    return World(
        rich=rich,
        poor=poor,
        admin=admin,
        delivered=delivered,
        waiting=waiting,
        cancelled=cancelled,
        variant=str(variant.id),
        rich_id=str(actor.id),
        payment=str(intent.id),
        payer=payer,
        saver=saver,
        payments=paid,
        held=await order_in_parts(stack, saver),
        paid_back=await order_paid_back(stack, payer),
        gifts=await growth.give(stack, actor, await stack.actor(payer.id), helper),
        office=await office.leave(stack, await stack.actor(payer.id), helper, paid),
    )


def sale(world: World) -> list[Screen]:
    """What a buyer sees, full, empty and failing."""
    return [
        Screen("shop", "/shop"),
        Screen("list", "/shop?category=gift-cards"),
        Screen("list-country", "/shop?country=TR&in_stock=1&sort=price"),
        Screen("list-empty", "/shop?category=esim&country=GB&in_stock=1"),
        Screen("product", "/shop/private-vpn"),
        Screen("product-tile", "/shop/chess-trainer"),
        Screen("product-premium", "/shop/vector-desk"),
        Screen("product-low", "/shop/console-wallet-jp"),
        Screen("product-sold-out", "/shop/travel-esim-ma"),
        Screen("confirm", "/shop/private-vpn", act=_buy),
        Screen("missing", "/shop/private-vpn", "poor", act=_buy),
        Screen("checkout", f"/checkout?variant={world.variant}"),
        Screen("checkout-missing", f"/checkout?variant={world.variant}", "poor"),
        Screen("orders", "/orders"),
        Screen("orders-waiting", "/orders?segment=awaiting_payment"),
        Screen("orders-empty", "/orders", "poor"),
        Screen("orders-none-waiting", "/orders?segment=awaiting_payment", "poor"),
        Screen("order", f"/orders/{world.delivered}"),
        Screen("order-key", f"/orders/{world.delivered}", act=_reveal),
        Screen("order-waiting", f"/orders/{world.waiting}"),
        Screen("order-cancelled", f"/orders/{world.cancelled}"),
        Screen("order-pay", f"/orders/{world.waiting}", act=_main_to_sheet),
        Screen("wallet", "/wallet"),
        Screen("wallet-empty", "/wallet", "poor"),
        Screen("topup", "/wallet/topup"),
        Screen("topup-error", "/wallet/topup", act=_wrong_amount),
        Screen("payment", f"/wallet/payments/{world.payment}"),
        *_money(world),
        *(Screen(*look) for look in growth.sale(world.gifts)),
        Screen("me", "/me"),
        Screen("settings", "/me/settings"),
        Screen("terms", "/about/terms"),
        Screen("privacy", "/about/privacy"),
        Screen("not-found", "/shop/never-was"),
        Screen("forbidden", "/admin"),
        Screen("offline", "/shop", act=_offline),
    ]


def _money(world: World) -> list[Screen]:
    """Payments as they stand, and orders that are paid in parts."""
    return [
        *(Screen(f"payment-{name}", f"/wallet/payments/{one}", "payer") for name, one in world.payments.items()),
        Screen("payments", "/wallet/payments", "payer"),
        Screen("payments-empty", "/wallet/payments", "poor"),
        Screen("wallet-payments", "/wallet", "payer"),
        Screen("topup-way", "/wallet/topup?way=stars", "payer"),
        Screen("missing-part", "/shop/private-vpn", "saver", act=_buy),
        Screen("missing-keep", "/shop/private-vpn", "saver", act=_keep),
        Screen("order-held", f"/orders/{world.held}", "saver"),
        Screen("order-refunded", f"/orders/{world.paid_back}", "payer"),
    ]


def manage(world: World) -> list[Screen]:
    """What an admin sees."""
    return [
        Screen("manage", "/admin", "admin"),
        Screen("manage-orders", "/admin/orders", "admin"),
        Screen("manage-orders-found", f"/admin/orders?q={world.delivered[:4]}", "admin", _shows(world.delivered)),
        Screen("manage-orders-none", "/admin/orders?q=zzzzzz", "admin"),
        Screen("manage-order", f"/admin/orders/{world.delivered}", "admin"),
        Screen("manage-people", "/admin/people", "admin"),
        Screen("manage-person", f"/admin/people/{world.rich_id}", "admin"),
        Screen("manage-block", f"/admin/people/{world.rich_id}", "admin", _block_sheet),
        *(Screen(*look) for look in growth.manage()),
        *(Screen(*look) for look in office.manage(world.office, world.payments, world.delivered, world.waiting)),
        Screen("manage-books", "/admin/books", "admin"),
        Screen("manage-deliveries", "/admin/deliveries", "admin"),
        Screen("manage-admins", "/admin/admins", "admin"),
        Screen("manage-new-admin", "/admin/admins/new", "admin"),
        Screen("manage-admin", f"/admin/people/{world.rich_id}", "admin", _make_admin),
    ]


async def show(page: Page, app: str, screen: Screen) -> None:
    """Bring the page to the screen, and wait until nothing moves on it any more."""
    await page.goto(app + screen.path)
    await expect(page.locator("#app > .screen")).to_be_visible()
    if screen.act:
        await screen.act(page)
    await still(page)


async def still(page: Page | Frame) -> None:
    """Wait until pictures are there and what moves has come to its end; what turns for ever is left alone."""
    await page.evaluate(
        """async () => {
            await document.fonts.ready;
            const seen = [...document.images].filter((image) => image.getBoundingClientRect().top < innerHeight);
            await Promise.all(seen.map((image) => image.decode().catch(() => {})));
            const ending = (one) => one.effect?.getComputedTiming().iterations !== Infinity;
            await Promise.all(document.getAnimations().filter(ending).map((one) => one.finished.catch(() => {})));
        }"""
    )


async def _buy(page: Page) -> None:
    await page.locator(".cell--pick").nth(1).click()
    await expect(page.locator("#bottom [data-main]")).not_to_contain_text("2.99")
    await _main_to_sheet(page)


async def _main_to_sheet(page: Page) -> None:
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()


async def _keep(page: Page) -> None:
    await _buy(page)
    await page.locator("dialog#sheet button[hx-get]").click()
    await expect(page.locator("dialog#sheet .short")).to_have_count(0)


def _shows(number: str) -> Act:
    """What was searched for is really there."""

    async def look(page: Page) -> None:
        await expect(page.locator(f'#results a[href="/admin/orders/{number}"]').first).to_be_attached()

    return look


async def _reveal(page: Page) -> None:
    await page.locator(".key__code").first.click()
    await expect(page.locator("#key-1-value")).to_be_visible()


async def _wrong_amount(page: Page) -> None:
    await page.locator("#amount").fill("0.1")
    await expect(page.locator("#amount-error")).not_to_be_empty()


async def _offline(page: Page) -> None:
    await page.context.set_offline(True)
    await page.locator(".tab").last.click()
    await expect(page.locator('.screen[data-code="offline"]')).to_be_visible()
    await page.context.set_offline(False)


async def _block_sheet(page: Page) -> None:
    await page.locator("button.cell--danger").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()


async def _make_admin(page: Page) -> None:
    await page.locator("button[hx-get^='/admin/admins/']").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()
