"""Codes, gift cards, vouchers and bonuses of a world, and how to come to their screens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.growth.types import NewBonusRule
from backend.growth.types.promos import NewPromo
from backend.identity.types import Actor
from backend.kernel.money import Money
from tests.browser.screens.screen import Screen, press, send_empty
from tests.browser.stack import Stack
from tests.browser.telegram import ADMIN

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """A card that can be given away, one that was redeemed, the code of a voucher, and a promotion that was used."""

    active: str
    redeemed: str
    code: str
    promo: str
    member: str
    premium_order: str


async def live(stack: Stack, buyer: Actor, friend: Actor, admin: Actor, saver: Actor) -> Past:
    """Cards and vouchers in each state, bonus rules that touch nobody's top-up, a member, and one in grace."""
    services = stack.services

    def usd(amount: int) -> Money:
        return Money(amount, services.settings.shop_currency)

    active = await services.growth.gifts.buy(buyer, usd(1000), idempotency_key=f"active-{buyer.id}")
    redeemed = await services.growth.gifts.buy(buyer, usd(500), idempotency_key=f"redeemed-{buyer.id}")
    back = await services.growth.gifts.buy(buyer, usd(700), idempotency_key=f"back-{buyer.id}")
    await services.growth.gifts.cancel(buyer, back.id)
    await services.growth.codes.redeem(friend, redeemed.code)
    # With what ``_make_codes`` adds, less than one admin may give away alone in 24 hours.
    many = await services.growth.vouchers.make(
        admin, usd(100), people=10, note="Ramadan 2027", idempotency_key=f"many-{admin.id}"
    )
    used = await services.growth.vouchers.make(
        admin, usd(100), codes=2, note="Partner", idempotency_key=f"used-{admin.id}"
    )
    await services.growth.vouchers.stop(admin, used.batch.id)
    later = services.clock.now() + timedelta(days=400)
    ends = later + timedelta(days=7)
    for rule in (
        NewBonusRule(minimum=usd(5_000_000), basis_points=1000, maximum=usd(10_000)),
        NewBonusRule(
            minimum=usd(2000), basis_points=1250, starts_at=later, ends_at=ends, first_only=True, method="demo"
        ),
        NewBonusRule(minimum=usd(9_000_000), fixed=usd(300)),
    ):
        await services.growth.bonuses.add_rule(admin, rule)
    owner = await stack.actor(ADMIN)
    for first, _ in await services.growth.bonuses.awaiting_approval(owner):
        approved = await services.growth.bonuses.approve_rule(owner, first.id)
    assert approved is not None
    await services.growth.bonuses.stop_rule(admin, approved.id)
    promo, order = await _promos(stack, buyer, admin), await _premium(stack, saver, friend, admin)
    return Past(str(active.id), str(redeemed.id), many.codes[0], promo, str(saver.id), order)


async def _premium(stack: Stack, saver: Actor, friend: Actor, admin: Actor) -> str:
    """Premium that the saver bought, and a friend's that ended yesterday; the order."""
    premium, checkout = stack.services.growth.premium, stack.services.orders.checkout
    await premium.give(admin, saver.id, 2, "For the wait")
    await premium.take(admin, saver.id, 1, "One was enough")
    variant = await stack.variant("premium", 1)
    await stack.fund(saver.telegram_id, variant.price.amount)
    order = await checkout.place(saver, variant.id, 1, f"premium-{saver.id}")
    await premium.give(admin, friend.id, 1, "A present")
    async with stack.services.uow() as tx:
        over = text("UPDATE premium_periods SET until = :ended WHERE user_id = :id")
        await tx.execute(over, {"ended": tx.now - timedelta(days=1), "id": friend.id})
    return order.number


async def _promos(stack: Stack, buyer: Actor, admin: Actor) -> str:
    """A promotion with an order that was paid and one that was not, a stopped one, and one that awaits approval."""
    promos, checkout = stack.services.growth.promos, stack.services.orders.checkout
    await stack.services.growth.partners.add(Actor.system(), "anna", "Anna's channel")
    used = NewPromo(basis_points=1500, uses=50, per_person=2, note="Ramadan 2027")
    promo = await promos.make(Actor.system(), used, idempotency_key=f"promo-{buyer.id}")
    assert promo is not None
    variant = await stack.variant("private-vpn", 0)
    codes = await promos.admit(buyer, (await promos.detail(Actor.system(), promo.id)).codes)
    held = await checkout.reserve(buyer, variant.id, 1, f"promo-held-{buyer.id}", codes=codes)
    await stack.services.orders.reservations.cancel(buyer, held.number)
    await checkout.place(buyer, variant.id, 1, f"promo-paid-{buyer.id}", codes=codes)
    many = NewPromo(amount=Money(100, variant.price.currency), codes=3, uses=1, first_only=True)
    stopped = await promos.make(Actor.system(), many, idempotency_key=f"promos-{buyer.id}")
    assert stopped is not None
    await promos.stop(admin, stopped.id)
    await promos.make(admin, NewPromo(basis_points=5000, note="For the newsletter"), idempotency_key=f"more-{admin.id}")
    return str(promo.id)


def screens(world: World) -> list[Screen]:
    """A person's gift cards and codes, then the admins' vouchers and bonuses."""
    past = world.growth
    return [
        Screen("redeem", "/wallet/redeem"),
        Screen("redeem-error", "/wallet/redeem?code=0000-0000-0000-0000", act=send_empty),
        Screen("redeemed", f"/wallet/redeem?code={past.code}", act=_redeem),
        Screen("gifts", "/wallet/gifts"),
        Screen("gifts-empty", "/wallet/gifts", "poor"),
        Screen("gift", f"/wallet/gifts/{past.active}"),
        Screen("gift-redeemed", f"/wallet/gifts/{past.redeemed}"),
        Screen("new-gift", "/wallet/gifts/new"),
        Screen("new-gift-short", "/wallet/gifts/new", "poor", _buy_without_money),
        Screen("me-premium", "/me", "saver"),
        Screen("me-premium-grace", "/me", "payer"),
        Screen("premium", "/shop/premium"),
        Screen("premium-member", "/shop/premium", "saver", _note),
        Screen("premium-grace", "/shop/vector-desk", "payer", _note),
        Screen("order-premium", f"/orders/{past.premium_order}", "saver"),
        Screen("manage-premium", f"/admin/people/{past.member}", "admin"),
        Screen("manage-premium-months", f"/admin/people/{past.member}", "admin", press("button[hx-get$='/premium']")),
        Screen("manage-vouchers", "/admin/vouchers", "admin"),
        Screen("manage-voucher", "/admin/vouchers", "admin", press("button[hx-get^='/admin/vouchers/'] >> nth=-1")),
        Screen("manage-new-vouchers", "/admin/vouchers/new", "admin"),
        Screen("manage-new-vouchers-error", "/admin/vouchers/new", "admin", send_empty),
        Screen("manage-codes", "/admin/vouchers/new", "admin", _make_codes),
        Screen("manage-promos", "/admin/promos", "admin"),
        Screen("manage-partners", "/admin/partners", "admin"),
        Screen("manage-new-partner", "/admin/partners/new", "admin"),
        Screen("manage-promo", f"/admin/promos/{past.promo}", "admin"),
        Screen("manage-new-promo", "/admin/promos/new", "admin"),
        Screen("manage-new-promo-error", "/admin/promos/new", "admin", send_empty),
        Screen("manage-bonuses", "/admin/bonuses", "admin"),
        Screen("manage-new-bonus", "/admin/bonuses/new", "admin"),
        Screen("manage-new-bonus-error", "/admin/bonuses/new", "admin", send_empty),
    ]


async def _note(page: Page) -> None:
    """Wait for what the page says of its reader's premium."""
    await expect(page.locator("#membership .note")).to_be_visible()


async def _redeem(page: Page) -> None:
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(".screen .paid .icon use[href$=check]")).to_be_attached()


async def _buy_without_money(page: Page) -> None:
    page.once("dialog", lambda dialog: dialog.accept())
    await page.locator("#amount").fill("25")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(".note--warn")).to_be_visible()


async def _make_codes(page: Page) -> None:
    # Little: one admin alone makes so much a day, and comes here in each theme.
    await page.locator("#amount").fill("1")
    await page.locator("input[name=kind][value=many]").check(force=True)
    await page.locator("#count").fill("4")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#codes")).to_be_visible()
