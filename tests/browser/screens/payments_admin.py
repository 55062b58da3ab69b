"""What waits for the keepers of the shop's money in a world, and how to come to their screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import msgspec
from playwright.async_api import Page, expect

from backend.identity.types import Actor
from backend.payments.types import IntentId, ProviderReport, ProviderState
from tests.browser.stack import Stack
from tests.browser.telegram import ADMIN
from tests.factories.wallet import usd

Act = Callable[[Page], Awaitable[None]]
Look = tuple[str, str, str, Act | None]


class Office(msgspec.Struct, frozen=True):
    """Unmatched money, a refund made behind the shop's back, and somebody whose balance is to be corrected."""

    money: str
    back: str
    person: str


async def leave(stack: Stack, payer: Actor, admin: Actor, payments: Mapping[str, str]) -> Office:
    """News that belong to nobody, and corrections that wait for a second admin: one of his own, one of another's."""
    services = stack.services
    stray = ProviderReport(
        event_id=f"stray:{payer.id}",
        state=ProviderState.PAID,
        external_id=f"never:{payer.id}",
        received=usd(1500),
        details={"from": "0x52908400098527886E0F7030069857D2E4169EE7"},
    )
    back = ProviderReport(
        event_id=f"back:{payer.id}",
        state=ProviderState.REFUNDED,
        intent_id=IntentId(UUID(payments["part-refunded"])),
        refunded=usd(1000),
    )
    for report in (stray, back):
        await services.payments.intents.settle("demo", report)
    found = {row.event_id: str(row.id) for row in (await services.payments.inbox.unmatched(admin)).items}
    root = await stack.actor(ADMIN)
    much = services.wallet.adjustments.limit + usd(100)
    for asker, amount in ((root, much), (admin, -much)):
        await services.wallet.adjustments.adjust(
            asker, payer.id, amount, "After the outage", idempotency_key=f"much-{payer.id}"
        )
    return Office(found[stray.event_id], found[back.event_id], str(payer.id))


def manage(office: Office, payments: Mapping[str, str], delivered: str, waiting: str) -> list[Look]:
    """What a keeper of the money sees."""
    one, unmatched = "/admin/payments/", "/admin/payments/unmatched"
    money, person = f"{unmatched}/{office.money}", f"/admin/people/{office.person}"
    looks: list[tuple[str, str, Act | None]] = [
        ("payments", "/admin/payments", None),
        ("payments-none", "/admin/payments?way=never", None),
        ("payment", one + payments["part-refunded"], None),
        ("payment-coins", one + payments["short"], None),
        ("payment-open", one + payments["comment"], None),
        ("payment-deposit", one + payments["proved"], None),
        ("payment-refund", one + payments["part-refunded"], _sheet("refund")),
        ("payment-refund-error", one + payments["part-refunded"], _wrong_refund),
        ("deposits", "/admin/payments/deposits", None),
        ("deposit-confirm", one + payments["proved"], _sheet("confirm")),
        ("deposit-reject", one + payments["proved"], _sheet("reject")),
        ("unmatched", unmatched, None),
        ("event", money, None),
        ("event-refund", f"{unmatched}/{office.back}", None),
        ("event-dismiss", money, _sheet("dismiss")),
        ("assign-order", money, _sheet("assign")),
        ("assignees", f"{money}/people", None),
        ("assignees-none", f"{money}/people?q=zzzzzz", None),
        ("assign", f"{money}/people", _assign),
        ("reconciliation", "/admin/payments/reconciliation", None),
        ("ways", "/admin/settings/payments", None),
        ("way", "/admin/settings/payments", _sheet("stripe")),
        ("order-refund", f"/admin/orders/{delivered}", _sheet("refund")),
        ("order-cancel", f"/admin/orders/{waiting}", _sheet("cancel")),
        ("wallet", f"{person}/wallet", None),
        ("adjust", f"{person}/wallet", _sheet("adjust")),
        ("adjustments", "/admin/adjustments", None),
        ("approvals", "/admin/approvals", None),
    ]
    return [(f"manage-{name}", path, "admin", act) for name, path, act in looks]


def _sheet(end: str) -> Act:
    """Opens the sheet that a button asks for at an address with this end."""

    async def act(page: Page) -> None:
        await page.locator(f"button[hx-get$='/{end}']").first.click()
        await expect(page.locator("dialog#sheet .sheet")).to_be_visible()

    return act


async def _wrong_refund(page: Page) -> None:
    page.once("dialog", lambda dialog: dialog.accept())
    await _sheet("refund")(page)
    await page.locator("#amount").fill("9999")
    await page.locator("#reason").fill("too much")
    await page.locator(".sheet button[type=submit]").click()
    await expect(page.locator("#amount-error")).not_to_be_empty()


async def _assign(page: Page) -> None:
    await page.locator("button[hx-get*='/assign?person=']").first.click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()
