"""A cart of four kinds of goods with a promo code, paid half from the balance and half by Stars; a line is refunded."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity, LineStatus
from tests.browser.axe import violations
from tests.browser.conftest import OpenApp, OpenPhone
from tests.browser.screens.screen import still
from tests.browser.sizes import misfits
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.browser.test_accessibility import too_small
from tests.browser.test_sale import loosely
from tests.browser.words import Words, plain
from tests.factories.catalog import import_rows, product, variant

_TOTAL = 2 * 299 + 10 * 210 + 900 + 500
"""Two keys, ten of a shared key at their step, something that is made by hand, a month of premium."""
_SAVED = _TOTAL // 10


async def _kinds(stack: Stack) -> None:
    """Goods by hand and months of premium, which the demo's shelves lack."""
    rows = [
        product("mixed-logo", "skills", kind="by_hand", name_en="Logo by hand", name_ar="شعار يدوي"),
        variant("mixed-logo", price="9.00", name_en="One draft", name_ar="مسودة واحدة"),
        product("mixed-premium", "skills", kind="premium", name_en="Premium club", name_ar="نادي بريميوم"),
        variant("mixed-premium", price="5.00", name_en="1 month", name_ar="شهر واحد", premium_months="1"),
    ]
    report = await import_rows(stack.services.catalog, rows)
    assert report.applied, report.problems


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_four_kinds_from_the_cart_to_a_refund(
    language: str, theme: str, open_phone: OpenPhone, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    await _kinds(stack)
    _, person = Words(language), await telegram.person(language, started=False)
    phone = await open_phone(person)
    await phone.enter()
    due = _TOTAL - _SAVED
    await stack.fund(person.id, due // 2)
    actor = await stack.actor(person.id)
    chosen = (("private-vpn", 2), ("ebook-library", 10), ("mixed-logo", 1), ("mixed-premium", 1))
    for slug, quantity in chosen:
        await stack.services.orders.cart.add(actor, (await stack.variant(slug)).id, quantity)
    app, sheet = phone.app, phone.app.locator("dialog#sheet")
    await app.locator('nav a[href="/cart"]').click()
    await phone.arrived("/cart")
    await expect(app.locator("#cart")).to_contain_text(_("Quantity discount"))
    await phone.press_main(loosely(_("Checkout · %(sum)s", sum=_.money(_TOTAL))))
    await sheet.locator("#promo").fill("WELCOME10")
    await sheet.get_by_role("button", name=_("Apply")).click()
    await expect(sheet.locator("#sheet-title")).to_have_text(
        loosely(_("You need %(rest)s more", rest=_.money(due - due // 2)))
    )
    await sheet.locator('button[value="stars"]').click()
    await phone.page.locator("#invoice-pay").click()
    await phone.arrived("/orders/S-[0-9A-Z]{6}")
    await expect(app.get_by_role("heading", name=_("Paid. We're preparing your order."))).to_be_visible()
    await expect(app.locator(".key").first).to_be_visible()
    assert await stack.balance(person.id) < 100  # what a whole Star is more than the rest

    services, frame = stack.services, phone.page.frame(name="mini-app")
    assert frame is not None
    number = frame.url.partition("/orders/")[2].partition("#")[0]
    order = await services.orders.history.detail(actor, number)
    states = [line.status for line in order.lines]
    assert states == [LineStatus.DELIVERED, LineStatus.DELIVERED, LineStatus.PENDING, LineStatus.DELIVERED]
    assert order.total == Money(due, "USD")
    assert (await stack.actor(person.id)).is_premium

    first = order.lines[0]
    await services.orders.refunds.refund(
        Actor.system(), number, [LineQuantity(first.id, 2)], RefundTarget.WALLET, "as asked", idempotency_key="mixed-01"
    )
    back = plain(_("Refunded: %(sum)s", sum="")).strip()
    await expect(app.locator("#order")).to_contain_text(back)
    assert await stack.balance(person.id) >= first.price.total.amount
    page = await open_app(person, f"/orders/{number}", theme=theme, is_mobile=True)
    await still(page)
    assert [*await violations(page), *await too_small(page), *await misfits(page)] == []
